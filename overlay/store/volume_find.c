/* SPDX-License-Identifier: MIT */
/* Asks libblkid for a tag, and sysfs for how a device is connected. */
#include "overlay/store/volume_find.h"

#include <blkid.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "verity/util/cleanup.h"

#define WORD_BYTES 16

/* The highest one wins. */
enum rank {
	RANK_NONE,
	RANK_PLUGGED,
	RANK_BUILT_IN,
	RANK_MOUNTED,
};

static void blkid_put_cache_p(blkid_cache *cache)
{
	if (*cache)
		blkid_put_cache(*cache);
}

static void iterate_end_p(blkid_dev_iterate *iterate)
{
	if (*iterate)
		blkid_dev_iterate_end(*iterate);
}

static bool file_is(const char *folder, const char *file, const char *wanted)
{
	cleanup_file FILE *stream = NULL;
	char path[PATH_MAX], content[WORD_BYTES] = "";

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return false;
	stream = fopen(path, "re");
	if (!stream || !fgets(content, sizeof(content), stream))
		return false;
	content[strcspn(content, "\n")] = '\0';
	return strcmp(content, wanted) == 0;
}

bool overlay_volume_plugged(const char *sysfs, unsigned major, unsigned minor)
{
	cleanup_free char *folder = NULL;
	char link[PATH_MAX];

	if (snprintf(link, sizeof(link), "%s/dev/block/%u:%u", sysfs, major, minor) >=
	    (int)sizeof(link))
		return false;
	folder = realpath(link, NULL);
	if (!folder)
		return false;
	/* of a disk, and of a partition */
	return strstr(folder, "/usb") || file_is(folder, "device/type", "SD") ||
	       file_is(folder, "../device/type", "SD");
}

static enum rank rank_of(const char *device, const struct stat *mounted)
{
	struct stat st;

	if (stat(device, &st) < 0 || !S_ISBLK(st.st_mode))
		return RANK_NONE;
	if (st.st_rdev == mounted->st_dev)
		return RANK_MOUNTED;
	return overlay_volume_plugged("/sys", major(st.st_rdev), minor(st.st_rdev))
		       ? RANK_PLUGGED
		       : RANK_BUILT_IN;
}

/* NULL where there is none; the name stays the cache's. */
static const char *pick(blkid_cache cache, const char *name, const char *value,
			const struct stat *mounted)
{
	cleanup_with(iterate_end_p) blkid_dev_iterate iterate =
		blkid_dev_iterate_begin(cache);
	const char *best = NULL;
	enum rank best_rank = RANK_NONE;
	blkid_dev device;

	if (!iterate || blkid_dev_set_search(iterate, name, value) < 0)
		return NULL;
	while (blkid_dev_next(iterate, &device) == 0) {
		const char *path = blkid_dev_devname(device);
		enum rank rank = path ? rank_of(path, mounted) : RANK_NONE;

		if (rank <= best_rank)
			continue;
		best = path;
		best_rank = rank;
	}
	return best;
}

/*
 * The cache of libblkid is kept in memory: what an earlier boot saw may be wrong now.
 */
static int find_tag(const char *spec, const char *mountpoint, char **ret,
		    struct verity_error *err)
{
	cleanup_with(blkid_put_cache_p) blkid_cache cache = NULL;
	cleanup_free char *name = NULL;
	cleanup_free char *value = NULL;
	struct stat mounted = {.st_dev = 0};
	const char *device;

	if (blkid_parse_tag_string(spec, &name, &value) < 0)
		return verity_fail(err, VERITY_E_CONFIG, "%s: not a folder or device",
				   spec);
	if (blkid_get_cache(&cache, "/dev/null") < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (stat(mountpoint, &mounted) < 0)
		mounted.st_dev = 0;
	(void)blkid_probe_all(cache);
	device = pick(cache, name, value, &mounted);
	if (!device)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "%s: there is no such file system", spec);
	*ret = strdup(device);
	return *ret ? 0 : verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

int overlay_volume_find(const char *spec, const char *mountpoint, char **ret,
			struct verity_error *err)
{
	if (spec[0] != '/')
		return find_tag(spec, mountpoint, ret, err);
	*ret = strdup(spec);
	return *ret ? 0 : verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}
