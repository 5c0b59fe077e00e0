# SPDX-License-Identifier: MIT
"""The device with an initramfs made by dracut, with systemd in it."""

import bench
import ways


class DracutSystemd(ways.Way):
    VARIANT = "dracut-systemd"

    if not bench.LONG:
        BARE, test_1_comes_up = False, None
        # Two more boots of the slowest initramfs; the others leave the packages out, too.
        test_4_safe_mode = None


if __name__ == "__main__":
    bench.main()
