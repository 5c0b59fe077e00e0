/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "tests/check.h"
#include "tests/verity/keys.h"
#include "verity/cms/openssl.h"
#include "verity/sign/cms_sign.h"
#include "verity/util/cleanup.h"

static const char text[] = "{\"type\":\"package\"}";
static struct keys keys;

static struct verity_signing_key *load(const char *name)
{
	struct verity_signing_key *key;
	struct verity_error err;
	char key_path[128], cert_path[128], file[32];

	strcat(strcpy(file, name), ".key");
	keys_path(&keys, file, key_path);
	strcat(strcpy(file, name), ".pem");
	keys_path(&keys, file, cert_path);
	check_ok(verity_signing_key_load(key_path, cert_path, NULL, NULL, &key, &err),
		 &err);
	return key;
}

static struct verity_keyring *ring(const char *path)
{
	struct verity_keyring *keyring;
	struct verity_error err;

	check_ok(verity_keyring_load(path, &keyring, &err), &err);
	return keyring;
}

static uint8_t *sign(const char *name, int64_t when, size_t *ret_bytes)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key =
		load(name);
	struct verity_error err;
	uint8_t *der;

	check_ok(verity_cms_sign(text, sizeof(text), key, when, &der, ret_bytes, &err),
		 &err);
	return der;
}

static void test_round_trip(void **state)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring =
		ring(keys.ring);
	int64_t now = time(NULL);
	size_t bytes;
	cleanup_free uint8_t *der = sign("signer", now, &bytes);
	struct verity_signatures signatures;
	struct verity_error err;

	(void)state;
	assert_int_equal(verity_keyring_count(keyring), 1);
	check_ok(verity_cms_verify(text, sizeof(text), der, bytes, keyring,
				   VERITY_PURPOSE_PACKAGE, &signatures, &err),
		 &err);
	assert_string_equal(signatures.signers[0].subject,
			    "CN=wmopkg development signer");
	assert_int_equal(signatures.signers[0].signed_at, now);
}

static void check_rejected(const char *name, int64_t when, const char *folder,
			   const char *message)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring = ring(folder);
	size_t bytes;
	cleanup_free uint8_t *der = sign(name, when, &bytes);
	struct verity_signatures signatures;
	struct verity_error err;

	assert_int_equal(verity_cms_verify(text, sizeof(text), der, bytes, keyring,
					   VERITY_PURPOSE_PACKAGE, &signatures, &err),
			 -EKEYREJECTED);
	check_error(&err, VERITY_E_UNTRUSTED_SIGNER, message);
}

static void test_not_trusted(void **state)
{
	int64_t now = time(NULL);

	(void)state;
	check_rejected(
		"signer", now, "/nonexistent",
		"the key ring is empty (check the key ring folder of the firmware)");
	check_rejected(
		"unlock", now, keys.ring,
		"a certificate of the signer is not for signing packages (extended key "
		"usage codeSigning)");
	/* Validity is judged at the signing time, whatever the clock says now. */
	check_rejected(
		"signer", 0, keys.ring,
		"the signer does not chain to a key of this device: certificate is not "
		"yet valid");
	check_rejected(
		"signer", now + 30 * INT64_C(31556952), keys.ring,
		"the signer does not chain to a key of this device: certificate has "
		"expired");
}

static void test_stranger(void **state)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring = NULL;
	struct keys others;
	size_t bytes;
	cleanup_free uint8_t *der = sign("signer", time(NULL), &bytes);
	struct verity_signatures signatures;
	struct verity_error err;

	(void)state;
	keys_make(&others);
	keyring = ring(others.ring);
	keys_delete(&others);
	assert_int_equal(verity_cms_verify(text, sizeof(text), der, bytes, keyring,
					   VERITY_PURPOSE_PACKAGE, &signatures, &err),
			 -EKEYREJECTED);
	assert_int_equal(err.code, VERITY_E_UNTRUSTED_SIGNER);
	assert_string_equal(signatures.signers[0].subject,
			    "CN=wmopkg development signer");
}

/*
 * Any one flipped bit (of five, outside of ./check long), in the enclosed certificate as
 * well: the signature is bad, or, where it was the name of the certificate that changed,
 * nobody knows whose it is.
 */
static void test_every_flipped_bit(void **state)
{
	static const char unknown[] =
		"the signer's certificate is neither in the signature nor in the key ring";
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring =
		ring(keys.ring);
	size_t bytes;
	cleanup_free uint8_t *der = sign("signer", time(NULL), &bytes);
	struct verity_signatures signatures;
	struct verity_error err;
	const size_t step = check_step(5);
	size_t bad = 0, nobodys = 0;

	(void)state;
	for (size_t bit = 0; bit < bytes * 8; bit += step) {
		const uint8_t mask = (uint8_t)(1 << bit % 8);
		size_t i = bit / 8;
		int r;

		der[i] ^= mask;
		err.code = VERITY_OK;
		r = verity_cms_verify(text, sizeof(text), der, bytes, keyring,
				      VERITY_PURPOSE_PACKAGE, &signatures, &err);
		der[i] ^= mask;
		if (r == -EKEYREJECTED && !strcmp(err.message, unknown))
			nobodys++;
		else if (r == -EBADMSG && err.code == VERITY_E_BAD_SIGNATURE)
			bad++;
		else
			print_error("bit %zu of byte %zu: %d %s\n", bit % 8, i, r,
				    r < 0 ? err.message : "");
	}
	assert_int_equal(bad + nobodys, (bytes * 8 + step - 1) / step);
	assert_true(bad > nobodys);
}

static void test_malformed(void **state)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring =
		ring(keys.ring);
	size_t bytes;
	cleanup_free uint8_t *der = sign("signer", time(NULL), &bytes);
	cleanup_free uint8_t *longer = calloc(1, bytes + 1);
	struct verity_signatures signatures;
	struct verity_error err;

	(void)state;
	assert_int_equal(verity_cms_verify("other", 5, der, bytes, keyring,
					   VERITY_PURPOSE_PACKAGE, &signatures, &err),
			 -EBADMSG);
	assert_int_equal(err.code, VERITY_E_BAD_SIGNATURE);
	assert_int_equal(strncmp(err.message,
				 "signature: it does not match the signed data: ", 46),
			 0);
	assert_int_equal(verity_cms_verify(text, sizeof(text), der, bytes - 1, keyring,
					   VERITY_PURPOSE_PACKAGE, &signatures, &err),
			 -EBADMSG);
	memcpy(longer, der, bytes);
	assert_int_equal(verity_cms_verify(text, sizeof(text), longer, bytes + 1, keyring,
					   VERITY_PURPOSE_PACKAGE, &signatures, &err),
			 -EBADMSG);
	check_error(&err, VERITY_E_BAD_SIGNATURE,
		    "signature: bytes follow the CMS structure");
	assert_int_equal(verity_cms_verify(text, sizeof(text), "\x30\x80", 2, keyring,
					   VERITY_PURPOSE_PACKAGE, &signatures, &err),
			 -EBADMSG);
}

static void test_keys_that_do_not_fit(void **state)
{
	struct verity_signing_key *key = NULL;
	struct verity_error err;
	char key_path[128], cert_path[128], message[512];

	(void)state;
	keys_path(&keys, "signer.key", key_path);
	keys_path(&keys, "unlock.pem", cert_path);
	assert_true(verity_signing_key_load(key_path, cert_path, NULL, NULL, &key, &err) <
		    0);
	strcat(strcpy(message, cert_path), " is not the certificate of ");
	check_error(&err, VERITY_E_KEY, strcat(message, key_path));
	assert_true(verity_signing_key_load("/nonexistent", cert_path, NULL, NULL, &key,
					    &err) < 0);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "/nonexistent: cannot be opened: No such file or directory");
	assert_null(key);
}

/* What a signature can name is what devices accept, whatever the library has. */
static void test_digests_of_devices(void **state)
{
	static const int accepted[] = {NID_sha256, NID_sha384, NID_sha512};
	static const int others[] = {NID_md5, NID_sha1, NID_sha224, NID_sha3_256};

	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
		assert_non_null(EVP_get_digestbynid(accepted[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_null(EVP_get_digestbynid(others[i]));
}

static int setup(void **state)
{
	(void)state;
	/* as devices do: every digest that they accept is there */
	verity_openssl_start();
	keys_make(&keys);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	keys_delete(&keys);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests_of_devices),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_not_trusted),
		cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_every_flipped_bit),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_keys_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
