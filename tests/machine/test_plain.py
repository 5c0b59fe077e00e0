# SPDX-License-Identifier: MIT
"""The device with an initramfs around our own /init."""

import bench
import ways


class Plain(ways.Way):
    VARIANT = "plain"

    def test_5_no_such_root(self):
        """It says so, and does not wait for ever."""
        self.assertEqual(self.device.poweroff(), 0)
        self.device.start("root=PARTLABEL=nowhere rootwait=2",
                          until="wmopkg: PARTLABEL=nowhere: no such device after 2 s")
        self.device.kill()


if __name__ == "__main__":
    bench.main()
