/* SPDX-License-Identifier: MIT */
/* Keeps the newest catalogue, and reads it again. */
#include "overlay/record/catalog.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "overlay/record/record.h"
#include "verity/statement/statement.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_table.h"

#define SEEN_BYTES_MAX 4096

static const struct verity_json_field seen_fields[] = {
	VERITY_JSON_WORD("type", "catalog-seen"),
	VERITY_JSON_FORMAT("format", 1),
	VERITY_JSON_HEX("place", struct overlay_catalog_seen, place),
	VERITY_JSON_TEXT("version", struct overlay_catalog_seen, version),
	VERITY_JSON_HEX("digest", struct overlay_catalog_seen, digest),
	{.key = NULL},
};

int overlay_catalog_seen_decode(const void *bytes, size_t size,
				struct overlay_catalog_seen *ret,
				struct verity_error *err)
{
	struct overlay_catalog_seen seen = {.version = ""};
	int r = verity_json_decode(bytes, size, seen_fields, VERITY_E_BAD_RECORD, &seen,
				   err);

	if (r == 0)
		*ret = seen;
	return r;
}

static int digest_of(const void *bytes, size_t size,
		     uint8_t ret[static VERITY_DIGEST_BYTES], struct verity_error *err)
{
	return EVP_Digest(bytes, size, ret, NULL, EVP_sha256(), NULL) == 1
		       ? 0
		       : verity_no_memory(err);
}

/* A power cut between the two records leaves one of another catalogue, or none. */
static void load_seen(int record_fd, const uint8_t digest[static VERITY_DIGEST_BYTES],
		      struct overlay_catalog_seen *ret)
{
	struct overlay_catalog_seen seen;
	cleanup_free char *text = NULL;
	size_t size;

	if (overlay_record_load(record_fd, OVERLAY_RECORD_CATALOG_SEEN, SEEN_BYTES_MAX,
				&text, &size, NULL) == 0 &&
	    overlay_catalog_seen_decode(text, size, &seen, NULL) == 0 &&
	    memcmp(seen.digest, digest, VERITY_DIGEST_BYTES) == 0)
		*ret = seen;
}

int overlay_catalog_load(int record_fd, const struct verity_policy *policy,
			 struct verity_catalog **ret,
			 struct overlay_catalog_seen *ret_seen, struct verity_error *err)
{
	cleanup_with(verity_catalog_free_p) struct verity_catalog *catalog = NULL;
	struct overlay_catalog_seen seen = {.version = ""};
	uint8_t digest[VERITY_DIGEST_BYTES];
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = -ENOENT;

	if (record_fd >= 0)
		r = overlay_record_load(record_fd, OVERLAY_RECORD_CATALOG,
					VERITY_STATEMENT_FILE_MAX, &bytes, &size, err);
	if (r == 0)
		r = verity_catalog_read(bytes, size, policy->keyring, policy->denylist,
					&catalog, err);
	if (r == 0)
		r = digest_of(bytes, size, digest, err);
	if (r == -ENOMEM)
		return r;
	if (r == 0)
		load_seen(record_fd, digest, &seen);
	*ret = r == 0 ? steal_ptr(&catalog) : NULL;
	*ret_seen = seen;
	return 0;
}

/* It is not what is kept, and another program has not kept a newer one meanwhile. */
static int is_news(int record_fd, const struct verity_policy *policy,
		   const struct verity_catalog *catalog,
		   const struct overlay_catalog_seen *seen, struct verity_error *err)
{
	cleanup_with(verity_catalog_free_p) struct verity_catalog *kept = NULL;
	const struct verity_catalog_text *text = verity_catalog_text(catalog);
	struct overlay_catalog_seen before;
	int r = overlay_catalog_load(record_fd, policy, &kept, &before, err);

	if (r < 0 || !kept)
		return r < 0 ? r : 1;
	if (memcmp(before.digest, seen->digest, sizeof(seen->digest)) == 0 &&
	    memcmp(before.place, seen->place, sizeof(seen->place)) == 0 &&
	    strcmp(before.version, seen->version) == 0)
		return 0;
	return strcmp(verity_catalog_text(kept)->channel, text->channel) != 0 ||
	       verity_catalog_text(kept)->number <= text->number;
}

int overlay_catalog_keep(int record_fd, const struct verity_policy *policy,
			 const struct verity_catalog *catalog, const void *bytes,
			 size_t size, const struct overlay_catalog_seen *seen,
			 struct verity_error *err)
{
	struct overlay_catalog_seen kept = *seen;
	cleanup_free char *text = NULL;
	cleanup_fd int lock = -1;
	int r;

	if (record_fd < 0)
		return 0;
	r = digest_of(bytes, size, kept.digest, err);
	if (r == 0)
		r = verity_json_encode(&kept, seen_fields, VERITY_JSON_COMPACT, &text,
				       err);
	if (r == 0)
		r = overlay_record_lock(record_fd, "catalogue", false, &lock, err);
	if (r == 0)
		r = is_news(record_fd, policy, catalog, &kept, err);
	if (r <= 0)
		return r < 0 ? verity_context(err, r, "catalogue") : 0;
	r = overlay_record_put(record_fd, OVERLAY_RECORD_CATALOG, bytes, size, err);
	if (r == 0)
		r = overlay_record_put(record_fd, OVERLAY_RECORD_CATALOG_SEEN, text,
				       strlen(text), err);
	return r < 0 ? verity_context(err, r, "catalogue") : 0;
}
