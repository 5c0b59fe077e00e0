/* SPDX-License-Identifier: MIT */
#include "overlay/contents/critical.h"
#include "tests/check.h"

#define C_LIBRARY "the C library that all programs use"
#define LOADER    "the loader of all programs"
#define CACHE     "where the loader finds libraries"
#define LOGIN     "who may log in"
#define INIT      "the first program"
#define PROGRAM   "has the name of a program of the activation engine"
#define SERVICE   "how the engine is started, and when a boot is complete"
#define RAMDISK   "what the next initramfs is made with"
#define SEARCH    "which programs are found first (PATH)"
#define ENGINE    "belongs to the activation engine, which keeps the firmware's own"

static void test_find(void **state)
{
	static const struct {
		const char *path;
		const char *what; /* NULL: nothing */
	} cases[] = {
		{"lib/libc.so.6", C_LIBRARY},
		{"lib/libc-2.36.so", C_LIBRARY},
		{"lib64/libc.so.6", C_LIBRARY},
		{"lib32/libc.so.6", C_LIBRARY},
		{"libx32/libc.so.6", C_LIBRARY},
		{"usr/lib/libc.so", C_LIBRARY},
		{"usr/lib64/libc.so.6", C_LIBRARY},
		{"lib/x86_64-linux-gnu/libc.so.6", C_LIBRARY},
		{"usr/lib/arm-linux-gnueabihf/libc.so.6", C_LIBRARY},
		{"usr/lib/aarch64-linux-musl/libc.so", C_LIBRARY},
		{"lib/libpthread.so.0", C_LIBRARY},
		{"lib/libuClibc-1.0.42.so", C_LIBRARY},
		{"usr/lib/x86_64-linux-gnu/foo/libc.so.6", NULL},
		{"usr/lib/libcurl.so.4", NULL},
		{"opt/lib/libc.so.6", NULL},
		{"lib/ld-linux.so.2", LOADER},
		{"lib64/ld-linux-x86-64.so.2", LOADER},
		{"lib/ld-linux-armhf.so.3", LOADER},
		{"lib/ld-musl-armhf.so.1", LOADER},
		{"lib/ld-uClibc.so.0", LOADER},
		{"lib/ld.so.1", LOADER},
		{"lib64/ld64.so.2", LOADER},
		{"usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", LOADER},
		{"etc/ld.so.cache", CACHE},
		{"etc/ld.so.conf", CACHE},
		{"etc/ld.so.conf.d/own.conf", CACHE},
		{"etc/ld-musl-x86_64.path", CACHE},
		{"etc/ld.so.preload", "a library that the loader puts into all programs"},
		{"etc/passwd", LOGIN},
		{"etc/passwd-", NULL},
		{"etc/shadow", LOGIN},
		{"etc/group", LOGIN},
		{"etc/gshadow", LOGIN},
		{"etc/pam.d/login", LOGIN},
		{"etc/nsswitch.conf", LOGIN},
		{"etc/resolv.conf", NULL},
		{"etc/hosts", NULL},
		{"etc/motd", NULL},
		{"etc", NULL},
		{"", NULL},
		{"lib/modules/6.1.0/kernel/net/x.ko", "the kernel's modules"},
		{"lib/modules", "the kernel's modules"},
		{"lib/modules/6.1.0/modules.dep", "the index of the kernel's modules"},
		{"usr/lib/modules/6.1.0/modules.alias.bin",
		 "the index of the kernel's modules"},
		{"lib/modules-load.d/x.conf", NULL},
		{"boot/vmlinuz", "what the device boots"},
		{"bootstrap", NULL},
		{"init", INIT},
		{"sbin/init", INIT},
		{"usr/lib/systemd/systemd", INIT},
		{"usr/lib/systemd/system/x.service", NULL},
		{"etc/inittab", "what the first program starts"},
		{"etc/init.d/rcS", "what the first program starts"},
		{"etc/init.d/S50x", NULL},
		{"etc/fstab", "which file systems are mounted"},
		{"bin/sh", "the shell that scripts run in"},
		{"bin/busybox", "the shell that scripts run in"},
		{"etc/wmopkg", ENGINE},
		{"etc/wmopkg/keys/a.pem", ENGINE},
		{"usr/bin/wmopkg", ENGINE},
		{"bin/wmopkg", ENGINE},
		{"usr/local/bin/wmopkg", ENGINE},
		{"usr/local/sbin/wmopkg-activate", ENGINE},
		{WMOPKG_BINDIR "/wmopkg-web", ENGINE},
		{WMOPKG_SBINDIR "/wmopkg-shutdown", ENGINE},
		{"usr/bin/wmopkg-build", NULL},
		{"usr/bin/WMOPKG", NULL},
		{"opt/vendor/bin/wmopkg", PROGRAM},
		{"opt/vendor/libexec/wmopkg", NULL},
		{"usr/share/bash-completion/completions/wmopkg", NULL},
		{"etc/fw_env.config", "where the boot configuration is"},
		{"lib/systemd/system/wmopkg-boot-complete.service", SERVICE},
		{"usr/lib/systemd/system/wmopkg-boot-complete.service", SERVICE},
		{"etc/systemd/system/wmopkg-boot-complete.service", SERVICE},
		{"etc/systemd/system/wmopkg-boot-complete.service.d/x.conf", SERVICE},
		{"etc/systemd/system/multi-user.target.wants/wmopkg-boot-complete.service",
		 SERVICE},
		{"etc/systemd/system/other.service", NULL},
		{"usr/lib/systemd/system/final.target.wants/wmopkg-shutdown.service",
		 SERVICE},
		{"usr/lib/systemd/system/run-wmopkg-.mount.d/wmopkg-mounts.conf",
		 SERVICE},
		{WMOPKG_UNITDIR "/wmopkg-shutdown.service", SERVICE},
		{WMOPKG_UNITDIR "/final.target.wants/wmopkg-shutdown.service", SERVICE},
		{"etc/init.d/S99wmopkg", SERVICE},
		{"etc/rc5.d/S99wmopkg", SERVICE},
		{"etc/initramfs-tools/hooks/x", RAMDISK},
		{"usr/share/initramfs-tools/hooks/wmopkg", RAMDISK},
		{"usr/lib/dracut/modules.d/90wmopkg/activate.sh", RAMDISK},
		{"etc/dracut.conf.d/x.conf", RAMDISK},
		{"usr/share/wmopkg/initramfs/init", RAMDISK},
		{WMOPKG_DATADIR "/wmopkg/S99wmopkg", RAMDISK},
		{WMOPKG_DATADIR "/other", NULL},
		{"etc/profile.d/x.sh", SEARCH},
		{"etc/profile", SEARCH},
		{"etc/environment", SEARCH},
		{"etc/environments", NULL},
		{"root/.profile", SEARCH},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct overlay_critical *found =
			overlay_critical_find(cases[i].path);
		const char *what = found ? found->what : "nothing";

		if (strcmp(what, cases[i].what ? cases[i].what : "nothing") != 0)
			fail_msg("%s: %s", cases[i].path, what);
	}
}

/* A driver more is what packages are made for; what the loader looks for is not. */
static void test_added(void **state)
{
	(void)state;
	assert_false(overlay_critical_find("lib/modules/6.1.0/extra/x.ko")->added);
	assert_false(overlay_critical_find("etc/pam.d/own")->added);
	assert_true(overlay_critical_find("lib/modules/6.1.0/modules.dep")->added);
	assert_true(overlay_critical_find("etc/ld.so.preload")->added);
	assert_true(overlay_critical_find("etc/wmopkg/wmopkg.conf")->added);
}

static void test_below(void **state)
{
	static const struct {
		const char *path;
		const char *what;
	} cases[] = {
		{"lib", LOADER},
		{"usr", LOADER},
		{"usr/lib/x86_64-linux-gnu", LOADER},
		{"usr/lib/python3", NULL},
		{"etc", CACHE},
		{"sbin", INIT},
		{"bin", "the shell that scripts run in"},
		{"usr/lib/systemd", INIT},
		{"lib/modules/6.1.0", "the index of the kernel's modules"},
		{"usr/share", RAMDISK},
		{"usr/share/doc", NULL},
		{"usr/local", SERVICE},
		{"usr/local/bin", ENGINE},
		{"root", SEARCH},
		{"srv", NULL},
		{"etc/passwd", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct overlay_critical *found =
			overlay_critical_below(cases[i].path);
		const char *what = found ? found->what : "nothing";

		if (strcmp(what, cases[i].what ? cases[i].what : "nothing") != 0)
			fail_msg("%s: %s", cases[i].path, what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
