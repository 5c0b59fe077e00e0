/* SPDX-License-Identifier: MIT */
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

static int find_line(int id, struct overlay_mountinfo *ret)
{
	cleanup_file FILE *file = fopen("/proc/self/mountinfo", "re");
	size_t room = 0;

	while (file && getline(&ret->line, &room, file) > 0)
		if (atoi(ret->line) == id)
			return overlay_mountinfo_split(ret->line, ret);
	return -ENOENT;
}

int overlay_mountinfo_get(const char *path, struct overlay_mountinfo **ret,
			  struct verity_error *err)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct overlay_mountinfo *info;
	int id;
	int r;

	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", path);
	id = mount_id(fd);
	if (id < 0)
		return verity_fail_errno(err, -id, "/proc is not mounted: %s", path);
	info = calloc(1, sizeof(*info));
	if (!info)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = find_line(id, info);
	if (r < 0) {
		overlay_mountinfo_free(info);
		return verity_fail_errno(err, -r, "/proc/self/mountinfo: %s", path);
	}
	*ret = info;
	return 0;
}
