/* SPDX-License-Identifier: MIT */
/* Finds a line by its mount id and splits it. */
#include "overlay/fs/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "verity/util/cleanup.h"

void overlay_mountinfo_free(struct overlay_mountinfo *info)
{
	if (!info)
		return;
	free(info->line);
	free(info);
}

/* "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [FIELDS…] - TYPE SOURCE OPTIONS" */
int overlay_mountinfo_split(char *line, struct overlay_mountinfo *ret)
{
	char *at = strstr(line, " - ");
	char *fields[3];

	if (!at)
		return -EINVAL;
	at += 3;
	for (size_t i = 0; i < 3; i++) {
		fields[i] = strsep(&at, " \n");
		if (!fields[i] || !fields[i][0])
			return -EINVAL;
	}
	ret->type = fields[0];
	ret->source = fields[1];
	ret->options = fields[2];
	return 0;
}

/* The number of the mount that a descriptor is on. */
static int mount_id(int fd)
{
	char path[64];
	char line[256];
	cleanup_file FILE *file = NULL;
	int id;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "mnt_id: %d", &id) == 1)
			return id;
	return -ENOENT;
}

int overlay_mountinfo_get(const char *path, struct overlay_mountinfo **ret,
			  struct verity_error *err)
{
	cleanup_with(overlay_mountinfo_free_p) struct overlay_mountinfo *info = NULL;
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	cleanup_file FILE *file = NULL;
	size_t room = 0;
	int id;

	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", path);
	id = mount_id(fd);
	if (id < 0)
		return verity_fail_errno(err, -id, "/proc is not mounted: %s", path);
	info = calloc(1, sizeof(*info));
	if (!info)
		return verity_no_memory(err);
	file = fopen("/proc/self/mountinfo", "re");
	while (file && getline(&info->line, &room, file) > 0) {
		if (atoi(info->line) != id)
			continue;
		if (overlay_mountinfo_split(info->line, info) < 0)
			return verity_fail_errno(err, EINVAL, "/proc/self/mountinfo: %s",
						 path);
		*ret = steal_ptr(&info);
		return 0;
	}
	return verity_fail_errno(err, ENOENT, "/proc/self/mountinfo: %s", path);
}
