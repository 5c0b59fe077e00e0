/* SPDX-License-Identifier: MIT */
/* Describing a statement. */
#include "installer/common/describe_statement.h"

#include <inttypes.h>
#include <stdio.h>

#include "installer/common/describe.h"
#include "verity/util/hex.h"
#include "verity/util/text.h"

void describe_print_deny(const struct verity_deny *deny)
{
	char hex[2 * VERITY_DIGEST_BYTES + 1];

	verity_hex_encode(deny->digest, sizeof(deny->digest), hex);
	switch (deny->kind) {
	case VERITY_DENY_KEY:
		describe_line("Denied key", "%s", hex);
		break;
	case VERITY_DENY_ROOT_HASH:
		describe_line("Denied hash", "%s", hex);
		break;
	case VERITY_DENY_NAME:
		describe_line("Denied name", "%s below epoch %" PRIu32, deny->name,
			      deny->epoch_below);
		break;
	case VERITY_DENY_UNLOCK:
		describe_line("Denied unlock", "%s", hex);
		break;
	}
}

static void print_published(const struct verity_catalog_entry *entry)
{
	const struct verity_manifest *manifest = &entry->manifest;
	char rollout[32] = "";

	if (entry->rollout < VERITY_ROLLOUT_ALL)
		snprintf(rollout, sizeof(rollout), ", rollout %" PRIu32 " %%",
			 entry->rollout);
	describe_line("Package", "%s %s, epoch %" PRIu32 ", %s%s", manifest->name,
		      manifest->version, manifest->epoch, entry->file, rollout);
}

static void print_catalog(const struct verity_catalog_text *catalog)
{
	char until[VERITY_TEXT_TIME_BYTES];

	verity_text_format_time(catalog->not_after, until);
	describe_line("Number", "%" PRIu32, catalog->number);
	describe_line("Until", "%s", until);
	if (catalog->channel[0])
		describe_line("Channel", "%s", catalog->channel);
	if (catalog->denylist_number)
		describe_line("Deny list", "number %" PRIu32 ", %s",
			      catalog->denylist_number, catalog->denylist_file);
	for (size_t i = 0; i < catalog->count; i++)
		print_published(&catalog->entries[i]);
}

static void print_wanted(const struct verity_set_package *package)
{
	char hex[2 * VERITY_DIGEST_BYTES + 1] = "";

	if (package->root_hash_bytes)
		verity_hex_encode(package->root_hash, package->root_hash_bytes, hex);
	describe_line("Package", "%s%s%s%s%s%s%s%s", package->name,
		      package->version[0] ? " " : "", package->version,
		      package->persistent ? ", persistent" : "", hex[0] ? ", hash " : "",
		      hex, package->source[0] ? ", " : "", package->source);
}

static void print_set(const struct verity_package_set *set)
{
	describe_line("Number", "%" PRIu32, set->number);
	for (size_t i = 0; i < set->compatible_count; i++)
		describe_line("Compatible", "%s", set->compatible[i]);
	describe_line("Others", "%s", set->keep ? "stay" : "are removed");
	for (size_t i = 0; i < set->count; i++)
		print_wanted(&set->packages[i]);
}

void describe_print_statement(const struct verity_statement_text *text)
{
	const struct verity_unlock_text *unlock = &text->unlock;
	char words[VERITY_UNLOCK_WORDS_MAX], until[VERITY_TEXT_TIME_BYTES];
	char hex[2 * VERITY_DIGEST_BYTES + 1];

	describe_line("Type", "%s", verity_statement_type_name(text->type));
	if (text->type == VERITY_STATEMENT_DENYLIST) {
		describe_line("Number", "%" PRIu32, text->denylist.number);
		for (size_t i = 0; i < text->denylist.count; i++)
			describe_print_deny(&text->denylist.entries[i]);
		return;
	}
	if (text->type == VERITY_STATEMENT_CATALOG) {
		print_catalog(&text->catalog);
		return;
	}
	if (text->type == VERITY_STATEMENT_SET) {
		print_set(&text->set);
		return;
	}
	verity_unlock_words(unlock->allows, words);
	verity_text_format_time(unlock->not_after, until);
	describe_line("Serial", "%s", unlock->serial);
	describe_line("Allows", "%s", words);
	describe_line("Until", "%s", until);
	if (unlock->id[0])
		describe_line("Id", "%s", unlock->id);
	verity_hex_encode(text->digest, sizeof(text->digest), hex);
	describe_line("Hash", "%s", hex);
}

void describe_put_statement(struct verity_json_writer *json,
			    const struct verity_statement_text *text)
{
	verity_json_text(json, "type", verity_statement_type_name(text->type));
	if (text->type == VERITY_STATEMENT_DENYLIST) {
		verity_denylist_put(json, &text->denylist);
		return;
	}
	if (text->type == VERITY_STATEMENT_CATALOG) {
		verity_catalog_put(json, &text->catalog);
		return;
	}
	if (text->type == VERITY_STATEMENT_SET) {
		verity_package_set_put(json, &text->set);
		return;
	}
	verity_unlock_put(json, &text->unlock);
	verity_json_hex(json, "hash", text->digest, sizeof(text->digest));
}
