/* SPDX-License-Identifier: MIT */

/* Counting and remembering public-key operations. */

#include "verity/cms/work.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

bool verity_cms_work_take(struct verity_cms_work *work)
{
	if (work->strange_left == 0)
		return false;
	work->strange_left--;
	return true;
}

void verity_cms_work_note(struct verity_cms_work *work, const X509 *certificate,
			  const X509 *issuer)
{
	if (work->link_count < VERITY_CMS_LINKS_MAX)
		work->links[work->link_count++] =
			(struct verity_cms_link){certificate, issuer, true};
}

int verity_cms_work_link(struct verity_cms_work *work, X509 *certificate, X509 *issuer)
{
	/* Names, key ids, and whether it may sign certificates; no signature. */
	int reason = X509_check_issued(issuer, certificate);
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool good;

	if (reason != X509_V_OK)
		return reason;
	if (!key)
		return X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY;
	for (size_t i = 0; i < work->link_count; i++)
		if (work->links[i].certificate == certificate &&
		    work->links[i].issuer == issuer)
			return work->links[i].good ? X509_V_OK
						   : X509_V_ERR_CERT_SIGNATURE_FAILURE;
	/* One that is good was made by the owner of a key that the ring vouches for. */
	if (work->strange_left == 0 || work->link_count == VERITY_CMS_LINKS_MAX)
		return X509_V_ERR_APPLICATION_VERIFICATION;
	good = X509_verify(certificate, key) == 1;
	ERR_clear_error();
	if (!good)
		work->strange_left--;
	work->links[work->link_count++] =
		(struct verity_cms_link){certificate, issuer, good};
	return good ? X509_V_OK : X509_V_ERR_CERT_SIGNATURE_FAILURE;
}
