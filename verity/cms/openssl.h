/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the rooms that use OpenSSL share: its errors, its times, and cleanup of its types.
 *
 * Times are int64_t: where a processor has 32 bits, the time_t of a library may have them
 * too, and then ends in 2038 or is not what this program passes to it.
 */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/x509.h>

/* Before each object of a file in PEM. */
#define VERITY_PEM_START "-----BEGIN "

DEFINE_CLEANUP(ASN1_TIME, ASN1_TIME_free);
DEFINE_CLEANUP(BIO, BIO_free_all);
DEFINE_CLEANUP(CMS_ContentInfo, CMS_ContentInfo_free);
DEFINE_CLEANUP(X509, X509_free);

/* A stack with its own references, as CMS_get1_certs() returns. */
static inline void verity_certificates_free_p(STACK_OF(X509) * *certificates)
{
	sk_X509_pop_free(*certificates, X509_free);
}

/* A stack of borrowed certificates. */
static inline void verity_certificates_borrowed_free_p(STACK_OF(X509) * *certificates)
{
	sk_X509_free(*certificates);
}

/**
 * verity_openssl_start - prepare OpenSSL for a program that only verifies
 *
 * Call it before any other function of OpenSSL. Its configuration file is not read: it
 * could allow old protocols, or load libraries. The digests of signatures are SHA-256,
 * SHA-384 and SHA-512, whatever else the library has. The names of all ciphers and
 * digests, of which OpenSSL makes a table otherwise, are a fifth of what wmopkg-activate
 * computes for one package. A program that signs, decrypts a key or speaks TLS must not
 * call it.
 */
void verity_openssl_start(void);

/**
 * verity_openssl_no_memory - whether OpenSSL's error queue says that memory was missing
 *
 * Then what failed says nothing of a signature or a key. Leaves the queue as it is.
 */
bool verity_openssl_no_memory(void) must_check;

/**
 * verity_cms_bad - a signature is malformed, or is none that devices accept
 *
 * Where memory was missing to find out, that is the error, as of verity_fail_openssl().
 */
int verity_cms_bad(struct verity_error *err, const char *why);

/**
 * verity_fail_openssl - as verity_fail(), with the reasons in OpenSSL's error queue
 *
 * Empties the queue. Calls ERR_clear_error() before the operation are the caller's: the
 * queue may hold an older error.
 *
 * Return: -ENOMEM where memory was missing, whatever the code is.
 */
int verity_fail_openssl(struct verity_error *err, enum verity_code code,
			const char *format, ...) __attribute__((format(printf, 3, 4)));

/**
 * verity_asn1_time_get - seconds since 1970
 *
 * Return: whether it is a time.
 */
bool verity_asn1_time_get(const ASN1_TIME *time, int64_t *ret) must_check;

/**
 * verity_asn1_time_set - a UTCTime until 2049, a GeneralizedTime after it (RFC 5652
 * §11.3)
 * @when: seconds since 1970, up to VERITY_TIME_MAX
 *
 * Return: whether it is set.
 */
bool verity_asn1_time_set(ASN1_TIME *time, int64_t when) must_check;
