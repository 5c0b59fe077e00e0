# SPDX-License-Identifier: MIT
"""A program that believes in another clock, by Debian's libfaketime.

Not by its wrapper, which names a semaphore after its process id, and gives up where a run
that was killed has left one of that number.
"""

import glob


def at(clock):
    """What to put before a command; @clock: as faketime -f has it: "-20y", "@1970-01-02 ..."."""
    (library,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return ["env", f"LD_PRELOAD={library}", f"FAKETIME={clock}"]
