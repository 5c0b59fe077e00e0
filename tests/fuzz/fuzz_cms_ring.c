/* SPDX-License-Identifier: MIT */

/*
 * A signature with the key ring that it is verified by: three certificates in PEM and one
 * of a timestamp authority, each ended by a zero byte; what is signed, after its length
 * in two bytes; the rest is the signature. So chains, purposes and timestamps are reached
 * that are trusted, unlike in fuzz_cms.
 */

#include "tests/fuzz/pieces.h"

#include <errno.h>

#include "verity/cms/cms.h"
#include "verity/util/text.h"

static const char *const folders[] = {"ring"};
static const char *const files[] = {"ring/a.pem", "ring/b.pem", "ring/c.pem",
				    "ring/t.tsa.pem"};

/* Whoever signed is one of the ring, or is not trusted. */
static void check(const struct verity_signatures *signatures, int r)
{
	require(signatures->count <= VERITY_SIGNERS_MAX);
	require(signatures->key_id_count <= VERITY_KEY_IDS_MAX);
	require(r == 0 || r == -EKEYREJECTED || signatures->count == 0);
	require(r < 0 || (signatures->count > 0 && signatures->signers[0].anchor[0]));
	for (size_t i = 0; i < signatures->count; i++) {
		const struct verity_signer *signer = &signatures->signers[i];

		require(!signer->anchor[0] || strchr("abc", signer->anchor[0]));
		require((signer->stamped_at >= 0) == (signer->stamped_by[0] != '\0'));
		require(strnlen(signer->subject, VERITY_SIGNER_MAX) < VERITY_SIGNER_MAX);
		require(verity_text_printable(signer->subject, strlen(signer->subject)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int folder = -1;
	static char path[sizeof(fuzz_folder) + 8];
	struct pieces pieces = {data, size};
	struct verity_keyring *keyring;
	struct verity_signatures signatures;
	const uint8_t *text;
	size_t text_bytes, signature_bytes;

	if (folder < 0) {
		folder = pieces_folder(folders, 1);
		snprintf(path, sizeof(path), "%s/ring", fuzz_folder);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		pieces_file(&pieces, folder, files[i]);
	if (pieces.size < 2)
		return 0;
	text = pieces.data + 2;
	text_bytes = pieces.data[0] | (size_t)pieces.data[1] << 8;
	if (text_bytes > pieces.size - 2)
		return 0;
	signature_bytes = pieces.size - 2 - text_bytes;
	if (verity_keyring_load(path, &keyring, NULL) < 0)
		return 0;
	for (int required = 0; required < 2; required++) {
		for (int purpose = 0; purpose < 2; purpose++) {
			int r = verity_cms_verify(
				text, text_bytes, text + text_bytes, signature_bytes,
				keyring, (enum verity_purpose)purpose, &signatures, NULL);

			require(r == 0 || r == -EBADMSG || r == -EKEYREJECTED);
			check(&signatures, r);
		}
		verity_keyring_require_timestamps(keyring);
	}
	verity_keyring_free(keyring);
	return 0;
}
