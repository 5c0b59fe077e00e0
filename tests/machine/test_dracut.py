# SPDX-License-Identifier: MIT
"""The device with an initramfs made by dracut."""

import bench
import ways


class Dracut(ways.Way):
    VARIANT = "dracut"


if __name__ == "__main__":
    bench.main()
