/* SPDX-License-Identifier: MIT */

/*
 * Any one flipped bit, in the enclosed certificates as well: the signature is bad, or
 * of a signer whom the device does not know; it is never trusted. One bit in 15 of the
 * ECDSA ones, in 55 of the longer ones; all of them in ./check long.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/certs.h"

static const char text[] = "{\"type\":\"package\"}";

enum { ROOT, P256, P256_TOO, P384, RSA3072, RSA_PSS, SUB, UNDER_SUB, COUNT };
static struct cert made[COUNT];
static struct verity_keyring *ring;

static int verify(const uint8_t *der, size_t bytes, struct verity_error *err)
{
	struct verity_signatures signatures;

	return verity_cms_verify(text, sizeof(text), der, bytes, ring,
				 VERITY_PURPOSE_PACKAGE, &signatures, err);
}

/* @sample: one bit in so many, see check_step() */
static void flip(const struct certs_signer *signers, const struct cert *const *enclosed,
		 unsigned sample)
{
	const size_t stride = check_step(sample);
	size_t bytes, bad = 0, untrusted = 0, others = 0;
	uint8_t *der = certs_sign(text, sizeof(text), signers, enclosed, &bytes);
	struct verity_error err;

	check_ok(verify(der, bytes, &err), &err);
	for (size_t bit = 0; bit < bytes * 8; bit += stride) {
		const uint8_t mask = (uint8_t)(1 << bit % 8);
		int r;

		der[bit / 8] ^= mask;
		err.code = VERITY_OK;
		r = verify(der, bytes, &err);
		der[bit / 8] ^= mask;
		if (r == -EBADMSG && err.code == VERITY_E_BAD_SIGNATURE)
			bad++;
		else if (r == -EKEYREJECTED && err.code == VERITY_E_UNTRUSTED_SIGNER)
			untrusted++;
		else if (others++ < 20)
			print_error("byte %zu, mask %02x, of %zu: %d %s\n", bit / 8,
				    (unsigned)mask, bytes, r, r < 0 ? err.message : "");
	}
	OPENSSL_free(der);
	assert_int_equal(others, 0);
	assert_int_equal(bad + untrusted, (bytes * 8 + stride - 1) / stride);
	assert_true(bad > untrusted);
}

static void test_p384(void **state)
{
	const struct certs_signer signers[] = {
		{.cert = &made[P384], .digest = EVP_sha384()}, {0}};

	(void)state;
	flip(signers, NULL, 15);
}

static void test_rsa_pkcs1(void **state)
{
	const struct certs_signer signers[] = {{.cert = &made[RSA3072]}, {0}};

	(void)state;
	flip(signers, NULL, 55);
}

static void test_rsa_pss(void **state)
{
	const struct certs_signer signers[] = {{.cert = &made[RSA3072], .pss = true},
					       {0}};
	const struct certs_signer own[] = {{.cert = &made[RSA_PSS], .pss = true}, {0}};

	(void)state;
	flip(signers, NULL, 55);
	flip(own, NULL, 55);
}

/* Either is enough, but neither may be touched; nor may both be known by the ring alone.
 */
static void test_two_signers(void **state)
{
	const struct certs_signer signers[] = {
		{.cert = &made[P256]}, {.cert = &made[P256_TOO]}, {0}};
	const struct certs_signer mixed[] = {
		{.cert = &made[P256], .by_key_id = true},
		{.cert = &made[RSA3072], .pss = true, .digest = EVP_sha512()},
		{0}};

	(void)state;
	flip(signers, NULL, 15);
	flip(mixed, NULL, 55);
}

static void test_hidden(void **state)
{
	const struct certs_signer signers[] = {{.cert = &made[P256], .hidden = true},
					       {.cert = &made[P256_TOO], .hidden = true},
					       {0}};
	struct verity_keyring *leaves = certs_ring((const struct certs_anchor[]){
		{"one.pem", &made[P256]}, {"two.pem", &made[P256_TOO]}, {0}});
	struct verity_keyring *usual = ring;

	(void)state;
	ring = leaves;
	flip(signers, NULL, 15);
	ring = usual;
	verity_keyring_free(leaves);
}

static void test_intermediate(void **state)
{
	const struct certs_signer signers[] = {{.cert = &made[UNDER_SUB]}, {0}};
	const struct cert *const enclosed[] = {&made[SUB], NULL};

	(void)state;
	flip(signers, enclosed, 15);
}

static int setup(void **state)
{
	static const char *const keys[COUNT] = {
		[RSA3072] = "RSA:3072", [RSA_PSS] = "RSA-PSS:3072", [P384] = "P-384"};

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		struct cert_spec spec = {.name = keys[i] ?: "P-256", .key = keys[i]};

		spec.ca = i == ROOT || i == SUB;
		spec.issuer = i == ROOT ? NULL : &made[i == UNDER_SUB ? SUB : ROOT];
		cert_make(&spec, &made[i]);
	}
	ring = certs_ring((const struct certs_anchor[]){{"root.pem", &made[ROOT]}, {0}});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	verity_keyring_free(ring);
	for (int i = 0; i < COUNT; i++)
		cert_free(&made[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_p384),    cmocka_unit_test(test_rsa_pkcs1),
		cmocka_unit_test(test_rsa_pss), cmocka_unit_test(test_two_signers),
		cmocka_unit_test(test_hidden),  cmocka_unit_test(test_intermediate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
