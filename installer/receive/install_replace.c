/* SPDX-License-Identifier: MIT */

/* Finds what an installation replaces, and describes it. */

#include "installer/receive/install_replace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "installer/device/installed.h"
#include "overlay/store/survey.h"
#include "verity/package/inspect.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"
#include "verity/util/version.h"

int install_find_replaced(const struct overlay_store *store, const char *name,
			  struct install_replaced *ret, struct verity_error *err)
{
	cleanup_with(verity_inspection_free_p) struct verity_inspection *inspection =
		NULL;
	struct overlay_entry entry;
	int r = overlay_store_find(store, name, &entry, err);

	*ret = (struct install_replaced){.there = false};
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	ret->there = true;
	ret->kind = entry.kind;
	r = installed_inspect(store, &entry, &inspection, err);
	ret->readable = inspection;
	if (!inspection)
		return r;
	snprintf(ret->identity, sizeof(ret->identity), "%s",
		 verity_inspection_manifest(inspection)->name);
	snprintf(ret->version, sizeof(ret->version), "%s",
		 verity_inspection_manifest(inspection)->version);
	return 0;
}

int install_check_identity(const struct overlay_store *store,
			   const struct verity_policy *policy, const char *name,
			   const char *identity, const struct install_set *set,
			   struct verity_error *err)
{
	cleanup_with(overlay_survey_free) struct overlay_survey survey = {.count = 0};
	int r = overlay_survey_add(store, OVERLAY_PERSISTENT, NULL, 0, &survey, err);

	if (r == 0)
		r = overlay_survey_add(store, OVERLAY_ORDINARY, NULL, 0, &survey, err);
	for (size_t i = 0; r == 0 && i < survey.count; i++) {
		const char *other = survey.entries[i].name;
		bool stays = strcmp(other, name) != 0 &&
			     !(set && set->goes(set->context, other));
		cleanup_with(verity_inspection_free_p) struct verity_inspection *rival =
			NULL;
		struct verity_outlook outlook = {.accepted = false};

		if (stays)
			r = installed_inspect(store, &survey.entries[i], &rival, err);
		if (rival &&
		    strcmp(verity_inspection_manifest(rival)->name, identity) == 0)
			r = verity_inspection_outlook(rival, policy, &outlook, err);
		/* only if it would be used */
		if (r == 0 && outlook.accepted)
			r = verity_fail(
				err, VERITY_E_OTHER_NAME,
				"%s is installed already, as '%s' (remove it "
				"first: wmopkg remove %s; or install this file as "
				"%s.wmopkg)",
				identity, other, other, other);
	}
	return r;
}

void install_format_replaced(const struct install_replaced *replaced,
			     const struct verity_manifest *manifest,
			     enum overlay_store_kind kind, enum overlay_store_kind asked,
			     char ret[static INSTALL_REPLACES_BYTES])
{
	const size_t size = INSTALL_REPLACES_BYTES;
	const char *version = manifest->version;

	ret[0] = '\0';
	if (!replaced->there)
		return;
	if (!replaced->readable)
		snprintf(ret, size,
			 "Replaces a package that cannot be read with version %s.",
			 version);
	else if (strcmp(manifest->name, replaced->identity) != 0)
		snprintf(ret, size, "Replaces %s version %s with %s version %s.",
			 replaced->identity, replaced->version, manifest->name, version);
	else if (strcmp(version, replaced->version) == 0)
		snprintf(ret, size, "Replaces version %s with the same version.",
			 version);
	else
		snprintf(ret, size, "Replaces version %s with %s%s.", replaced->version,
			 version,
			 verity_version_compare(version, replaced->version) < 0
				 ? ", which is older"
				 : "");
	if (replaced->kind != kind)
		verity_text_append(ret, size, " It is %s from now on.",
				   kind == OVERLAY_PERSISTENT ? "persistent"
							      : "ordinary");
	else if (kind != asked)
		verity_text_append(ret, size,
				   " It stays persistent (to make it ordinary, remove it "
				   "first).");
}
