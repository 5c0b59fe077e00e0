/* SPDX-License-Identifier: MIT */
/* Recognises file systems with libblkid, and finds devices in /sys. */
#include "factory/data_probe.h"

#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "overlay/store/volume_find.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define SYSTEM    "/sys/devices/"
#define PARTITION "PARTUUID="
#define WIPES_MAX 64 /* of one device */

static void blkid_free_probe_p(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

/* Empty where it is not printable text. */
static void copy_value(blkid_probe probe, const char *name, char *ret, size_t size)
{
	const char *value;

	ret[0] = '\0';
	if (blkid_probe_lookup_value(probe, name, &value, NULL) == 0 &&
	    strlen(value) < size && verity_text_printable(value, strlen(value)))
		snprintf(ret, size, "%s", value);
}

/* The UUID of the partition, or the kernel's folder: another disk has another one. */
static void find_place(blkid_probe probe, int fd, struct factory_volume *volume)
{
	cleanup_free char *folder = NULL;
	char uuid[FACTORY_UUID_MAX + 1], link[64];
	struct stat st;

	copy_value(probe, "PART_ENTRY_UUID", uuid, sizeof(uuid));
	if (uuid[0]) {
		snprintf(volume->place, sizeof(volume->place), PARTITION "%s", uuid);
		return;
	}
	if (fstat(fd, &st) < 0)
		return;
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	folder = realpath(link, NULL);
	if (folder && strlen(folder) <= FACTORY_VOLUME_PLACE_MAX &&
	    verity_text_printable(folder, strlen(folder)))
		snprintf(volume->place, sizeof(volume->place), "%s", folder);
}

static int probe_new(int fd, const char *device, blkid_probe *ret,
		     struct verity_error *err)
{
	*ret = blkid_new_probe();
	if (!*ret)
		return verity_no_memory(err);
	if (blkid_probe_set_device(*ret, fd, 0, 0) != 0)
		return verity_fail(err, VERITY_E_IO, "%s: cannot be read", device);
	blkid_probe_enable_superblocks(*ret, 1);
	return 0;
}

static void set_up(blkid_probe probe)
{
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID |
							 BLKID_SUBLKS_TYPE |
							 BLKID_SUBLKS_USAGE);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
}

/* A device that seems to hold several file systems tells nothing else of itself. */
static void probe_partition(int fd, const char *device, struct factory_probe *ret)
{
	cleanup_with(blkid_free_probe_p) blkid_probe probe = NULL;

	if (probe_new(fd, device, &probe, NULL) < 0)
		return;
	set_up(probe);
	blkid_probe_enable_superblocks(probe, 0);
	if (blkid_do_safeprobe(probe) < 0)
		return;
	copy_value(probe, "PART_ENTRY_SCHEME", ret->table, sizeof(ret->table));
	copy_value(probe, "PART_ENTRY_TYPE", ret->partition_type,
		   sizeof(ret->partition_type));
	find_place(probe, fd, &ret->volume);
}

int factory_volume_probe(int fd, const char *device, struct factory_probe *ret,
			 struct verity_error *err)
{
	cleanup_with(blkid_free_probe_p) blkid_probe probe = NULL;
	struct factory_probe result = {.table = ""};
	struct factory_filesystem *filesystem = &result.volume.filesystem;
	char usage[16];
	int found, r = probe_new(fd, device, &probe, err);

	if (r < 0)
		return r;
	set_up(probe);
	found = blkid_do_safeprobe(probe);
	if (found < 0 && found != -2)
		return verity_fail_errno(err, EIO, "%s", device);
	if (found != -2)
		copy_value(probe, "TYPE", filesystem->type, sizeof(filesystem->type));
	/* a partition table is no file system, but the device is not empty either */
	if (found == -2 || (!filesystem->type[0] &&
			    blkid_probe_lookup_value(probe, "PTTYPE", NULL, NULL) == 0))
		snprintf(filesystem->type, sizeof(filesystem->type),
			 FACTORY_TYPE_UNKNOWN);
	copy_value(probe, "LABEL", filesystem->label, sizeof(filesystem->label));
	copy_value(probe, "UUID", filesystem->uuid, sizeof(filesystem->uuid));
	copy_value(probe, "USAGE", usage, sizeof(usage));
	result.is_filesystem = strcmp(usage, "filesystem") == 0;
	result.volume.bytes = (uint64_t)blkid_probe_get_size(probe);
	probe_partition(fd, device, &result);
	*ret = result;
	return 0;
}

/* By the name that the kernel gives it; udev is not needed. */
static char *device_of_folder(const char *folder)
{
	cleanup_file FILE *file = NULL;
	char path[PATH_MAX], line[256];
	char *device = NULL;

	if (strncmp(folder, SYSTEM, strlen(SYSTEM)) != 0 || strstr(folder, "/../"))
		return NULL;
	snprintf(path, sizeof(path), "%s/uevent", folder);
	file = fopen(path, "re");
	while (file && !device && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "DEVNAME=", 8) != 0)
			continue;
		snprintf(path, sizeof(path), "/dev/%s", line + 8);
		device = strdup(path);
	}
	return device;
}

/*
 * The record names any device of the system, and opening one may start it, or wait for a
 * line: only a block device is opened.
 */
static int open_block(const char *device)
{
	struct stat st;

	return stat(device, &st) == 0 && S_ISBLK(st.st_mode)
		       ? open(device, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
		       : -1;
}

/* NULL where it is gone, or holds something else. */
static char *find_remembered(const struct factory_volume *remembered)
{
	const struct overlay_volume volume = {remembered->place, "/", "/", false};
	const struct factory_filesystem *was = &remembered->filesystem, *is;
	cleanup_free char *device = NULL;
	cleanup_fd int fd = -1;
	struct factory_probe found;

	if (strncmp(remembered->place, PARTITION, strlen(PARTITION)) != 0)
		device = device_of_folder(remembered->place);
	else if (overlay_volume_find(&volume, &device, NULL) < 0)
		device = NULL;
	fd = device ? open_block(device) : -1;
	if (fd < 0 || factory_volume_probe(fd, device, &found, NULL) < 0 ||
	    found.volume.bytes != remembered->bytes ||
	    strcmp(found.volume.place, remembered->place) != 0)
		return NULL;
	is = &found.volume.filesystem;
	if (is->type[0] &&
	    (strcmp(is->type, was->type) != 0 || strcmp(is->uuid, was->uuid) != 0))
		return NULL;
	return steal_ptr(&device);
}

char *factory_volume_rival(int record_fd, const char *spec, const char *device)
{
	cleanup_free char *known_device = NULL;
	struct factory_volume known;
	struct stat one, other;
	const char *name = NULL;

	if (factory_volume_recall(record_fd, &known, NULL) < 0)
		return NULL;
	/* whether the configuration would find it, had it kept its name */
	if (strncmp(spec, "LABEL=", 6) == 0)
		name = known.filesystem.label;
	else if (strncmp(spec, "UUID=", 5) == 0)
		name = known.filesystem.uuid;
	if (!name || strcmp(strchr(spec, '=') + 1, name) != 0)
		return NULL;
	known_device = find_remembered(&known);
	if (!known_device || stat(known_device, &one) < 0 || stat(device, &other) < 0 ||
	    one.st_rdev == other.st_rdev)
		return NULL;
	return steal_ptr(&known_device);
}

int factory_volume_clear(int fd, const char *device, struct verity_error *err)
{
	cleanup_with(blkid_free_probe_p) blkid_probe probe = NULL;
	int r = probe_new(fd, device, &probe, err);

	if (r < 0)
		return r;
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_MAGIC);
	for (int i = 0; i < WIPES_MAX && blkid_do_probe(probe) == 0; i++)
		if (blkid_do_wipe(probe, 0) < 0)
			return verity_fail(err, VERITY_E_IO, "%s: cannot be written",
					   device);
	return fsync(fd) < 0 ? verity_fail_errno(err, errno, "%s", device) : 0;
}
