/* SPDX-License-Identifier: MIT */
/* Asks libblkid for a tag, and sysfs for how a device is connected. */
#include "overlay/store/volume_find.h"

#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

#define MATCHES_MAX 64 /* devices of one name */

static void blkid_put_cache_p(blkid_cache *cache)
{
	if (*cache)
		blkid_put_cache(*cache);
}

static void blkid_free_probe_p(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

static void iterate_end_p(blkid_dev_iterate *iterate)
{
	if (*iterate)
		blkid_dev_iterate_end(*iterate);
}

/* What is known of the device before any name is looked at. */
struct known {
	dev_t mounted; /* at the mount point */
	struct overlay_disks root;
};

static dev_t device_at(const char *path)
{
	cleanup_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? 0 : overlay_disks_of_fd(fd);
}

static enum overlay_volume_rank rank_of(const struct overlay_disks *on,
					const struct known *known)
{
	if (on->devices[0] == known->mounted)
		return OVERLAY_RANK_MOUNTED;
	if (overlay_disks_meet(on, &known->root))
		return OVERLAY_RANK_ROOT;
	return overlay_disks_plugged(OVERLAY_SYSFS, on) ? OVERLAY_RANK_PLUGGED
							: OVERLAY_RANK_BUILT_IN;
}

/* All devices of the wanted name that were found so far. */
struct found {
	struct known known;
	struct overlay_volume_match matches[MATCHES_MAX];
	size_t count;
};

/* Each device once, whatever its paths. */
static void add_match(struct found *found, const char *path)
{
	struct overlay_volume_match *match = &found->matches[found->count];
	struct stat st;

	if (found->count == MATCHES_MAX || stat(path, &st) < 0 || !S_ISBLK(st.st_mode) ||
	    strlen(path) > OVERLAY_DEVICE_PATH_MAX)
		return;
	for (size_t i = 0; i < found->count; i++)
		if (found->matches[i].on.devices[0] == st.st_rdev)
			return;
	snprintf(match->path, sizeof(match->path), "%s", path);
	overlay_disks_below(OVERLAY_SYSFS, st.st_rdev, false, &match->on);
	match->rank = rank_of(&match->on, &found->known);
	found->count++;
}

/*
 * By the label or UUID of the file system. The cache of libblkid is kept in memory: what
 * an earlier boot saw may be wrong now.
 */
static int add_file_systems(struct found *found, const char *name, const char *value)
{
	cleanup_with(blkid_put_cache_p) blkid_cache cache = NULL;
	cleanup_with(iterate_end_p) blkid_dev_iterate iterate = NULL;
	blkid_dev device;

	if (blkid_get_cache(&cache, "/dev/null") < 0)
		return -ENOMEM;
	(void)blkid_probe_all(cache);
	iterate = blkid_dev_iterate_begin(cache);
	if (!iterate || blkid_dev_set_search(iterate, name, value) < 0)
		return -ENOMEM;
	while (blkid_dev_next(iterate, &device) == 0)
		if (blkid_dev_devname(device))
			add_match(found, blkid_dev_devname(device));
	return 0;
}

/* Only the partition table is read, and nothing that is on the partition. */
static bool is_partition(const char *path, const char *key, const char *value)
{
	cleanup_with(blkid_free_probe_p) blkid_probe probe = NULL;
	cleanup_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const char *found;

	if (fd < 0)
		return false;
	probe = blkid_new_probe();
	if (!probe || blkid_probe_set_device(probe, fd, 0, 0) != 0)
		return false;
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
	return blkid_do_safeprobe(probe) == 0 &&
	       blkid_probe_lookup_value(probe, key, &found, NULL) == 0 &&
	       strcmp(found, value) == 0;
}

static void node_of(const char *name, char ret[static NAME_MAX + 8])
{
	snprintf(ret, NAME_MAX + 8, "/dev/%s", name);
	for (char *at = ret; (at = strchr(at, '!'));)
		*at = '/';
}

/* Where that is the one that is mounted, no other one counts. */
static bool add_mounted(struct found *found, const char *key, const char *value)
{
	cleanup_free char *folder =
		found->known.mounted
			? overlay_disks_folder(OVERLAY_SYSFS, found->known.mounted)
			: NULL;
	char path[NAME_MAX + 8];

	if (!folder)
		return false;
	node_of(strrchr(folder, '/') + 1, path);
	if (is_partition(path, key, value))
		add_match(found, path);
	return found->count > 0 && found->matches[0].rank == OVERLAY_RANK_MOUNTED;
}

/*
 * By the name or UUID of the partition: found also where what is on it is damaged, or
 * looks like two file systems at once.
 */
static int add_partitions(struct found *found, const char *key, const char *value)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	int r;

	if (add_mounted(found, key, value))
		return 0;
	r = verity_dir_open(AT_FDCWD, OVERLAY_SYSFS "/class/block", &dir);
	while (r == 0 && (r = verity_dir_next(dir, &item)) > 0) {
		char path[NAME_MAX + 8];

		r = 0;
		node_of(item->d_name, path);
		if (is_partition(path, key, value))
			add_match(found, path);
	}
	return r == -ENOMEM ? r : 0;
}

/* Whether another one lies on it. */
static bool is_covered(const struct overlay_volume_match *matches, size_t count,
		       size_t index)
{
	for (size_t i = 0; i < count; i++)
		if (i != index &&
		    overlay_disks_have(&matches[i].on, matches[index].on.devices[0]))
			return true;
	return false;
}

int overlay_volume_choose(const struct overlay_volume_match *matches, size_t count,
			  bool exact, size_t *ret_best, size_t *ret_other)
{
	size_t best = count, other = count;

	for (size_t i = 0; i < count; i++) {
		if ((matches[i].rank == OVERLAY_RANK_PLUGGED && !exact) ||
		    is_covered(matches, count, i))
			continue;
		if (best == count || matches[i].rank > matches[best].rank) {
			best = i;
			other = count;
		} else if (matches[i].rank == matches[best].rank) {
			other = i;
		}
	}
	if (best == count)
		return -ENOENT;
	*ret_best = best;
	*ret_other = other;
	return other < count ? -EEXIST : 0;
}

static int choose(const char *spec, const char *name, const struct found *found,
		  char **ret, struct verity_error *err)
{
	const struct overlay_volume_match *matches = found->matches;
	/* Devices may share a label, by mistake or intent; an identifier means one. */
	bool exact = strcmp(name, "UUID") == 0 || strcmp(name, "PARTUUID") == 0;
	size_t best = 0, other = 0;
	int r = overlay_volume_choose(matches, found->count, exact, &best, &other);

	if (r == -EEXIST)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "%s: both %s and %s have this name (unplug one of "
				   "them, or configure PARTUUID= of the right one)",
				   spec, matches[best].path, matches[other].path);
	if (r < 0 && found->count > 0)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "%s: only %s has this name, but it can be unplugged "
				   "and does not have the root on it (if it is meant, "
				   "configure PARTUUID= of it)",
				   spec, matches[0].path);
	if (r < 0)
		return verity_fail(
			err, VERITY_E_NOT_FOUND, "%s: there is no such %s", spec,
			strncmp(name, "PART", 4) == 0 ? "partition" : "file system");
	*ret = strdup(matches[best].path);
	return *ret ? 0 : verity_no_memory(err);
}

static int find_tag(const struct overlay_volume *volume, char **ret,
		    struct verity_error *err)
{
	cleanup_free struct found *found = calloc(1, sizeof(*found));
	cleanup_free char *name = NULL;
	cleanup_free char *value = NULL;
	int r;

	if (blkid_parse_tag_string(volume->spec, &name, &value) < 0)
		return verity_fail(err, VERITY_E_CONFIG, "%s: not a folder or device",
				   volume->spec);
	if (!found)
		return verity_no_memory(err);
	found->known.mounted = device_at(volume->mountpoint);
	overlay_disks_below(OVERLAY_SYSFS, device_at(volume->root), true,
			    &found->known.root);
	if (strcmp(name, "PARTLABEL") == 0)
		r = add_partitions(found, "PART_ENTRY_NAME", value);
	else if (strcmp(name, "PARTUUID") == 0)
		r = add_partitions(found, "PART_ENTRY_UUID", value);
	else
		r = add_file_systems(found, name, value);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s", volume->spec);
	return choose(volume->spec, name, found, ret, err);
}

int overlay_volume_find(const struct overlay_volume *volume, char **ret,
			struct verity_error *err)
{
	if (volume->spec[0] != '/')
		return find_tag(volume, ret, err);
	*ret = strdup(volume->spec);
	return *ret ? 0 : verity_no_memory(err);
}

bool overlay_volume_is_taken(const char *name, const char *value, dev_t device)
{
	cleanup_free struct found *found = calloc(1, sizeof(*found));

	if (!found || add_file_systems(found, name, value) < 0)
		return true;
	for (size_t i = 0; i < found->count; i++)
		if (found->matches[i].on.devices[0] != device)
			return true;
	return false;
}
