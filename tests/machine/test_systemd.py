# SPDX-License-Identifier: MIT
"""A firmware whose init is systemd: the unit says that a boot was completed when what has to
succeed before has succeeded, and not otherwise."""

import json
import os
import subprocess

import bench

BRAND_MOTD = "Property of ACME Power & Water."
UNIT = "wmopkg-boot-complete.service"
# what an integrator has to check that the application answers; here it never does
CHECK = """[Unit]
Description=The application answers
Before=boot-complete.target

[Service]
Type=oneshot
ExecStart=/bin/false
"""
REASON = "it was left out after boots that were not completed"


class Systemd(bench.MachineTest):
    VARIANT = "systemd"

    @classmethod
    def prepare(cls):
        for name in ("branding", "service"):
            cls.bench.create(name, cls.bench.tree(name), keys=cls.bench.keys)
        units = os.path.join(cls.bench.path("tree-answer"), "etc/systemd/system")
        os.makedirs(os.path.join(units, "boot-complete.target.requires"))
        with open(os.path.join(units, "check.service"), "w", encoding="utf-8") as file:
            file.write(CHECK)
        os.symlink("../check.service",
                   os.path.join(units, "boot-complete.target.requires/check.service"))
        cls.bench.create("answer", cls.bench.path("tree-answer"), keys=cls.bench.keys)
        cls.device = cls.bench.device(disk="disk-systemd.img")
        cls.put_on_data("branding", "service")

    def reboot(self):
        """The shell has a reboot of its own, for BusyBox's init."""
        return self.device.reboot(limit_s=400, command="systemctl reboot")

    def trials(self):
        return self.succeed("cat /run/wmopkg/persist/wmopkg/trials.json")

    def settled(self):
        """systemd has done all that it is going to do for this boot."""
        self.device.wait_for("systemctl list-jobs | grep -q 'No jobs'", limit_s=120)

    def check_left_clean(self):
        """The boot after it has had nothing to repair."""
        checked = self.succeed("cat /run/wmopkg-fsck.log")
        self.assertEqual(checked.count("clean"), 2, checked)
        self.assertNotIn("recovering", checked)

    def test_1_a_good_boot_is_completed(self):
        self.assertIn(BRAND_MOTD, self.device.start(limit_s=400))
        self.assertEqual(self.succeed("cat /proc/1/comm"), "systemd\n")
        self.device.wait_for(f"systemctl is-active --quiet {UNIT}", limit_s=120)
        self.assertIn('"state": "passed"', self.trials())
        self.assert_row("branding", "1.0", "Signed")

    def test_1_a_service_of_a_package(self):
        """The unit of docs/examples is enabled by the package that it comes with."""
        self.succeed("systemctl is-active --quiet status-page")
        self.assertIn("Served by a package.", self.succeed("wget -q -O - http://127.0.0.1/"))

    def test_1_an_update_by_its_timer(self):
        """The units that a vendor enables, as they are installed: only the waiting is left out."""
        self.bench.create("service", self.bench.path("tree-service"), keys=self.bench.keys,
                          version="1.1")
        subprocess.run([self.bench.program("installer/wmopkg-build"), "catalog", "--valid", "30",
                        "--key", f"{self.bench.keys}/signer.key", "--cert",
                        f"{self.bench.keys}/signer.pem", self.bench.packages],
                       check=True, stdout=subprocess.DEVNULL)
        place = f"http://10.0.2.2:{self.server.port}/catalog"
        self.succeed("cp /etc/wmopkg/wmopkg.conf /run/conf && "
                     f"echo 'catalog = {{\"{place}\"}}' >> /run/conf && "
                     "mount --bind /run/conf /etc/wmopkg/wmopkg.conf")
        self.succeed("mkdir -p /run/systemd/system/wmopkg-update.timer.d && printf "
                     "'[Timer]\\nOnBootSec=\\nOnUnitActiveSec=\\nOnActiveSec=1s\\n"
                     "AccuracySec=1s\\nRandomizedDelaySec=0\\n' > "
                     "/run/systemd/system/wmopkg-update.timer.d/now.conf && "
                     "systemctl daemon-reload && systemctl start wmopkg-update.timer")
        self.device.wait_for("systemctl show -p ExecMainExitTimestampMonotonic wmopkg-update.service "
                             "| grep -qv '=0$'", limit_s=120)
        told = self.succeed("systemctl show -p Result -p ExecMainStatus wmopkg-update.service | cat")
        self.assertEqual(sorted(told.split()), ["ExecMainStatus=0", "Result=success"])
        last = json.loads(self.succeed("wmopkg audit json").splitlines()[-1])
        self.assertEqual((last["event"], last["source"], last["detail"]),
                         ("update", place, "catalogue 1, 1 package"))
        # again, by hand: there is nothing to do, and nothing is printed
        self.succeed("systemctl start wmopkg-update.service")
        self.assertEqual(self.succeed("wmopkg audit json | grep -c '\"event\":\"update\"'"), "1\n")
        self.succeed("systemctl stop wmopkg-update.timer && umount /etc/wmopkg/wmopkg.conf")

    def test_2_one_that_keeps_it_from_being_completed(self):
        self.install("answer")
        for number in range(1, 4 if bench.LONG else 2):
            self.assertIn(BRAND_MOTD, self.reboot())
            self.check_left_clean()
            self.settled()
            self.exit_with(3, f"systemctl is-active {UNIT}")
            self.assertIn('"state": "trial"', self.trials())
            self.assertIn(f'"incomplete": {number}', self.trials())
            self.assert_row("answer", "1.0", "Signed")
        self.assert_row("service", "1.1", "Signed")  # by the timer

    if bench.LONG:
        # after the third of these boots; the same as without systemd
        def test_3_is_left_out(self):
            self.assertIn(BRAND_MOTD, self.reboot())
            self.device.wait_for(f"systemctl is-active --quiet {UNIT}", limit_s=120)
            self.assert_row("answer", "1.0", "Quarantined")
            self.assert_row("branding", "1.0", "Signed")
            self.assertIn(f"answer: not active: {REASON}",
                          " ".join(self.succeed("wmopkg show").split()))

    def test_4_ends(self):
        """Whatever packages hold, DATA and PERSIST are unmounted, and nobody complains: the files
        of packages that are active, removed by the command and by hand, and a file that a program
        has open for writing."""
        self.succeed("wmopkg remove --yes answer")
        self.succeed("rm /run/wmopkg/data/packages/branding.wmopkg && ! ls /run/initramfs/shutdown")
        self.succeed("sleep 1000 > /run/wmopkg/data/open &")
        # as they are in a boot without `quiet`
        self.succeed("echo 5 > /proc/sys/kernel/printk")
        began = len(self.device.log)
        self.assertEqual(self.device.poweroff(limit_s=200, command="systemctl poweroff"), 0)
        seen = bench.console.plain(self.device.log[began:])
        for complaint in ("Failed", "FAILED", "Could not", "Unable", "in use", "only made read-only"):
            self.assertNotIn(complaint, seen.replace("Failed to connect to bus", ""))
        self.assertEqual(bench.unclean(self.device.disk), [])


if __name__ == "__main__":
    bench.main()
