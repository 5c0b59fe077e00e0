# SPDX-License-Identifier: MIT
"""The device with an initramfs made by dracut, with systemd in it."""

import bench
import ways


class DracutSystemd(ways.Way):
    VARIANT = "dracut-systemd"


if __name__ == "__main__":
    bench.main()
