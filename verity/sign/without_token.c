/* SPDX-License-Identifier: MIT */

/* For an OpenSSL that was built without engines: there are no tokens. */

#include "verity/sign/token.h"

static int fail(const char *uri, struct verity_error *err)
{
	return verity_fail(err, VERITY_E_UNSUPPORTED,
			   "%s: this OpenSSL was built without engines, which keys in "
			   "tokens need (build wmopkg with one that has them)",
			   uri);
}

void verity_token_free(struct verity_token *token)
{
	(void)token; /* NULL: none is ever made */
}

int verity_token_load_key(const char *uri, struct verity_secret *secret, EVP_PKEY **ret,
			  struct verity_token **ret_token, struct verity_error *err)
{
	(void)secret;
	(void)ret;
	(void)ret_token;
	return fail(uri, err);
}

int verity_token_load_certificate(const char *uri, X509 **ret, struct verity_error *err)
{
	(void)ret;
	return fail(uri, err);
}
