/* SPDX-License-Identifier: MIT */
#include "overlay/config/bootconf_private.h"

#include <errno.h>
#include <libuboot.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

DEFINE_CLEANUP(struct uboot_ctx, libuboot_exit);

/* Every one is asked for by its name: the environment may hold anything else. */
static void take_all(struct uboot_ctx *context, struct overlay_bootconf *conf)
{
	for (int i = 0; i < OVERLAY_BOOTKEYS; i++) {
		enum overlay_bootkey key = (enum overlay_bootkey)i;
		cleanup_free char *value =
			libuboot_get_env(context, overlay_bootkey_name(key));

		if (value)
			overlay_bootconf_take(key, value, conf);
	}
}

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
				   "U-Boot environment: %s names no place that could "
				   "hold one",
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

int overlay_bootconf_uboot(const char *config, struct overlay_bootconf *conf,
			   struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	int r;

	if (!exists(config))
		return 0;
	r = open_environment(config, &context, err);
	if (r < 0)
		return r;
	take_all(context, conf);
	libuboot_close(context);
	return 0;
}

/* fw_env.config(5) has a line for each copy; libubootenv does not tell how many. */
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

static int store(struct uboot_ctx *context, const char *name, const char *value,
		 struct verity_error *err)
{
	int r = libuboot_set_env(context, name, value);

	if (r == 0)
		r = libuboot_env_store(context);
	if (r == -ENOMEM)
		return verity_fail(
			err, VERITY_E_NO_ROOM,
			"the U-Boot environment has no room for %s (delete what it "
			"does not need with fw_setenv)",
			name);
	return r == 0 ? 0
		      : verity_fail(err, VERITY_E_IO,
				    "the U-Boot environment could not be written");
}

/* The library takes no notice of what syncing says: see what U-Boot will. */
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

static int set_one(const char *uboot_env, const char *name, const char *value,
		   struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;
	int r = open_environment(uboot_env, &context, err);

	if (r < 0)
		return r;
	r = store(context, name, value, err);
	libuboot_close(context);
	return r < 0 ? r : check_stored(uboot_env, name, value, err);
}

/*
 * Each time it is written, the older copy is. What is deleted is deleted from both, or it
 * would be said again when the newer one is damaged one day.
 */
int overlay_bootconf_set(const char *uboot_env, enum overlay_bootkey key,
			 const char *value, struct verity_error *err)
{
	const char *name = overlay_bootkey_name(key);
	int r;

	if (!exists(uboot_env))
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "this device has no U-Boot environment: there is no "
				   "%s (say it on the kernel command line)",
				   uboot_env);
	if (count_copies(uboot_env) < 2)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "%s: the U-Boot environment has one copy alone, and a "
				   "power cut while it is written would lose all of it "
				   "(give U-Boot a redundant one)",
				   uboot_env);
	r = set_one(uboot_env, name, value, err);
	return r < 0 || value ? r : set_one(uboot_env, name, value, err);
}
