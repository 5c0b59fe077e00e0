/* SPDX-License-Identifier: MIT */
#include "installer/build/salt.h"

#include <openssl/evp.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define SALT_BYTES 32

DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free);

static int hash_image(int fd, uint64_t bytes, EVP_MD_CTX *context,
		      struct verity_error *err)
{
	char buffer[32768];

	for (uint64_t place = 0; place < bytes;) {
		size_t n = bytes - place < sizeof(buffer) ? (size_t)(bytes - place)
							  : sizeof(buffer);
		int r = verity_io_read(fd, buffer, n, place, err);

		if (r < 0)
			return r;
		if (EVP_DigestUpdate(context, buffer, n) != 1)
			return verity_fail(err, VERITY_E_NO_MEMORY, "OpenSSL failed");
		place += n;
	}
	return 0;
}

int build_derive_salt(int fd, struct verity_manifest *manifest, struct verity_error *err)
{
	cleanup_with(EVP_MD_CTX_free_p) EVP_MD_CTX *context = EVP_MD_CTX_new();
	static const char label[] = "wmopkg salt 1";
	int r;

	/* With the 0 that ends each text, so that no two triples run together. */
	if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(context, label, sizeof(label)) != 1 ||
	    EVP_DigestUpdate(context, manifest->name, strlen(manifest->name) + 1) != 1 ||
	    EVP_DigestUpdate(context, manifest->version, strlen(manifest->version) + 1) !=
		    1)
		return verity_fail(err, VERITY_E_NO_MEMORY, "OpenSSL failed");
	r = hash_image(fd, manifest->image_bytes, context, err);
	if (r < 0)
		return r;
	manifest->salt_bytes = SALT_BYTES;
	if (EVP_DigestFinal_ex(context, manifest->salt, NULL) != 1)
		return verity_fail(err, VERITY_E_NO_MEMORY, "OpenSSL failed");
	return 0;
}
