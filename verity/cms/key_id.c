/* SPDX-License-Identifier: MIT */

/* The key id of a certificate file, for deny lists. */

#include "verity/cms/key_id.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "verity/cms/certificate.h"
#include "verity/cms/openssl.h"
#include "verity/util/io.h"

int verity_key_id_load(const char *path, uint8_t ret[static VERITY_KEY_ID_BYTES],
		       struct verity_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_with(BIO_free_all_p) BIO *bio = NULL;
	cleanup_with(X509_free_p) X509 *certificate = NULL;
	cleanup_with(X509_free_p) X509 *second = NULL;
	size_t size;
	int r = verity_io_load(AT_FDCWD, path, VERITY_KEYRING_FILE_MAX, &text, &size,
			       err);

	if (r < 0)
		return r;
	ERR_clear_error();
	bio = BIO_new_mem_buf(text, (int)size);
	if (!bio)
		return verity_no_memory(err);
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (!certificate)
		return verity_fail_openssl(err, VERITY_E_KEY,
					   "%s: no readable PEM certificate", path);
	second = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ERR_clear_error();
	if (second)
		return verity_fail(err, VERITY_E_KEY, "%s: more than one certificate",
				   path);
	if (!verity_certificate_key_id(certificate, ret))
		return verity_fail_openssl(err, VERITY_E_KEY,
					   "%s: its key cannot be read", path);
	return 0;
}
