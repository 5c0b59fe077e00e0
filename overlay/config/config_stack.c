/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/config/config_private.h"
#include "overlay/fs/protect.h"
#include "verity/util/name.h"

#define DATA_PREFIX "DATA/"

/* What mount options and the kernel log can hold as it stands. */
static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			      "0123456789._+@/-";

/* From the top, and no part of it ".", ".." or empty; or "/". */
static bool is_normal(const char *path)
{
	size_t size = strlen(path);

	if (path[0] != '/' || size >= NAME_MAX || strspn(path, allowed) != size)
		return false;
	for (const char *part = path + 1; size > 1 && part <= path + size;) {
		size_t length = strcspn(part, "/");

		if (length == 0 || strncmp(part, "..", length) == 0)
			return false;
		part += length + 1;
	}
	return true;
}

static bool is_within(const char *path, const char *folder)
{
	size_t size = strlen(folder);

	if (strcmp(folder, "/") == 0)
		return true;
	return strncmp(path, folder, size) == 0 && (!path[size] || path[size] == '/');
}

static int check_hierarchy(cfg_t *cfg, const char *path)
{
	if (!is_normal(path)) {
		cfg_error(cfg,
			  "hierarchies: '%s' is not the absolute path of a folder, of "
			  "letters, digits and ._+@-",
			  path);
		return -1;
	}
	if (overlay_protected_path(path)) {
		cfg_error(cfg, "hierarchies: '%s' belongs to the engine itself", path);
		return -1;
	}
	return 0;
}

int overlay_config_check_hierarchies(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned count = cfg_opt_size(opt);

	if (count > OVERLAY_HIERARCHIES_MAX) {
		cfg_error(cfg, "hierarchies: over %d folders", OVERLAY_HIERARCHIES_MAX);
		return -1;
	}
	for (unsigned i = 0; i < count; i++) {
		const char *path = cfg_opt_getnstr(opt, i);

		if (check_hierarchy(cfg, path ? path : "") < 0)
			return -1;
		for (unsigned j = 0; j < i; j++) {
			const char *other = cfg_opt_getnstr(opt, j);

			if (!is_within(path, other) && !is_within(other, path))
				continue;
			cfg_error(cfg, "hierarchies: '%s' and '%s' are not apart", other,
				  path);
			return -1;
		}
	}
	return 0;
}

static int take_folder(cfg_t *cfg, const char *value)
{
	struct overlay_config *config = &overlay_config_reading(cfg)->config;
	const char *name = value + strlen(DATA_PREFIX);
	char *copy;

	if (strncmp(value, DATA_PREFIX, strlen(DATA_PREFIX)) != 0 ||
	    !verity_name_valid(name) || overlay_config_is_taken(name)) {
		cfg_error(cfg,
			  "upper: '%s' is neither 'none', 'tmpfs' nor DATA/NAME, a name "
			  "on DATA that is not in use already",
			  value);
		return -1;
	}
	copy = strdup(name);
	if (!copy) {
		cfg_error(cfg, "out of memory");
		return -1;
	}
	free(config->upper_folder);
	config->upper_folder = copy;
	config->upper = OVERLAY_UPPER_DATA;
	return 0;
}

int overlay_config_take_upper(cfg_t *cfg, cfg_opt_t *opt)
{
	struct overlay_config *config = &overlay_config_reading(cfg)->config;
	const char *value = cfg_opt_getstr(opt);

	if (value && (strcmp(value, "none") == 0 || strcmp(value, "tmpfs") == 0)) {
		config->upper =
			value[0] == 'n' ? OVERLAY_UPPER_NONE : OVERLAY_UPPER_TMPFS;
		config->upper_folder[0] = '\0';
		return 0;
	}
	return take_folder(cfg, value ? value : "");
}
