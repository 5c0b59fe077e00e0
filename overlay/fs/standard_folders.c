/* SPDX-License-Identifier: MIT */
/* The table of the standard folders. */
#include "overlay/fs/standard_folders.h"

#include <stddef.h>
#include <string.h>

#include "verity/util/glob.h"

static const struct overlay_standard_folder folders[] = {
	{"bin", 0755},
	{"boot", 0755},
	{"dev", 0755},
	{"dev/shm", 01777},
	{"etc", 0755},
	{"etc/default", 0755},
	{"etc/init.d", 0755},
	{"etc/profile.d", 0755},
	{"etc/systemd", 0755},
	{"etc/systemd/system", 0755},
	{"home", 0755},
	{"lib", 0755},
	{"lib32", 0755},
	{"lib64", 0755},
	{"libx32", 0755},
	{"lib/modules", 0755},
	{"lib/systemd", 0755},
	{"lib/systemd/system", 0755},
	{"media", 0755},
	{"mnt", 0755},
	{"opt", 0755},
	{"proc", 0555},
	{"root", 0700},
	{"run", 0755},
	{"run/lock", 01777},
	{"sbin", 0755},
	{"srv", 0755},
	{"sys", 0555},
	{"tmp", 01777},
	{"usr", 0755},
	{"usr/bin", 0755},
	{"usr/include", 0755},
	{"usr/lib", 0755},
	{"usr/lib32", 0755},
	{"usr/lib64", 0755},
	{"usr/libx32", 0755},
	{"usr/lib/*-linux-*", 0755},
	{"usr/lib/modules", 0755},
	{"usr/lib/systemd", 0755},
	{"usr/lib/systemd/system", 0755},
	{"usr/libexec", 0755},
	{"usr/local", 0755},
	{"usr/local/bin", 0755},
	{"usr/local/etc", 0755},
	{"usr/local/lib", 0755},
	{"usr/local/sbin", 0755},
	{"usr/local/share", 0755},
	{"usr/sbin", 0755},
	{"usr/share", 0755},
	{"usr/src", 0755},
	{"var", 0755},
	{"var/cache", 0755},
	{"var/lib", 0755},
	{"var/log", 0755},
	{"var/opt", 0755},
	{"var/spool", 0755},
	{"var/tmp", 01777},
};

/* A pattern is for as many names as it has. */
static size_t count_slashes(const char *path)
{
	size_t count = 0;

	for (; *path; path++)
		count += *path == '/';
	return count;
}

const struct overlay_standard_folder *overlay_standard_folder_find(const char *path)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (verity_glob_match(folders[i].path, path) &&
		    count_slashes(folders[i].path) == count_slashes(path))
			return &folders[i];
	return NULL;
}
