/* SPDX-License-Identifier: MIT */
/* The U-Boot environment, through libubootenv. */
#include "overlay/config/uboot.h"

#include <errno.h>
#include <fcntl.h>
#include <libuboot.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define COPY_HEAD  4 /* bytes of the checksum; two copies have a byte of flags, too */
#define COPY_MAX   (1 << 20) /* bytes; U-Boot's are some KiB */
#define COPIES_MAX 2

DEFINE_CLEANUP(struct uboot_ctx, libuboot_exit);

bool overlay_uboot_exists(const char *config)
{
	return access(config, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static uint32_t crc32_of(const uint8_t *data, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/*
 * Whether a copy that the library would take has an end: it goes from variable to
 * variable up to an empty one, and beyond the copy where there is none. What cannot be
 * read here, the library does not take either, or it is a UBI volume.
 */
static bool has_end(const char *device, long long start, size_t bytes, size_t head)
{
	cleanup_fd int fd = open(device, O_RDONLY | O_CLOEXEC);
	cleanup_free uint8_t *copy = bytes <= COPY_MAX ? malloc(bytes) : NULL;
	off_t end = fd < 0 || start >= 0 ? 0 : lseek(fd, 0, SEEK_END);
	uint32_t crc;

	if (fd < 0 || bytes <= head)
		return true;
	if (!copy)
		return false;
	if (pread(fd, copy, bytes, end + start) != (ssize_t)bytes)
		return true;
	memcpy(&crc, copy, sizeof(crc));
	return crc != crc32_of(copy + head, bytes - head) || copy[head] == '\0' ||
	       memmem(copy + head, bytes - head, "\0", 2);
}

/*
 * fw_env.config(5) has a line for each copy; libubootenv has no function that counts
 * them.
 */
static int count_copies(const char *config, bool *ret_sound)
{
	struct copy {
		char *device; /* owned */
		long long start;
		size_t bytes;
	} copies[COPIES_MAX];
	cleanup_file FILE *file = fopen(config, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;
	int count = 0;

	while (file && count < COPIES_MAX && getline(&line, &room, file) > 0) {
		struct copy *copy = &copies[count];

		copy->device = NULL;
		if (line[0] != '#' && sscanf(line, "%ms %lli %zx", &copy->device,
					     &copy->start, &copy->bytes) == 3)
			count++;
		else
			free(copy->device);
	}
	*ret_sound = true;
	for (int i = 0; i < count; i++) {
		*ret_sound &= has_end(copies[i].device, copies[i].start, copies[i].bytes,
				      count > 1 ? COPY_HEAD + 1 : COPY_HEAD);
		free(copies[i].device);
	}
	return count;
}

/* libuboot_close() ends it, and the lock that fw_setenv waits for as well. */
static int open_environment(const char *config, struct uboot_ctx **ret,
			    struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	bool sound;

	(void)count_copies(config, &sound);
	if (!sound)
		return verity_fail(
			err, VERITY_E_IO,
			"U-Boot environment: the copy that %s points to has no end",
			config);
	if (libuboot_initialize(&context, NULL) < 0)
		return verity_no_memory(err);
	if (libuboot_read_config(context, config) < 0)
		return verity_fail(err, VERITY_E_IO,
				   "U-Boot environment: %s describes no place for "
				   "one",
				   config);
	if (libuboot_open(context) < 0) {
		libuboot_close(context);
		return verity_fail(err, VERITY_E_IO,
				   "U-Boot environment: no valid copy that %s points to",
				   config);
	}
	*ret = steal_ptr(&context);
	return 0;
}

int overlay_uboot_read(const char *config, const char *const names[], size_t count,
		       char *ret[], struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	int r;

	for (size_t i = 0; i < count; i++)
		ret[i] = NULL;
	if (!overlay_uboot_exists(config))
		return 0;
	r = open_environment(config, &context, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		ret[i] = libuboot_get_env(context, names[i]);
	libuboot_close(context);
	return 0;
}

/* The library ignores the result of the sync, so what U-Boot will read is read back. */
static int check_stored(const char *config, const char *name, const char *value,
			struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	cleanup_free char *found = NULL;
	int r = open_environment(config, &context, err);

	if (r < 0)
		return r;
	found = libuboot_get_env(context, name);
	libuboot_close(context);
	if (value ? found && strcmp(found, value) == 0 : !found)
		return 0;
	return verity_fail(err, VERITY_E_IO,
			   "the U-Boot environment does not keep what is written");
}

static int write_one(const char *config, const char *name, const char *value,
		     struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	int r = open_environment(config, &context, err);

	if (r < 0)
		return r;
	r = libuboot_set_env(context, name, value);
	if (r == 0)
		r = libuboot_env_store(context);
	libuboot_close(context);
	if (r == -ENOMEM)
		return verity_fail(
			err, VERITY_E_NO_ROOM,
			"the U-Boot environment has no room for %s (delete what it "
			"does not need with fw_setenv)",
			name);
	if (r != 0)
		return verity_fail(err, VERITY_E_IO,
				   "the U-Boot environment could not be written");
	return check_stored(config, name, value, err);
}

/*
 * Each write replaces the older copy. What is deleted is deleted from both, or it would
 * be back when the newer one is damaged one day.
 */
int overlay_uboot_write(const char *config, const char *name, const char *value,
			struct verity_error *err)
{
	bool sound;
	int r;

	if (!overlay_uboot_exists(config))
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "this device has no U-Boot environment: there is no "
				   "%s (set it on the kernel command line)",
				   config);
	if (count_copies(config, &sound) < 2)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "%s: the U-Boot environment has only one copy, and a "
				   "power cut while it is written would lose all of it "
				   "(give U-Boot a redundant one)",
				   config);
	r = write_one(config, name, value, err);
	return r < 0 || value ? r : write_one(config, name, value, err);
}
