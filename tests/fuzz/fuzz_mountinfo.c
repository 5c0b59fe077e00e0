/* SPDX-License-Identifier: MIT */
/* The mount table: a line of it, and what the device runs from by all of it. */
#include "tests/fuzz/pieces.h"

#include <sys/mman.h>

#include "installer/media/system.h"
#include "overlay/fs/mountinfo.h"

static void split(char *line)
{
	struct overlay_mountinfo info = {0};
	char *const end = line + strlen(line);

	if (overlay_mountinfo_split(line, &info) < 0)
		return;
	require(info.type >= line && info.type < info.source && info.source < end);
	require(info.options > info.source && info.options < end);
	require(info.type[0] && info.source[0] && info.options[0]);
	require(!strpbrk(info.type, " \n") && !strpbrk(info.options, " \n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char volume[] = "LABEL=x", run[] = "/run/wmopkg";
	const struct overlay_config config = {
		.data = volume, .persist = volume, .run = run};
	static struct media_system system;
	struct pieces pieces = {data, size};
	char path[64];
	char *line = pieces_text(&pieces);
	int fd = memfd_create("mountinfo", MFD_CLOEXEC);

	split(line);
	free(line);
	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(media_system_read(path, &config, &system, NULL) == 0);
	require(system.mounted_count <= MEDIA_SYSTEM_MAX);
	require(system.runs_count <= MEDIA_SYSTEM_MAX);
	for (size_t i = 0; i < system.mounted_count; i++)
		require(media_system_mounted(&system, system.mounted[i]));
	close(fd);
	return 0;
}
