/* SPDX-License-Identifier: MIT */
/* The U-Boot environment, through libubootenv. */
#include "overlay/config/uboot.h"

#include <errno.h>
#include <libuboot.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

DEFINE_CLEANUP(struct uboot_ctx, libuboot_exit);

static bool exists(const char *config)
{
	return access(config, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* libuboot_close() ends it, and the lock that fw_setenv waits for as well. */
static int open_environment(const char *config, struct uboot_ctx **ret,
			    struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;

	if (libuboot_initialize(&context, NULL) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (libuboot_read_config(context, config) < 0)
		return verity_fail(err, VERITY_E_IO,
				   "U-Boot environment: %s describes no place for "
				   "one",
				   config);
	if (libuboot_open(context) < 0) {
		libuboot_close(context);
		return verity_fail(err, VERITY_E_IO,
				   "U-Boot environment: no valid copy where %s says",
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
	if (!exists(config))
		return 0;
	r = open_environment(config, &context, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		ret[i] = libuboot_get_env(context, names[i]);
	libuboot_close(context);
	return 0;
}

/* fw_env.config(5) has a line for each copy; libubootenv has no function that counts
 * them. */
static int count_copies(const char *config)
{
	cleanup_file FILE *file = fopen(config, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;
	int count = 0;

	while (file && getline(&line, &room, file) > 0) {
		long long start;
		size_t bytes;

		if (line[0] != '#' && sscanf(line, "%*s %lli %zx", &start, &bytes) == 2)
			count++;
	}
	return count;
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
	int r;

	if (!exists(config))
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "this device has no U-Boot environment: there is no "
				   "%s (set it on the kernel command line)",
				   config);
	if (count_copies(config) < 2)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "%s: the U-Boot environment has only one copy, and a "
				   "power cut while it is written would lose all of it "
				   "(give U-Boot a redundant one)",
				   config);
	r = write_one(config, name, value, err);
	return r < 0 || value ? r : write_one(config, name, value, err);
}
