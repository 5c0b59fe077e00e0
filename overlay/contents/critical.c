/* SPDX-License-Identifier: MIT */
/* The table of critical paths. */
#include "overlay/contents/critical.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "overlay/fs/protect.h"
#include "verity/util/glob.h"

#define NAME_BYTES 256

#define LIBC   "the C library that all programs use"
#define LOADER "the loader of all programs"
#define CACHE  "where the loader finds libraries"
#define LOGIN  "who may log in"
#define KERNEL "the kernel's modules"
#define BOOT   "what the device boots"
#define INIT   "the first program"
#define SHELL  "the shell that scripts run in"
#define MOUNTS "which file systems are mounted"
#define ENGINE "belongs to the activation engine, which keeps the firmware's own"

#define LIBRARY  "wmopkg needs it, and keeps the firmware's own"
#define STANDARD "a standard folder, which programs expect as it is"
#define NEEDED   "the first program or the login needs it"

#define PROGRAM  "has the name of a program of the activation engine"
#define SERVICE  "how the engine is started, and when a boot is complete"
#define RAMDISK  "what the next initramfs is made with"
#define SEARCH   "which programs are found first (PATH)"
#define BOOTCONF "where the boot configuration is"

/* Each in the folders that a C library looks in, and those of Debian's kind. */
#define LIBRARIES(name, what)                                                            \
	{"lib/" name, what, true}, {"lib32/" name, what, true},                          \
		{"lib64/" name, what, true}, {"libx32/" name, what, true},               \
		{"lib/*-linux-*/" name, what, true}, {"usr/lib/" name, what, true},      \
		{"usr/lib32/" name, what, true}, {"usr/lib64/" name, what, true},        \
		{"usr/libx32/" name, what, true},                                        \
	{                                                                                \
		"usr/lib/*-linux-*/" name, what, true                                    \
	}

/*
 * Not here, though it may well break a device for its users: what packages are made to
 * change, such as /etc/resolv.conf, hosts, network settings and services. With those
 * wrong a device still comes up, is logged into at its console, and rid of the package.
 *
 * What belongs to the engine is of two kinds. What it trusts and runs by name is
 * protected (overlay/fs/protect.h): the firmware's own lies on top. What starts it, or
 * what it is built into an initramfs with, is only listed here: the names are those of
 * the firmware's init system, which a package may have a reason to change. A boot that is
 * never reported as complete ends in a quarantine of the package.
 */
static const struct overlay_critical critical[] = {
	LIBRARIES("ld-*.so*", LOADER),
	LIBRARIES("ld.so.1", LOADER),
	LIBRARIES("ld64.so.*", LOADER),
	LIBRARIES("libc.so*", LIBC),
	LIBRARIES("libc-*.so*", LIBC),
	LIBRARIES("libpthread.so*", LIBC),
	LIBRARIES("libpthread-*.so*", LIBC),
	LIBRARIES("libdl.so*", LIBC),
	LIBRARIES("libdl-*.so*", LIBC),
	LIBRARIES("libuClibc-*.so*", LIBC),
	{"etc/ld.so.cache", CACHE, true},
	{"etc/ld.so.conf", CACHE, true},
	{"etc/ld.so.conf.d", CACHE, true},
	{"etc/ld.so.preload", "a library that the loader puts into all programs", true},
	{"etc/ld-musl-*.path", CACHE, true},
	{"etc/passwd", LOGIN, true},
	{"etc/shadow", LOGIN, true},
	{"etc/group", LOGIN, true},
	{"etc/gshadow", LOGIN, true},
	{"etc/pam.conf", LOGIN, true},
	{"etc/pam.d", LOGIN, false},
	{"etc/nsswitch.conf", LOGIN, true},
	{"lib/modules/*/modules.*", "the index of the kernel's modules", true},
	{"usr/lib/modules/*/modules.*", "the index of the kernel's modules", true},
	{"lib/modules", KERNEL, false},
	{"usr/lib/modules", KERNEL, false},
	{"boot", BOOT, true},
	{"bin/sh", SHELL, true},
	{"usr/bin/sh", SHELL, true},
	{"bin/busybox", SHELL, true},
	{"usr/bin/busybox", SHELL, true},
	{"init", INIT, true},
	{"linuxrc", INIT, true},
	{"sbin/init", INIT, true},
	{"bin/init", INIT, true},
	{"usr/sbin/init", INIT, true},
	{"usr/bin/init", INIT, true},
	{"lib/systemd/systemd", INIT, true},
	{"usr/lib/systemd/systemd", INIT, true},
	{"etc/inittab", "what the first program starts", true},
	{"etc/init.d/rcS", "what the first program starts", true},
	{"etc/fstab", MOUNTS, true},
	{"etc/fw_env.config", BOOTCONF, true},
	{"etc/systemd/system/wmopkg*", SERVICE, true},
	{"etc/systemd/system/*/wmopkg*", SERVICE, true},
	{"lib/systemd/system/wmopkg*", SERVICE, true},
	{"usr/lib/systemd/system/wmopkg*", SERVICE, true},
	{"lib/systemd/system/*/wmopkg*", SERVICE, true},
	{"usr/lib/systemd/system/*/wmopkg*", SERVICE, true},
	{"usr/local/lib/systemd/system/wmopkg*", SERVICE, true},
	{"usr/local/lib/systemd/system/*/wmopkg*", SERVICE, true},
	{WMOPKG_UNITDIR "/wmopkg*", SERVICE, true},
	{WMOPKG_UNITDIR "/*/wmopkg*", SERVICE, true},
	{"etc/init.d/*wmopkg*", SERVICE, true},
	{"etc/rc*.d/*wmopkg*", SERVICE, true},
	{"etc/initramfs-tools", RAMDISK, true},
	{"usr/share/initramfs-tools", RAMDISK, true},
	{"etc/dracut.conf", RAMDISK, true},
	{"etc/dracut.conf.d", RAMDISK, true},
	{"lib/dracut", RAMDISK, true},
	{"usr/lib/dracut", RAMDISK, true},
	{"usr/share/wmopkg", RAMDISK, true},
	{"usr/local/share/wmopkg", RAMDISK, true},
	{WMOPKG_DATADIR "/wmopkg", RAMDISK, true},
	{"etc/environment", SEARCH, true},
	{"etc/login.defs", SEARCH, true},
	{"etc/profile", SEARCH, true},
	{"etc/profile.d", SEARCH, true},
	{"etc/bash.bashrc", SEARCH, true},
	{"root/.profile", SEARCH, true},
	{"root/.bashrc", SEARCH, true},
	{"root/.bash_login", SEARCH, true},
	{"root/.bash_profile", SEARCH, true},
};

const struct overlay_critical overlay_critical_engine = {"", ENGINE, true};
const struct overlay_critical overlay_critical_library = {"", LIBRARY, true};
const struct overlay_critical overlay_critical_standard = {"", STANDARD, false};
const struct overlay_critical overlay_critical_needed = {"", NEEDED, true};

/* Where only a PATH that this device has leads to. */
static const struct overlay_critical program = {"", PROGRAM, true};

#define CRITICAL_COUNT (sizeof(critical) / sizeof(critical[0]))

/* The first name of @path; what follows it, NULL where there is none. */
static const char *cut_name(const char *path, char ret[static NAME_BYTES])
{
	size_t size = strcspn(path, "/");

	snprintf(ret, NAME_BYTES, "%.*s", (int)size, path);
	return path[size] ? path + size + 1 : NULL;
}

enum match {
	MATCH_NONE,
	MATCH_WITHIN, /* the path is what the pattern means, or lies below */
	MATCH_ABOVE,  /* what the pattern means may lie below the path */
};

static enum match match(const char *pattern, const char *path)
{
	char wanted[NAME_BYTES], name[NAME_BYTES];

	while (pattern && path) {
		pattern = cut_name(pattern, wanted);
		path = cut_name(path, name);
		if (!verity_glob_match(wanted, name))
			return MATCH_NONE;
	}
	return pattern ? MATCH_ABOVE : MATCH_WITHIN;
}

const struct overlay_critical *overlay_critical_find(const char *path)
{
	if (overlay_protected_path(path))
		return &overlay_critical_engine;
	for (size_t i = 0; i < CRITICAL_COUNT; i++)
		if (match(critical[i].pattern, path) == MATCH_WITHIN)
			return &critical[i];
	return overlay_protected_program(path) ? &program : NULL;
}

const struct overlay_critical *overlay_critical_below(const char *path)
{
	for (size_t i = 0; i < CRITICAL_COUNT; i++)
		if (match(critical[i].pattern, path) == MATCH_ABOVE)
			return &critical[i];
	return overlay_protected_parent(path) ? &overlay_critical_engine : NULL;
}
