/* SPDX-License-Identifier: MIT */
#include "verity/sign/signing_key.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/verity/keys.h"
#include "verity/util/cleanup.h"

#define PASSPHRASE "open sesame"

static struct keys keys;
static char locked[128], cert[128];

/* Somebody who is asked. */
struct person {
	const char *knows; /* NULL: does not want to say */
	unsigned asked;
};

static int ask(void *context, const char *what, const char *file,
	       char ret[static VERITY_SECRET_MAX], struct verity_error *err)
{
	struct person *person = context;
	char expected[160];

	snprintf(expected, sizeof(expected), "Passphrase of %s", locked);
	assert_string_equal(what, expected);
	assert_null(file);
	person->asked++;
	if (!person->knows)
		return verity_fail(err, VERITY_E_USAGE, "no idea");
	strcpy(ret, person->knows);
	return 0;
}

static int load(const char *key, struct person *person, struct verity_error *err)
{
	const struct verity_secrets secrets = {ask, person};
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *loaded = NULL;

	return verity_signing_key_load(key, cert, NULL, person ? &secrets : NULL, &loaded,
				       err);
}

static void test_locked(void **state)
{
	struct person knowing = {PASSPHRASE, 0}, guessing = {"wrong", 0},
		      silent = {NULL, 0};
	struct verity_error err;
	char message[256];

	(void)state;
	check_ok(load(locked, &knowing, &err), &err);
	assert_int_equal(knowing.asked, 1);

	assert_int_equal(load(locked, &guessing, &err), -EINVAL);
	assert_int_equal(guessing.asked, 1);
	assert_string_equal(verity_code_name(err.code), "pin");
	snprintf(message, sizeof(message), "%s: wrong passphrase", locked);
	assert_int_equal(strncmp(err.message, message, strlen(message)), 0);

	assert_int_equal(load(locked, &silent, &err), -EINVAL);
	assert_int_equal(silent.asked, 1);
	check_error(&err, VERITY_E_USAGE, "no idea");

	assert_int_equal(load(locked, NULL, &err), -EINVAL);
	snprintf(message, sizeof(message), "Passphrase of %s is needed", locked);
	check_error(&err, VERITY_E_PIN, message);
}

static void test_open(void **state)
{
	struct person knowing = {PASSPHRASE, 0};
	struct verity_error err;
	char path[128];

	(void)state;
	keys_path(&keys, "signer.key", path);
	check_ok(load(path, &knowing, &err), &err);
	assert_int_equal(knowing.asked, 0);
}

static void test_uri(void **state)
{
	struct person knowing = {PASSPHRASE, 0};
	struct verity_error err;

	(void)state;
	assert_int_equal(load("pkcs11:object=a?pin-value=1234", &knowing, &err), -EINVAL);
	check_error(&err, VERITY_E_USAGE,
		    "a PIN does not belong on the command line (use --pin-file)");
	assert_int_equal(load("pkcs11:object=a?module-path=/none.so", &knowing, &err),
			 -EINVAL);
	check_error(&err, VERITY_E_KEY,
		    "/none.so: the token's library cannot be read: No such file or "
		    "directory");
	assert_int_equal(knowing.asked, 0);
}

static int make(void **state)
{
	unsigned char passphrase[] = PASSPHRASE;
	char path[128];
	EVP_PKEY *key;
	FILE *file;

	(void)state;
	keys_make(&keys);
	keys_path(&keys, "signer.key", path);
	keys_path(&keys, "signer.pem", cert);
	keys_path(&keys, "locked.key", locked);
	file = fopen(path, "re");
	assert_non_null(file);
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	assert_non_null(key);
	file = fopen(locked, "we");
	assert_non_null(file);
	assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, EVP_aes_256_cbc(),
						   (char *)passphrase,
						   sizeof(passphrase) - 1, NULL, NULL),
			 1);
	fclose(file);
	EVP_PKEY_free(key);
	return 0;
}

static int delete (void **state)
{
	(void)state;
	unlink(locked);
	keys_delete(&keys);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_uri),
	};

	return cmocka_run_group_tests(tests, make, delete);
}
