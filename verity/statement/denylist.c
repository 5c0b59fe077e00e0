/* SPDX-License-Identifier: MIT */
#include "verity/statement/denylist.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verity/statement/denylist_private.h"
#include "verity/util/hex.h"

void verity_denylist_free(struct verity_denylist *denylist)
{
	if (!denylist)
		return;
	free(denylist->entries);
	free(denylist);
}

uint32_t verity_denylist_number(const struct verity_denylist *denylist)
{
	return denylist->number;
}

size_t verity_denylist_count(const struct verity_denylist *denylist)
{
	return denylist->count;
}

const struct verity_deny *verity_denylist_at(const struct verity_denylist *denylist,
					     size_t index)
{
	return &denylist->entries[index];
}

const struct verity_signer *verity_denylist_signer(const struct verity_denylist *denylist)
{
	return &denylist->signer;
}

static const struct verity_deny *find_digest(const struct verity_denylist *denylist,
					     enum verity_deny_kind kind,
					     const uint8_t digest[static 32])
{
	for (size_t i = 0; denylist && i < denylist->count; i++)
		if (denylist->entries[i].kind == kind &&
		    memcmp(denylist->entries[i].digest, digest, VERITY_DIGEST_BYTES) == 0)
			return &denylist->entries[i];
	return NULL;
}

int verity_denylist_check_keys(const struct verity_denylist *denylist,
			       const struct verity_signatures *signatures,
			       struct verity_error *err)
{
	char hex[2 * VERITY_KEY_ID_BYTES + 1];

	for (size_t i = 0; i < signatures->key_id_count; i++) {
		const uint8_t *id = signatures->key_ids[i];

		if (!find_digest(denylist, VERITY_DENY_KEY, id))
			continue;
		verity_hex_encode(id, VERITY_KEY_ID_BYTES, hex);
		return verity_fail(err, VERITY_E_REVOKED,
				   "deny list %" PRIu32
				   " names a key that it was signed with, %s",
				   denylist->number, hex);
	}
	return 0;
}

int verity_denylist_check_manifest(const struct verity_denylist *denylist,
				   const struct verity_manifest *manifest,
				   struct verity_error *err)
{
	if (find_digest(denylist, VERITY_DENY_ROOT_HASH, manifest->root_hash))
		return verity_fail(err, VERITY_E_REVOKED,
				   "deny list %" PRIu32 " names its root hash",
				   denylist->number);
	for (size_t i = 0; denylist && i < denylist->count; i++) {
		const struct verity_deny *deny = &denylist->entries[i];

		if (deny->kind == VERITY_DENY_NAME &&
		    strcmp(deny->name, manifest->name) == 0 &&
		    manifest->epoch < deny->epoch_below)
			return verity_fail(err, VERITY_E_REVOKED,
					   "deny list %" PRIu32
					   " names %s below epoch %" PRIu32
					   ", and its epoch is %" PRIu32,
					   denylist->number, deny->name,
					   deny->epoch_below, manifest->epoch);
	}
	return 0;
}
