# SPDX-License-Identifier: MIT
"""The device with an initramfs made by dracut."""

import bench
import ways


class Dracut(ways.Way):
    VARIANT = "dracut"
    if not bench.LONG:
        BARE, test_1_comes_up = False, None

    # It takes its time to come up, and what comes after is the same with systemd in it.
    test_3_what_a_boot_leaves = test_4_safe_mode = None


if __name__ == "__main__":
    bench.main()
