# SPDX-License-Identifier: MIT
"""How much a run tries: everything with `uml.py --long`, else a sample of it, spread evenly."""

LONG = False
SEED = 0  # of the sample; another one moves it


def choose(whole, sample):
    return whole if LONG else sample


def spread(count, share):
    """One of @share of the numbers below @count, with the first and the last; all of them in a
    long run."""
    if LONG:
        return list(range(count))
    return sorted({0, *range(SEED % share, count, share), count - 1})
