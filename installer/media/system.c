/* SPDX-License-Identifier: MIT */
/* Reading the mounts of the device. */
#include "installer/media/system.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "overlay/fs/mounts.h"
#include "verity/util/cleanup.h"

#define LOOP_MAJOR 7

static void add_runs(struct media_system *system, dev_t number)
{
	char path[PATH_MAX], file[PATH_MAX];
	struct stat st;
	cleanup_file FILE *backing = NULL;

	if (major(number) == 0 || system->runs_count == MEDIA_SYSTEM_MAX)
		return;
	system->runs[system->runs_count++] = number;
	if (major(number) != LOOP_MAJOR)
		return;
	/* The file of a loop device is on another device. */
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/loop/backing_file",
		 major(number), minor(number));
	backing = fopen(path, "re");
	if (!backing || !fgets(file, sizeof(file), backing))
		return;
	file[strcspn(file, "\n")] = '\0';
	if (stat(file, &st) == 0 && major(st.st_dev) != LOOP_MAJOR)
		add_runs(system, st.st_dev);
}

/* "ID PARENT MAJOR:MINOR ROOT TARGET …" */
static void add_line(struct media_system *system, char *line, const char *run)
{
	unsigned first, second;
	int at = 0;
	dev_t number;

	if (sscanf(line, "%*u %*u %u:%u %*s %n", &first, &second, &at) != 2 || at == 0 ||
	    first == 0)
		return;
	line += at;
	line[strcspn(line, " ")] = '\0';
	number = makedev(first, second);
	if (system->mounted_count < MEDIA_SYSTEM_MAX)
		system->mounted[system->mounted_count++] = number;
	if (strcmp(line, "/") == 0 || overlay_mount_below(line, run))
		add_runs(system, number);
}

int media_system_read(const char *mountinfo, const struct overlay_config *config,
		      struct media_system *ret, struct verity_error *err)
{
	const char *const volumes[] = {config->data, config->persist};
	cleanup_file FILE *file = fopen(mountinfo, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;
	struct stat st;

	if (!file)
		return verity_fail_errno(err, errno, "%s", mountinfo);
	ret->runs_count = ret->mounted_count = 0;
	while (getline(&line, &room, file) > 0)
		add_line(ret, line, config->run);
	for (size_t i = 0; i < sizeof(volumes) / sizeof(volumes[0]); i++)
		if (volumes[i][0] == '/' && stat(volumes[i], &st) == 0)
			add_runs(ret, S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev);
	return 0;
}

bool media_system_mounted(const struct media_system *system, dev_t number)
{
	for (size_t i = 0; i < system->mounted_count; i++)
		if (system->mounted[i] == number)
			return true;
	return false;
}
