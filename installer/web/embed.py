#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes assets.h: the files that pages refer to, as text, with one version for all of them.

	embed.py OUT FILE...
"""

import hashlib
import os
import sys


def literal(text):
    for line in text.splitlines(keepends=True):
        yield '\t"' + line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def main(out, *paths):
    texts = {os.path.splitext(os.path.basename(path))[0]: open(path, encoding="utf-8").read()
             for path in paths}
    version = hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:12]
    with open(out, "w", encoding="utf-8") as file:
        file.write("/* SPDX-License-Identifier: MIT */\n#pragma once\n\n"
                   f'#define ASSETS_VERSION "{version}"\n')
        for name, text in texts.items():
            lines = "\n".join(literal(text))
            file.write(f"\nstatic const char assets_{name}[] __attribute__((unused)) =\n{lines};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
