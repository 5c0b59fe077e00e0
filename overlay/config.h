/* SPDX-License-Identifier: MIT */
#pragma once

/* /etc/wmopkg/wmopkg.conf (libconfuse): where things are on this device. */

#include "verity/error.h"

#define OVERLAY_CONFIG_PATH "/etc/wmopkg/wmopkg.conf"
#define OVERLAY_CONFIG_MAX  65536 /* bytes read */

/* Every string is set, owned, and ends with overlay_config_free(). */
struct overlay_config {
	char *data;    /* a folder, or LABEL=, PARTLABEL=, UUID=, PARTUUID=, a device */
	char *persist; /* likewise */
	char *keys;    /* folder of PEM certificates */
	char *run;     /* folder of the state file */
	char *cmdline; /* file read as the kernel command line */
};

/**
 * overlay_config_load - read a configuration file
 * @path: NULL for OVERLAY_CONFIG_PATH, which may be missing: then all is default
 * @ret:  filled on success alone
 *
 * Return: 0; -EINVAL with file and line where a key is unknown or a value bad; -errno.
 */
int overlay_config_load(const char *path, struct overlay_config *ret,
			struct verity_error *err) must_check;

void overlay_config_free(struct overlay_config *config);
