/* SPDX-License-Identifier: MIT */
#include "installer/media/system.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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
	/* what a file is on that plays a disk */
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/loop/backing_file",
		 major(number), minor(number));
	backing = fopen(path, "re");
	if (!backing || !fgets(file, sizeof(file), backing))
		return;
	file[strcspn(file, "\n")] = '\0';
	if (stat(file, &st) == 0 && major(st.st_dev) != LOOP_MAJOR)
		add_runs(system, st.st_dev);
}

static void add_volume(struct media_system *system, const char *spec)
{
	struct stat st;

	if (spec[0] == '/' && stat(spec, &st) == 0)
		add_runs(system, S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev);
}

static bool lies_below(const char *path, const char *folder)
{
	size_t size = strlen(folder);

	return strncmp(path, folder, size) == 0 && path[size] == '/';
}

/* "ID PARENT MAJOR:MINOR ROOT TARGET …" */
static void add_line(struct media_system *system, char *line, const char *run)
{
	unsigned first, second;
	char *target = line;
	dev_t number;

	for (int i = 0; target && i < 4; i++) {
		target = strchr(target, ' ');
		target = target ? target + 1 : NULL;
	}
	if (!target || sscanf(line, "%*u %*u %u:%u", &first, &second) != 2 || first == 0)
		return;
	target[strcspn(target, " ")] = '\0';
	number = makedev(first, second);
	if (system->mounted_count < MEDIA_SYSTEM_MAX)
		system->mounted[system->mounted_count++] = number;
	if (strcmp(target, "/") == 0 || lies_below(target, run))
		add_runs(system, number);
}

int media_system_read(const char *mountinfo, const struct overlay_config *config,
		      struct media_system *ret, struct verity_error *err)
{
	cleanup_file FILE *file = fopen(mountinfo, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;

	if (!file)
		return verity_fail_errno(err, errno, "%s", mountinfo);
	ret->runs_count = ret->mounted_count = 0;
	while (getline(&line, &room, file) > 0)
		add_line(ret, line, config->run);
	add_volume(ret, config->data);
	add_volume(ret, config->persist);
	return 0;
}

bool media_system_mounted(const struct media_system *system, dev_t number)
{
	for (size_t i = 0; i < system->mounted_count; i++)
		if (system->mounted[i] == number)
			return true;
	return false;
}
