/* SPDX-License-Identifier: MIT */
#pragma once

/* Variables of the U-Boot environment, through libubootenv (option `uboot`). */

#include <stdbool.h>

#include "verity/util/error.h"

/**
 * overlay_uboot_exists - whether there is an environment
 * @config: fw_env.config(5); one that cannot be reached counts as there
 */
bool overlay_uboot_exists(const char *config);

/**
 * overlay_uboot_read - read variables
 * @config: fw_env.config(5); a file that does not exist means that there is no
 * environment
 * @names:  @count names; each is asked for: the environment may hold anything else
 * @ret:    @count values; NULL where there is none; each free()d by the caller
 *
 * Return: 0, also where there is no environment; -errno, and then every value is NULL.
 */
int overlay_uboot_read(const char *config, const char *const names[], size_t count,
		       char *ret[], struct verity_error *err) must_check;

/**
 * overlay_uboot_write - write one variable
 * @config: as above
 * @value:  NULL: delete it
 * @ret_counts: set also on failure: U-Boot takes the new value, although it could not be
 *          read back, or is deleted from the newer copy only
 *
 * The copy that is not in use is written, and read back. An environment of one copy is
 * not written: a power cut meanwhile would lose all of it.
 *
 * Return: 0; -ENOENT (NOT_FOUND) where there is no environment; -EPERM (UNSUPPORTED)
 * where it has only one copy, or this was built without U-Boot; -EIO.
 */
int overlay_uboot_write(const char *config, const char *name, const char *value,
			bool *ret_counts, struct verity_error *err) must_check;
