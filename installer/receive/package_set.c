/* SPDX-License-Identifier: MIT */
/* Reads a set. */
#include "installer/receive/package_set.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "installer/grammar/grammar.h"
#include "verity/util/json_table.h"
#include "verity/util/name.h"

static const struct verity_json_field package_fields[] = {
	VERITY_JSON_TEXT("name", struct set_package, name,
			 .presence = VERITY_JSON_OPTIONAL, .valid = verity_name_valid),
	VERITY_JSON_TEXT("source", struct set_package, source,
			 .presence = VERITY_JSON_OPTIONAL, .min = 1),
	VERITY_JSON_TEXT("version", struct set_package, version,
			 .presence = VERITY_JSON_OPTIONAL, .min = 1),
	VERITY_JSON_HEX("root_hash", struct set_package, root_hash,
			.presence = VERITY_JSON_OPTIONAL,
			.counted = offsetof(struct set_package, root_hash_bytes)),
	VERITY_JSON_BOOL("persistent", struct set_package, persistent,
			 .presence = VERITY_JSON_OPTIONAL),
	{.key = NULL},
};

static const struct verity_json_field package_item = {.type = VERITY_JSON_IS_OBJECT,
						      .fields = package_fields};

static const struct verity_json_field set_fields[] = {
	VERITY_JSON_WORD("type", "set"),
	VERITY_JSON_FORMAT("format", 1),
	VERITY_JSON_BOOL("keep", struct package_set, keep,
			 .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_LIST("packages", struct package_set, packages, count, &package_item,
			 PACKAGE_SET_MAX),
	{.key = NULL},
};

void package_set_free(struct package_set *set)
{
	free(set->packages);
	*set = (struct package_set){.count = 0};
}

bool set_package_is_latest(const struct set_package *package)
{
	return strcmp(package->version, PACKAGE_SET_LATEST) == 0;
}

static int check_package(const struct package_set *set, size_t index,
			 struct verity_error *err)
{
	struct set_package *package = &set->packages[index];

	if (package->root_hash_bytes != 0 &&
	    package->root_hash_bytes != sizeof(package->root_hash))
		return verity_fail(err, VERITY_E_BAD_SET,
				   "packages[%zu].root_hash: not %zu hex digits", index,
				   2 * sizeof(package->root_hash));
	if (!package->name[0] &&
	    (!package->source[0] ||
	     verity_name_from_path(package->source, package->name, NULL) < 0))
		return verity_fail(err, VERITY_E_BAD_SET,
				   "packages[%zu]: it has no name, and its source has "
				   "not that of a package",
				   index);
	if (!package->source[0] && set_package_is_latest(package))
		return verity_fail(err, VERITY_E_BAD_SET,
				   "%s: its version is 'latest', and it has no source",
				   package->name);
	if (!package->source[0] && !package->version[0] && !package->root_hash_bytes)
		return verity_fail(err, VERITY_E_BAD_SET,
				   "%s: it has neither source nor version nor root_hash",
				   package->name);
	if (word_reserved_refuse(package->name, err) < 0) {
		err->code = VERITY_E_BAD_SET;
		return -EINVAL;
	}
	/* on vfat and exfat they would be one file */
	for (size_t i = 0; i < index; i++)
		if (strcasecmp(set->packages[i].name, package->name) == 0)
			return verity_fail(err, VERITY_E_BAD_SET, "%s: it is named twice",
					   package->name);
	return 0;
}

int package_set_decode(const void *bytes, size_t size, struct package_set *ret,
		       struct verity_error *err)
{
	cleanup_with(package_set_free) struct package_set set = {.count = 0};
	int r = verity_json_decode(bytes, size, set_fields, VERITY_E_BAD_SET, &set, err);

	for (size_t i = 0; r == 0 && i < set.count; i++)
		r = check_package(&set, i, err);
	if (r < 0)
		return r;
	*ret = set;
	set = (struct package_set){.count = 0};
	return 0;
}
