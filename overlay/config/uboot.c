/* SPDX-License-Identifier: MIT */
/* The U-Boot environment, through libubootenv. */
#include "overlay/config/uboot.h"

#include <errno.h>
#include <fcntl.h>
#include <libuboot.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define COPY_HEAD  4 /* bytes of the checksum; two copies have a byte of flags, too */
#define COPY_MAX   (1 << 20) /* bytes; U-Boot's are some KiB */
#define COPIES_MAX 2
#define FLAGS      ".flags="

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

/* One place of fw_env.config(5). */
struct copy {
	char *device;    /* owned */
	long long start; /* bytes; negative: from the end of the device */
	size_t bytes;
};

struct environment {
	struct copy copies[COPIES_MAX];
	int count;
	bool has_end;        /* all that the library would take */
	bool may_have_flags; /* types of variables, which a write makes longer */
};

static void environment_free(struct environment *environment)
{
	for (int i = 0; i < environment->count; i++)
		free(environment->copies[i].device);
}

static size_t head_bytes(const struct environment *environment)
{
	return environment->count > 1 ? COPY_HEAD + 1 : COPY_HEAD;
}

/*
 * The library goes from variable to variable up to an empty one, and beyond the copy
 * where there is none. What cannot be read here, the library does not take either, or it
 * is a UBI volume.
 */
static void look_at_copy(struct environment *environment, const struct copy *copy)
{
	size_t bytes = copy->bytes, head = head_bytes(environment);
	cleanup_fd int fd = open(copy->device, O_RDONLY | O_CLOEXEC);
	cleanup_free uint8_t *data = bytes <= COPY_MAX ? malloc(bytes) : NULL;
	off_t end = fd < 0 || copy->start >= 0 ? 0 : lseek(fd, 0, SEEK_END);
	uint32_t crc;

	if (fd < 0 || bytes <= head || !data ||
	    pread(fd, data, bytes, end + copy->start) != (ssize_t)bytes) {
		environment->has_end &= fd < 0 || bytes <= head || data;
		environment->may_have_flags = true;
		return;
	}
	memcpy(&crc, data, sizeof(crc));
	if (crc != crc32_of(data + head, bytes - head))
		return;
	environment->has_end &=
		data[head] == '\0' || memmem(data + head, bytes - head, "\0", 2);
	environment->may_have_flags |=
		memmem(data + head, bytes - head, FLAGS, strlen(FLAGS)) != NULL;
}

/*
 * fw_env.config(5) has a line for each copy; libubootenv has no function that counts
 * them.
 */
static void look_at(const char *config, struct environment *ret)
{
	cleanup_file FILE *file = fopen(config, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;

	*ret = (struct environment){.has_end = true};
	while (file && ret->count < COPIES_MAX && getline(&line, &room, file) > 0) {
		struct copy *copy = &ret->copies[ret->count];

		*copy = (struct copy){.device = NULL};
		if (line[0] != '#' && sscanf(line, "%ms %lli %zx", &copy->device,
					     &copy->start, &copy->bytes) == 3)
			ret->count++;
		else
			free(copy->device);
	}
	for (int i = 0; i < ret->count; i++)
		look_at_copy(ret, &ret->copies[i]);
}

static bool is_one_device(const char *one, const char *other)
{
	struct stat a, b;

	if (stat(one, &a) < 0 || stat(other, &b) < 0)
		return strcmp(one, other) == 0;
	if (S_ISREG(a.st_mode) || S_ISREG(b.st_mode))
		return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	return a.st_rdev == b.st_rdev;
}

/* To write one of two copies must leave the other one whole. */
static bool do_overlap(const struct copy *one, const struct copy *other)
{
	return (one->start < 0) == (other->start < 0) &&
	       one->start < other->start + (long long)other->bytes &&
	       other->start < one->start + (long long)one->bytes &&
	       is_one_device(one->device, other->device);
}

/*
 * The library writes beyond its memory where the flags do not fit, and forgets the end
 * where the variables just fit.
 */
static bool fits(struct uboot_ctx *context, const struct environment *environment)
{
	size_t used = 1, flags = strlen(FLAGS);

	for (void *entry = NULL; (entry = libuboot_iterator(context, entry)) != NULL;) {
		size_t name = strlen(libuboot_getname(entry));

		used += name + strlen(libuboot_getvalue(entry)) + 2;
		flags += name + strlen(":sa,");
	}
	if (environment->may_have_flags)
		used += flags;
	return used <= environment->copies[0].bytes - head_bytes(environment);
}

/* libuboot_close() ends it, and the lock that fw_setenv waits for as well. */
static int open_environment(const char *config, const struct environment *environment,
			    struct uboot_ctx **ret, struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	int r;

	if (!environment->has_end)
		return verity_fail(
			err, VERITY_E_IO,
			"U-Boot environment: the copy that %s points to has no end",
			config);
	if (libuboot_initialize(&context, NULL) < 0)
		return verity_no_memory(err);
	if (libuboot_read_config(context, config) < 0)
		return verity_fail(
			err, VERITY_E_IO,
			"U-Boot environment: %s describes no place for one, or "
			"a place that is missing, or two that differ in size",
			config);
	r = libuboot_open(context);
	if (r < 0) {
		libuboot_close(context);
		return verity_fail(err, VERITY_E_IO,
				   r == -EIO ? "U-Boot environment: a copy that %s "
					       "points to cannot be read"
					     : "U-Boot environment: no valid copy that "
					       "%s points to",
				   config);
	}
	*ret = steal_ptr(&context);
	return 0;
}

int overlay_uboot_read(const char *config, const char *const names[], size_t count,
		       char *ret[], struct verity_error *err)
{
	cleanup_with(environment_free) struct environment environment = {.count = 0};
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	int r;

	for (size_t i = 0; i < count; i++)
		ret[i] = NULL;
	if (!overlay_uboot_exists(config))
		return 0;
	look_at(config, &environment);
	r = open_environment(config, &environment, &context, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		ret[i] = libuboot_get_env(context, names[i]);
	libuboot_close(context);
	return 0;
}

/*
 * The library ignores the result of the sync, so what U-Boot will read is read back.
 *
 * @ret_kept: false where it is another value; true also where it cannot be read back
 */
static int check_stored(const char *config, const char *name, const char *value,
			bool *ret_kept, struct verity_error *err)
{
	cleanup_with(environment_free) struct environment environment = {.count = 0};
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	cleanup_free char *found = NULL;
	int r;

	*ret_kept = true;
	look_at(config, &environment);
	r = open_environment(config, &environment, &context, err);
	if (r < 0)
		return verity_context(err, r, "it is written, and cannot be read back");
	found = libuboot_get_env(context, name);
	libuboot_close(context);
	*ret_kept = value ? found && strcmp(found, value) == 0 : !found;
	return *ret_kept ? 0
			 : verity_fail(err, VERITY_E_IO,
				       "the U-Boot environment does not keep what is "
				       "written");
}

/* @ret_kept: set also on failure: U-Boot takes what was written */
static int write_one(const char *config, const struct environment *environment,
		     const char *name, const char *value, bool *ret_kept,
		     struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	int r = open_environment(config, environment, &context, err);
	bool refused;

	*ret_kept = false;
	if (r < 0)
		return r;
	r = libuboot_set_env(context, name, value);
	refused = r == -EPERM; /* which a failed write is as well */
	if (r == 0)
		r = fits(context, environment) ? libuboot_env_store(context) : -ENOMEM;
	libuboot_close(context);
	if (refused)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "the variable .flags of the U-Boot environment does "
				   "not allow this value of %s",
				   name);
	if (r == -ENOMEM)
		return verity_fail(
			err, VERITY_E_NO_ROOM,
			"the U-Boot environment has no room for %s (delete what it "
			"does not need with fw_setenv)",
			name);
	if (r != 0)
		return verity_fail(err, VERITY_E_IO,
				   "the U-Boot environment could not be written");
	return check_stored(config, name, value, ret_kept, err);
}

/*
 * Each write replaces the older copy. What is deleted is deleted from both, or it would
 * be back when the newer one is damaged one day.
 */
int overlay_uboot_write(const char *config, const char *name, const char *value,
			bool *ret_counts, struct verity_error *err)
{
	cleanup_with(environment_free) struct environment environment = {.count = 0};
	bool again;
	int r;

	*ret_counts = false;
	if (!overlay_uboot_exists(config))
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "this device has no U-Boot environment: there is no "
				   "%s (set it on the kernel command line)",
				   config);
	look_at(config, &environment);
	if (environment.count < COPIES_MAX)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "%s: the U-Boot environment has only one copy, and a "
				   "power cut while it is written would lose all of it "
				   "(give U-Boot a redundant one)",
				   config);
	if (do_overlap(&environment.copies[0], &environment.copies[1]))
		return verity_fail(
			err, VERITY_E_UNSUPPORTED,
			"%s: the two copies of the U-Boot environment overlap, "
			"and a power cut while one is written would lose both "
			"(give each a place of its own)",
			config);
	r = write_one(config, &environment, name, value, ret_counts, err);
	if (r == 0 && !value)
		r = write_one(config, &environment, name, value, &again, err);
	if (r == 0 || value || !*ret_counts)
		return r;
	verity_context(err, r,
		       "U-Boot environment: %s is deleted, but is still in the copy that "
		       "is used if the newer one is damaged",
		       name);
	verity_text_append(err->message, sizeof(err->message),
			   "; this is completed by the next 'wmopkg boot clear'");
	return r;
}
