/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The catalogue: which packages the vendor publishes now, for whom, and until when that
 * is the whole truth. A signed statement; its number only rises within its channel.
 *
 * It chooses among packages, and trusts none: each is judged by itself all the same.
 */

#include "verity/cms/cms.h"
#include "verity/format/manifest.h"
#include "verity/util/cleanup.h"

#define VERITY_CATALOG_MAX      256 /* entries */
#define VERITY_CHANNEL_MAX      32  /* bytes */
#define VERITY_ROLLOUT_ALL      100 /* percent */
#define VERITY_CATALOG_FILE_MAX (VERITY_NAME_MAX + sizeof(".wmopkg") - 1)

/* One package that is published. Plain data. */
struct verity_catalog_entry {
	/*
	 * Name, version, epoch, root hash, and what it asks of a device and of other
	 * packages; the rest is not set. For the rules that judge packages.
	 */
	struct verity_manifest manifest;
	char file[VERITY_CATALOG_FILE_MAX + 1]; /* in the folder of the catalogue */
	uint64_t file_bytes;
	uint8_t id[VERITY_DIGEST_BYTES]; /* the package's: SHA-256 of its manifest */
	uint32_t rollout;                /* percent of the devices that take it */
};

/* What a catalogue says, whoever signed it: nothing may be decided by it. Plain data. */
struct verity_catalog_text {
	uint32_t number;                      /* 1 or more */
	int64_t not_after;                    /* seconds since 1970 */
	char channel[VERITY_CHANNEL_MAX + 1]; /* "": the only one there is */
	/* A deny list that lies beside it; "": none */
	char denylist_file[VERITY_NAME_MAX + 1];
	uint32_t denylist_number;
	struct verity_catalog_entry *entries; /* owned */
	size_t count;
};

/* Opaque: made only of a signed statement, by verity_catalog_read(). */
struct verity_catalog;

struct json_object;
struct verity_denylist;
struct verity_json_writer;

/**
 * verity_catalog_read - a catalogue from the bytes of its statement file
 * @denylist: may deny the key of the signer; NULL: none
 * @ret:      set on success only; free with verity_catalog_free()
 *
 * The signer's certificate must be for packages.
 *
 * Return: 0; as verity_statement_verify(); -EKEYREVOKED (REVOKED); -EBADMSG
 * (BAD_STATEMENT).
 */
int verity_catalog_read(const void *bytes, size_t size,
			const struct verity_keyring *keyring,
			const struct verity_denylist *denylist,
			struct verity_catalog **ret, struct verity_error *err) must_check;

void verity_catalog_free(struct verity_catalog *catalog);
DEFINE_CLEANUP(struct verity_catalog, verity_catalog_free);

/**
 * verity_catalog_text, verity_catalog_signer - what it says, and who signed it; borrowed
 */
const struct verity_catalog_text *verity_catalog_text(
	const struct verity_catalog *catalog);
const struct verity_signer *verity_catalog_signer(const struct verity_catalog *catalog);

/**
 * verity_catalog_check - whether a catalogue counts on this device, now
 * @channel: of this device; "": it has none
 * @kept:    the newest one that this device has seen; NULL: none
 * @now:     device time, seconds since 1970
 *
 * Return: 0; -EPERM (WRONG_CHANNEL; OLD_CATALOG where its number is lower than that of
 * @kept, or the same with another content; EXPIRED_CATALOG).
 */
int verity_catalog_check(const struct verity_catalog *catalog, const char *channel,
			 const struct verity_catalog *kept, int64_t now,
			 struct verity_error *err) must_check;

/**
 * verity_catalog_compare - the order of two versions of one package: the epoch counts
 * first
 *
 * Return: negative, 0 or positive as @a is older than, as old as, or newer than @b.
 */
int verity_catalog_compare(const struct verity_manifest *a,
			   const struct verity_manifest *b);

/**
 * verity_catalog_draws - whether a device takes part in the rollout of a package
 * @serial: of the device; "": not known, and then it waits for all of them
 *
 * The draw is the device's own, and stays the same for one version of one package: a
 * higher percentage adds devices, and takes none away. Another package, or another
 * version, draws again.
 */
bool verity_catalog_draws(const struct verity_catalog_entry *entry, const char *serial);

/**
 * verity_catalog_decode - read the JSON object of a statement of this type
 * @ret: set on success only; verity_catalog_text_free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT); -ENOMEM.
 */
int verity_catalog_decode(struct json_object *object, struct verity_catalog_text *ret,
			  struct verity_error *err) must_check;

/**
 * verity_catalog_encode - the JSON text of a catalogue, to be signed
 * @ret: 0-terminated, set on success only; free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT) where verity_catalog_decode() would refuse it, or
 * it is longer than a statement can be; -ENOMEM.
 */
int verity_catalog_encode(const struct verity_catalog_text *text, char **ret,
			  struct verity_error *err) must_check;

/**
 * verity_catalog_put - add the keys of a catalogue to the object that is open
 */
void verity_catalog_put(struct verity_json_writer *json,
			const struct verity_catalog_text *text);

void verity_catalog_text_free(struct verity_catalog_text *text);
