/* SPDX-License-Identifier: MIT */
#include "installer/commands/install_replace.h"

#include <stdio.h>
#include <string.h>

#include "verity/package/inspect.h"
#include "verity/util/cleanup.h"
#include "verity/util/version.h"

#define TEXT_BYTES 512

/* NULL where it cannot be read, and then nobody asks why: `show` says so. */
static struct verity_peek *peek_at(const struct overlay_store *store,
				   const struct overlay_entry *entry)
{
	struct verity_peek *peek = NULL;
	struct verity_error unused;
	char file[80];

	overlay_entry_file(entry, file);
	if (verity_peek_open(overlay_store_folder(store, entry->kind), file, &peek,
			     &unused) < 0)
		return NULL;
	return peek;
}

void replacing_find(const struct overlay_store *store, const char *name,
		    struct replacing *ret)
{
	cleanup_with(verity_peek_free_p) struct verity_peek *peek = NULL;
	struct overlay_entry entry;
	struct verity_error unused;

	*ret = (struct replacing){.there = false};
	if (overlay_store_find(store, name, &entry, &unused) < 0)
		return;
	ret->there = true;
	ret->kind = entry.kind;
	peek = peek_at(store, &entry);
	ret->readable = peek;
	if (!peek)
		return;
	snprintf(ret->identity, sizeof(ret->identity), "%s",
		 verity_peek_claims(peek)->name);
	snprintf(ret->version, sizeof(ret->version), "%s",
		 verity_peek_claims(peek)->version);
}

static int check_entry(const struct overlay_store *store,
		       const struct overlay_entry *entry, const char *name,
		       const char *identity, struct verity_error *err)
{
	cleanup_with(verity_peek_free_p) struct verity_peek *peek = NULL;

	if (strcmp(entry->name, name) == 0)
		return 0;
	peek = peek_at(store, entry);
	if (!peek || strcmp(verity_peek_claims(peek)->name, identity) != 0)
		return 0;
	return verity_fail(err, VERITY_E_OTHER_NAME,
			   "%s is installed already, as '%s' (remove it first: wmopkg "
			   "remove %s; or install this file as %s.wmopkg)",
			   identity, entry->name, entry->name, entry->name);
}

int replacing_check_identity(const struct overlay_store *store, const char *name,
			     const char *identity, struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	size_t count;
	int r = overlay_store_list(store, &entries, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = check_entry(store, &entries[i], name, identity, err);
	return r;
}

static void format_versions(const struct replacing *replaced,
			    const struct verity_manifest *manifest,
			    char ret[static TEXT_BYTES])
{
	int order = verity_version_compare(manifest->version, replaced->version);

	if (!replaced->readable)
		snprintf(ret, TEXT_BYTES,
			 "Replaces a package that cannot be read with version %s.",
			 manifest->version);
	else if (strcmp(manifest->name, replaced->identity) != 0)
		snprintf(ret, TEXT_BYTES, "Replaces %s version %s with %s version %s.",
			 replaced->identity, replaced->version, manifest->name,
			 manifest->version);
	else if (strcmp(manifest->version, replaced->version) == 0)
		snprintf(ret, TEXT_BYTES, "Replaces version %s with the same version.",
			 replaced->version);
	else
		snprintf(ret, TEXT_BYTES, "Replaces version %s with %s%s.",
			 replaced->version, manifest->version,
			 order < 0 ? ", which is older" : "");
}

void replacing_format(const struct replacing *replaced,
		      const struct verity_manifest *manifest,
		      enum overlay_store_kind kind, char ret[static TEXT_BYTES])
{
	size_t used;

	ret[0] = '\0';
	if (!replaced->there)
		return;
	format_versions(replaced, manifest, ret);
	used = strlen(ret);
	if (replaced->kind != kind)
		snprintf(ret + used, TEXT_BYTES - used, "%s",
			 kind == OVERLAY_PERSISTENT
				 ? " It is persistent from now on."
				 : " It is no longer persistent: a factory reset "
				   "removes it.");
}
