#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tests of a meson run, one a line: RESULT NAME.   tests/results.py TESTLOG.json"""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as log:
    for line in log:
        test = json.loads(line)
        print(test["result"], test["name"].split(" / ")[-1])
