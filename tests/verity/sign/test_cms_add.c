/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "tests/check.h"
#include "tests/verity/keys.h"
#include "verity/sign/cms_sign.h"
#include "verity/util/cleanup.h"

#define WHEN INT64_C(1800000000)

static const char text[] = "{\"type\":\"package\"}";
static struct keys vendor, owner;

static struct verity_signing_key *load(const struct keys *keys)
{
	struct verity_signing_key *key;
	struct verity_error err;
	char key_path[128], cert_path[128];

	keys_path(keys, "signer.key", key_path);
	keys_path(keys, "signer.pem", cert_path);
	check_ok(verity_signing_key_load(key_path, cert_path, NULL, NULL, &key, &err),
		 &err);
	return key;
}

static uint8_t *sign(size_t *ret_bytes)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key =
		load(&vendor);
	struct verity_error err;
	uint8_t *der;

	check_ok(verity_cms_sign(text, sizeof(text), key, WHEN, &der, ret_bytes, &err),
		 &err);
	return der;
}

static void check_trusted(const struct keys *keys, const uint8_t *der, size_t bytes,
			  int64_t when)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring = NULL;
	struct verity_signatures signatures;
	struct verity_error err;

	check_ok(verity_keyring_load(keys->ring, &keyring, &err), &err);
	check_ok(verity_cms_verify(text, sizeof(text), der, bytes, keyring,
				   VERITY_PURPOSE_PACKAGE, &signatures, &err),
		 &err);
	assert_int_equal(signatures.count, 2);
	assert_string_equal(signatures.signers[0].anchor, "root.pem");
	assert_int_equal(signatures.signers[0].signed_at, when);
	assert_string_equal(signatures.signers[1].anchor, "");
}

static void test_beside(void **state)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key =
		load(&owner);
	size_t one_bytes, both_bytes;
	cleanup_free uint8_t *one = sign(&one_bytes);
	cleanup_free uint8_t *both = NULL;
	struct verity_error err;

	(void)state;
	check_ok(verity_cms_add(text, sizeof(text), one, one_bytes, key, WHEN + 1, &both,
				&both_bytes, &err),
		 &err);
	check_trusted(&vendor, both, both_bytes, WHEN);
	check_trusted(&owner, both, both_bytes, WHEN + 1);
}

static void test_again(void **state)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key =
		load(&vendor);
	size_t bytes, more_bytes;
	cleanup_free uint8_t *der = sign(&bytes);
	struct verity_error err;
	uint8_t *more;

	(void)state;
	assert_int_equal(verity_cms_add(text, sizeof(text), der, bytes, key, WHEN, &more,
					&more_bytes, &err),
			 -EINVAL);
	check_error(&err, VERITY_E_KEY, "this certificate has signed it already");
}

/* Nobody should put a name beside a signature of something else. */
static void test_of_something_else(void **state)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key =
		load(&owner);
	size_t bytes, more_bytes;
	cleanup_free uint8_t *der = sign(&bytes);
	struct verity_error err;
	uint8_t *more;

	(void)state;
	assert_int_equal(verity_cms_add(text, sizeof(text) - 1, der, bytes, key, WHEN,
					&more, &more_bytes, &err),
			 -EBADMSG);
	assert_string_equal(verity_code_name(err.code), "bad-signature");
	assert_int_equal(verity_cms_add(text, sizeof(text), der, bytes - 1, key, WHEN,
					&more, &more_bytes, &err),
			 -EBADMSG);
	assert_int_equal(verity_cms_add(text, sizeof(text), NULL, 0, key, WHEN, &more,
					&more_bytes, &err),
			 -EBADMSG);
}

static int make(void **state)
{
	(void)state;
	keys_make(&vendor);
	keys_make(&owner);
	return 0;
}

static int delete (void **state)
{
	(void)state;
	keys_delete(&vendor);
	keys_delete(&owner);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_of_something_else),
	};

	return cmocka_run_group_tests(tests, make, delete);
}
