/* SPDX-License-Identifier: MIT */

/* OpenSSL's error queue as a message, and its times as numbers. */

#include "verity/cms/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* At the end, the kernel takes back what OpenSSL has faster than its exit handler does.
 */
void verity_openssl_start(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
				    OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
				    OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
			    NULL);
	EVP_add_digest(EVP_sha256());
	EVP_add_digest(EVP_sha384());
	EVP_add_digest(EVP_sha512());
}

/* The oldest error is the cause, and the last one may be of the function that was called.
 */
bool verity_openssl_no_memory(void)
{
	return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE ||
	       ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

int verity_cms_bad(struct verity_error *err, const char *why)
{
	return verity_openssl_no_memory()
		       ? verity_no_memory(err)
		       : verity_fail(err, VERITY_E_BAD_SIGNATURE, "signature: %s", why);
}

int verity_fail_openssl(struct verity_error *err, enum verity_code code,
			const char *format, ...)
{
	char what[VERITY_MESSAGE_MAX / 2], reasons[VERITY_MESSAGE_MAX / 2] = "";
	unsigned long number;
	bool no_memory = false;
	size_t used = 0;
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	/* Oldest first, each once. */
	while ((number = ERR_get_error()) != 0) {
		const char *reason = ERR_reason_error_string(number);

		no_memory = no_memory || ERR_GET_REASON(number) == ERR_R_MALLOC_FAILURE;
		if (reason && used < sizeof(reasons) && !strstr(reasons, reason))
			used += (size_t)snprintf(reasons + used, sizeof(reasons) - used,
						 "%s%s", used ? ", " : ": ", reason);
	}
	return no_memory ? verity_no_memory(err)
			 : verity_fail(err, code, "%s%s", what, reasons);
}

bool verity_asn1_time_get(const ASN1_TIME *time, int64_t *ret)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ret = timegm(&tm);
	return true;
}

bool verity_asn1_time_set(ASN1_TIME *time, int64_t when)
{
	time_t seconds = when;
	struct tm tm;
	char text[32];

	/* a GeneralizedTime becomes a UTCTime where that can be */
	return gmtime_r(&seconds, &tm) &&
	       strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) ==
		       strlen("20491231235959Z") &&
	       ASN1_TIME_set_string_X509(time, text) == 1;
}
