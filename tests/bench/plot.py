# SPDX-License-Identifier: MIT
"""Charts of what was measured, as text and as SVG."""

import math
from xml.sax.saxutils import escape

TEXT_WIDTH = 44  # characters of the longest bar, and of a line chart
TEXT_HEIGHT = 12
WIDTH, MARGIN, LINE = 760, 20, 22
COLOURS = ("#1b6ca8", "#c0562f", "#4f8a3d", "#7d5ba6")


def short(value):
    """At most three digits that matter."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


class Bars:
    """A value for each of a few names. rows: [(name, value)]"""

    def __init__(self, title, unit, rows):
        self.title, self.unit, self.rows = title, unit, rows
        self.top = max(value for _, value in rows)

    def text(self):
        return [f"  {name:24.24} {'█' * max(1, round(TEXT_WIDTH * value / self.top))} "
                f"{short(value)} {self.unit}" for name, value in self.rows]

    def svg(self, y):
        """The chart from @y down, and where it ends."""
        out, room = [heading(self.title, y)], WIDTH - 2 * MARGIN - 300
        for number, (name, value) in enumerate(self.rows):
            y += LINE
            out.append(label(MARGIN + 190, y + 14, name, "end"))
            out.append(f'<rect x="{MARGIN + 200}" y="{y + 3}" height="14" '
                       f'width="{max(1, room * value / self.top):.1f}" '
                       f'fill="{COLOURS[min(number, 1)]}"/>')
            out.append(label(MARGIN + 206 + room * value / self.top, y + 14,
                             f"{short(value)} {self.unit}"))
        return out, y + 2 * LINE


class Lines:
    """Series over a count that doubles. series: {name: [(count, value)]}"""

    def __init__(self, title, unit, series):
        self.title, self.unit, self.series = title, unit, series
        points = [point for line in series.values() for point in line]
        self.top = max(value for _, value in points)
        self.counts = sorted({count for count, _ in points})
        self.span = math.log2(self.counts[-1] / self.counts[0]) or 1

    def place(self, count):
        """0 … 1"""
        return math.log2(count / self.counts[0]) / self.span

    def text(self):
        grid = [[" "] * (TEXT_WIDTH + 1) for _ in range(TEXT_HEIGHT)]
        for mark, line in zip("o+x*", self.series.values()):
            for count, value in line:
                row = TEXT_HEIGHT - 1 - round((TEXT_HEIGHT - 1) * value / self.top)
                grid[row][round(TEXT_WIDTH * self.place(count))] = mark
        axis = [" "] * (TEXT_WIDTH + 8)
        for count in self.counts:
            column = round(TEXT_WIDTH * self.place(count))
            axis[column:column + len(str(count))] = str(count)
        keys = ", ".join(f"{mark} {name}" for mark, name in zip("o+x*", self.series))
        return [f"  {self.unit}, from 0 to {short(self.top)}: {keys}",
                *(f"  │{''.join(row)}" for row in grid),
                "  └" + "─" * (TEXT_WIDTH + 1), "   " + "".join(axis)]

    def svg(self, y):
        height, left, right = 200, MARGIN + 50, WIDTH - MARGIN - 150
        base = y + 1.5 * LINE + height
        out = [heading(self.title, y)]
        for part in range(5):
            line = base - height * part / 4
            out.append(f'<path d="M{left} {line}H{right}" stroke="#ddd"/>')
            out.append(label(left - 6, line + 4, short(self.top * part / 4), "end"))
        for count in self.counts:
            out.append(label(left + (right - left) * self.place(count), base + 16, count,
                             "middle"))
        for number, (name, line) in enumerate(self.series.items()):
            points = [(left + (right - left) * self.place(count),
                       base - height * value / self.top) for count, value in line]
            colour = COLOURS[number % len(COLOURS)]
            path = " ".join(f"{x:.1f},{at:.1f}" for x, at in points)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                       'stroke-width="2"/>')
            out += [f'<circle cx="{x:.1f}" cy="{at:.1f}" r="3" fill="{colour}"/>'
                    for x, at in points]
            out.append(label(right + 10, y + LINE * (number + 2), name, colour=colour))
        out.append(label(right + 10, y + LINE * (len(self.series) + 2), self.unit))
        return out, base + 2 * LINE


def label(x, y, text, anchor="start", colour="#333", size=12):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
            f'font-size="{size}">{escape(str(text))}</text>')


def heading(title, y):
    return label(MARGIN, y + 12, title, size=15, colour="#000")


def svg(charts):
    """One picture of all of them."""
    out, y = [], MARGIN
    for chart in charts:
        part, y = chart.svg(y)
        out += part
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
        f'height="{y}" font-family="sans-serif">', '<rect width="100%" height="100%" fill="#fff"/>',
        *out, "</svg>", ""])
