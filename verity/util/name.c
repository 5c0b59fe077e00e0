/* SPDX-License-Identifier: MIT */

/* The allow list of package names. */

#include "verity/util/name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "verity/util/sizes.h"

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

bool verity_name_valid(const char *name)
{
	size_t length = strlen(name);

	return length <= VERITY_NAME_MAX && strspn(name, ALNUM) >= 1 &&
	       strspn(name, ALNUM "._-") == length;
}

int verity_name_from_path(const char *path, char ret[static VERITY_NAME_MAX + 1],
			  struct verity_error *err)
{
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	size_t suffix = strlen(VERITY_PACKAGE_SUFFIX);
	size_t length = strlen(file);
	char name[VERITY_NAME_MAX + 1];

	if (length < suffix ||
	    strcasecmp(file + length - suffix, VERITY_PACKAGE_SUFFIX) != 0)
		return verity_fail(
			err, VERITY_E_BAD_NAME,
			"%s: the file's name does not end in " VERITY_PACKAGE_SUFFIX,
			path);
	if (length - suffix > VERITY_NAME_MAX)
		return verity_fail(err, VERITY_E_BAD_NAME,
				   "%s: the package's name is longer than %d characters",
				   path, VERITY_NAME_MAX);
	snprintf(name, sizeof(name), "%.*s", (int)(length - suffix), file);
	if (!verity_name_valid(name))
		return verity_fail(err, VERITY_E_BAD_NAME,
				   "%s: '%s' is not a valid package name%s", path, name,
				   strchr(name, '\\') ? " (between folders is /, not \\)"
						      : "");
	strcpy(ret, name);
	return 0;
}
