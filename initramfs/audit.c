/* SPDX-License-Identifier: MIT */
/* Writes what a boot did with each package to the audit log. */
#include "initramfs/audit.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initramfs/log.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

struct overlay_audit *audit_begin(int record_fd, size_t max_bytes, int64_t now)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit = NULL;
	struct verity_error why;

	if (overlay_audit_open(record_fd, max_bytes, now, "boot", &audit, &why) < 0 ||
	    overlay_audit_begin_boot(audit, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", why.message);
	return steal_ptr(&audit);
}

static struct overlay_audit_entry describe(const struct boot_package *package)
{
	static const uint8_t none[VERITY_DIGEST_BYTES];
	const struct overlay_state_entry *state = package->state;
	const struct verity_signatures *signatures;
	struct overlay_audit_entry entry = {
		.event = state->active                          ? OVERLAY_AUDIT_ACTIVATE
			 : state->verdict == VERITY_QUARANTINED ? OVERLAY_AUDIT_QUARANTINE
								: OVERLAY_AUDIT_REFUSE,
		.package = &state->entry,
		.version = state->version,
		.verdict = verity_verdict_name(state->verdict),
		.reason = &state->reason,
	};

	/* A refused one has an id too, if its manifest could be read. */
	if (memcmp(package->id, none, sizeof(none)) != 0)
		entry.id = package->id;
	if (!package->verified)
		return entry;
	signatures = &verity_package_judgement(package->verified)->signatures;
	if (signatures->count > 0)
		entry.signer = signatures->signers[0].subject;
	return entry;
}

/* Those in use first, then the others, then what is no package. */
static int rank(const struct overlay_audit_entry *entry)
{
	return entry->event == OVERLAY_AUDIT_ACTIVATE     ? 0
	       : entry->event == OVERLAY_AUDIT_QUARANTINE ? 1
	       : entry->id                                ? 2
							  : 3;
}

static int compare(const void *a, const void *b)
{
	const struct overlay_audit_entry *left = a, *right = b;
	int order = rank(left) - rank(right);

	return order ? order : strcmp(left->package->name, right->package->name);
}

/* The same as long as each package is the same, and as active as before. */
static void hash_set(const struct overlay_audit_entry *entries, size_t count,
		     uint8_t ret[static VERITY_DIGEST_BYTES])
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	static const uint8_t none[VERITY_DIGEST_BYTES];

	if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct overlay_audit_entry *entry = &entries[i];
		const uint32_t facts[] = {(uint32_t)entry->event,
					  (uint32_t)entry->package->kind,
					  (uint32_t)entry->reason->code};

		EVP_DigestUpdate(hash, entry->package->name, VERITY_NAME_MAX);
		EVP_DigestUpdate(hash, facts, sizeof(facts));
		EVP_DigestUpdate(hash, entry->id ? entry->id : none, sizeof(none));
		EVP_DigestUpdate(hash, entry->verdict, strlen(entry->verdict) + 1);
	}
	memset(ret, 0, VERITY_DIGEST_BYTES);
	if (hash)
		EVP_DigestFinal_ex(hash, ret, NULL);
	EVP_MD_CTX_free(hash);
}

/* Several files that are no packages are one line: whoever writes to DATA can add more.
 */
static size_t sum_up_junk(struct overlay_audit_entry *entries, size_t count, char *names,
			  size_t size)
{
	size_t first = count;

	while (first > 0 && rank(&entries[first - 1]) == 3)
		first--;
	if (count - first < 2)
		return count;
	names[0] = '\0';
	for (size_t i = first; i < count; i++)
		verity_text_append(names, size, "%s%s", i > first ? ", " : "",
				   entries[i].package->name);
	entries[first].package = NULL;
	entries[first].version = entries[first].verdict = NULL;
	entries[first].detail = names;
	entries[first].count = count - first;
	return first + 1;
}

void audit_end(struct overlay_audit *audit, const struct packages *packages,
	       const struct verity_error *refused)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *owned = audit;
	cleanup_free struct overlay_audit_entry *entries = NULL;
	const struct overlay_state *state = &packages->state;
	struct overlay_audit_boot boot = {.count = state->count};
	uint64_t unlisted = 0;
	char detail[192], names[160], digest[2 * VERITY_DIGEST_BYTES + 1];
	uint64_t number;
	struct verity_error why;
	size_t active = 0;

	if (!owned)
		return;
	entries = calloc(boot.count + 1, sizeof(*entries));
	if (!entries)
		return;
	for (size_t i = 0; i < boot.count; i++) {
		entries[i] = describe(&packages->items[i]);
		active += entries[i].event == OVERLAY_AUDIT_ACTIVATE;
	}
	for (size_t kind = 0; kind < 2; kind++)
		unlisted += state->unlisted[kind].junk + state->unlisted[kind].links +
			    state->unlisted[kind].over;
	qsort(entries, boot.count, sizeof(*entries), compare);
	hash_set(entries, boot.count, boot.set);
	snprintf(detail, sizeof(detail), "%zu active, %zu not", active,
		 boot.count - active);
	if (unlisted)
		verity_text_append(detail, sizeof(detail), ", %" PRIu64 " other files",
				   unlisted);
	boot.count = sum_up_junk(entries, boot.count, names, sizeof(names));
	boot.entries = entries;
	boot.detail = state->count || unlisted ? detail : NULL;
	if (refused) {
		snprintf(detail, sizeof(detail), "refused: %.150s", refused->message);
		boot.detail = detail;
	}
	if (overlay_audit_end_boot(owned, &boot, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", why.message);
	/* For who keeps the kernel log elsewhere: the chain cannot be made anew. */
	number = overlay_audit_last(owned, digest);
	if (number)
		log_line(LOG_LEVEL_INFO, "audit log: number %" PRIu64 ", digest %s",
			 number, digest);
}
