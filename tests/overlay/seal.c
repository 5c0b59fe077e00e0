/* SPDX-License-Identifier: MIT */

/*
 * seal IMAGE NAME PRIORITY KEY CERT OUT: sign any image as a package, also one that
 * `wmopkg-build create` refuses to make. What a vendor who means harm would have.
 */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "verity/package/assemble.h"
#include "verity/sign/cms_sign.h"
#include "verity/util/cleanup.h"

static int open_padded(const char *path, uint64_t *ret_bytes, uint64_t *ret_padded)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	*ret_bytes = (uint64_t)st.st_size;
	*ret_padded = (*ret_bytes + VERITY_BLOCK - 1) / VERITY_BLOCK * VERITY_BLOCK;
	if (ftruncate(fd, (off_t)*ret_padded) < 0)
		err(1, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	struct verity_manifest manifest = {.salt_bytes = 32, .built = -1};
	struct verity_error why = {0};
	struct verity_signing_key *key = NULL;
	struct verity_geometry geometry;
	struct verity_blocks blocks = {0};
	cleanup_free uint8_t *signature = NULL;
	cleanup_free char *text = NULL;
	size_t signature_bytes = 0;
	uint64_t padded;
	int out;

	if (argc != 7)
		errx(2, "usage: seal IMAGE NAME PRIORITY KEY CERT OUT");
	blocks.fd = open_padded(argv[1], &manifest.image_bytes, &padded);
	blocks.tree_start = padded;
	snprintf(manifest.name, sizeof(manifest.name), "%s", argv[2]);
	snprintf(manifest.version, sizeof(manifest.version), "1.0");
	manifest.priority = atoi(argv[3]);
	geometry = verity_geometry_compute(padded / VERITY_BLOCK);
	out = open(argv[6], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out < 0)
		err(1, "%s", argv[6]);
	if (verity_tree_build(&blocks, &geometry, manifest.salt, manifest.salt_bytes, 1,
			      manifest.root_hash, &why) < 0 ||
	    verity_manifest_encode(&manifest, &text, &why) < 0 ||
	    verity_signing_key_load(argv[4], argv[5], NULL, NULL, &key, &why) < 0 ||
	    verity_cms_sign(text, strlen(text), key, time(NULL), &signature,
			    &signature_bytes, &why) < 0 ||
	    verity_package_assemble(out, text, strlen(text), signature, signature_bytes,
				    &blocks, &why) < 0)
		errx(1, "%s", why.message);
	verity_signing_key_free(key);
	return 0;
}
