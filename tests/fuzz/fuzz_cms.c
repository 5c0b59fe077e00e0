/* SPDX-License-Identifier: MIT */

/*
 * The signature path with verification on, for every purpose: nothing made up here may
 * ever be trusted. The ring has the roots of the corpus, whose signatures are sound and
 * whose signers are for no purpose of ours, so that all of the path is gone.
 */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "verity/cms/cms.h"
#include "verity/util/text.h"

static void check_signatures(const struct verity_signatures *signatures, int r)
{
	require(signatures->count <= VERITY_SIGNERS_MAX);
	require(signatures->key_id_count <= VERITY_KEY_IDS_MAX);
	require(r == -EKEYREJECTED || signatures->count == 0);
	for (size_t i = 0; i < signatures->count; i++) {
		const struct verity_signer *signer = &signatures->signers[i];

		require(!signer->anchor[0]);
		require((signer->stamped_at >= 0) == (signer->stamped_by[0] != '\0'));
		require(strnlen(signer->subject, VERITY_SIGNER_MAX) < VERITY_SIGNER_MAX);
		require(verity_text_printable(signer->subject, strlen(signer->subject)));
	}
}

static int verify(const char *text, const uint8_t *data, size_t size,
		  enum verity_purpose purpose)
{
	static struct verity_keyring *keyring;
	struct verity_signatures signatures;
	int r;

	if (!keyring)
		require(verity_keyring_load(getenv("FUZZ_KEYS") ?: "", &keyring, NULL) ==
			0);
	r = verity_cms_verify(text, strlen(text), data, size, keyring, purpose,
			      &signatures, NULL);
	require(r == -EBADMSG || r == -EKEYREJECTED);
	check_signatures(&signatures, r);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const texts[] = {
		"{\"type\":\"package\"}",
		"{\"type\":\"unlock\"}",
		"{\"type\":\"denylist\"}",
	};

	/* Whether it is sound is one question, and what it is for another. */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		require(verify(texts[i], data, size, VERITY_PURPOSE_PACKAGE) ==
			verify(texts[i], data, size, VERITY_PURPOSE_UNLOCK));
	return 0;
}
