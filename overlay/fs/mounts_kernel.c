/* SPDX-License-Identifier: MIT */
/*
 * Mounts without libmount, which brings libselinux and libpcre2: the kernel's list is
 * read by ourselves, as proc_pid_mountinfo(5) has it, and mounts are asked for by
 * mount(2).
 */
#include "overlay/fs/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "verity/util/cleanup.h"

/* Space, tab, line feed and backslash are octal: "\\040". In place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; to++) {
		unsigned value;

		if (at[0] == '\\' && strspn(at + 1, "01234567") >= 3 &&
		    sscanf(at + 1, "%3o", &value) == 1 && value <= 0xff) {
			*to = (char)value;
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
}

/* "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [FIELD…] - TYPE SOURCE OPTIONS" */
static int parse(char *line, struct overlay_mount *ret)
{
	char *fields[5], *source, *rest = strstr(line, " - ");
	unsigned major, minor;

	if (!rest)
		return -EINVAL;
	*rest = '\0';
	rest += 3;
	for (size_t i = 0; i < 5; i++) {
		fields[i] = strsep(&line, " ");
		if (!fields[i] || !fields[i][0])
			return -EINVAL;
	}
	if (sscanf(fields[2], "%u:%u", &major, &minor) != 2)
		return -EINVAL;
	(void)strsep(&rest, " "); /* the type */
	source = rest ? strsep(&rest, " \n") : NULL;
	unescape(fields[3]);
	unescape(fields[4]);
	if (source)
		unescape(source);
	*ret = (struct overlay_mount){.root = fields[3],
				      .target = fields[4],
				      .source =
					      source && source[0] == '/' ? source : NULL,
				      .device = makedev(major, minor)};
	return 0;
}

int overlay_mounts_read(const char *path, struct overlay_mounts *ret)
{
	cleanup_with(overlay_mounts_free) struct overlay_mounts mounts = {.count = 0};
	cleanup_file FILE *file = fopen(path, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;
	int r = 0;

	if (!file)
		return -errno;
	/* A line of another form is left out, as libmount does it. */
	while (r == 0 && getline(&line, &room, file) > 0) {
		struct overlay_mount mount;

		if (parse(line, &mount) == 0)
			r = overlay_mounts_add(&mounts, &mount);
	}
	if (r == 0 && ferror(file))
		r = -EIO;
	if (r < 0)
		return r;
	*ret = mounts;
	mounts = (struct overlay_mounts){.count = 0};
	return 0;
}

int overlay_mounts_mount(const char *device, const char *type, const char *target,
			 bool read_only, int *ret_why, struct verity_error *err)
{
	const char *options = overlay_mounts_option(type);
	unsigned long flags = MS_NODEV | MS_NOSUID | MS_NOEXEC;
	char why[128];
	int r;

	r = mount(device, target, type, flags | (read_only ? MS_RDONLY : 0), options);
	if (r < 0 && !read_only && (errno == EROFS || errno == EACCES))
		r = mount(device, target, type, flags | MS_RDONLY, options);
	*ret_why = r < 0 ? errno : 0;
	if (r == 0)
		return 0;
	return verity_fail(err, VERITY_E_MOUNT, "%s: cannot be mounted as %s: %s", device,
			   type, verity_errno_text(*ret_why, why, sizeof(why)));
}
