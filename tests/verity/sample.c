/* SPDX-License-Identifier: MIT */
#include "tests/verity/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/check.h"
#include "verity/hashtree/tree.h"
#include "verity/package/assemble.h"
#include "verity/sign/cms_sign.h"
#include "verity/sign/signing_key.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

static uint8_t *sign(const struct keys *keys, const char *manifest, size_t *ret_bytes)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key = NULL;
	char key_path[128], cert_path[128];
	struct verity_error err;
	uint8_t *der;

	keys_path(keys, "signer.key", key_path);
	keys_path(keys, "signer.pem", cert_path);
	check_ok(verity_signing_key_load(key_path, cert_path, NULL, NULL, &key, &err),
		 &err);
	check_ok(verity_cms_sign(manifest, strlen(manifest), key, time(NULL), &der,
				 ret_bytes, &err),
		 &err);
	return der;
}

struct sample sample_make(const struct keys *keys, uint64_t data_blocks, bool is_signed)
{
	struct verity_manifest manifest = {.built = -1};
	struct verity_geometry g = verity_geometry_compute(data_blocks);
	cleanup_fd int scratch = memfd_create("scratch", MFD_CLOEXEC);
	cleanup_fd int fd = memfd_create("package", MFD_CLOEXEC);
	const struct verity_blocks blocks = {scratch, data_blocks * VERITY_BLOCK, 0};
	cleanup_free char *text = NULL;
	cleanup_free uint8_t *der = NULL;
	size_t der_bytes = 0;
	struct verity_error err;
	struct verity_head head;
	struct sample sample;

	for (uint64_t i = 0; i < data_blocks; i++)
		check_ok(verity_io_write(scratch, &i, sizeof(i), i * VERITY_BLOCK, &err),
			 &err);
	assert_int_equal(
		ftruncate(scratch, (off_t)((data_blocks + g.tree_blocks) * VERITY_BLOCK)),
		0);
	strcpy(manifest.name, "sample");
	strcpy(manifest.version, "1.0");
	manifest.image_bytes = data_blocks * VERITY_BLOCK;
	manifest.salt_bytes = 32;
	check_ok(verity_tree_build(&blocks, &g, manifest.salt, 32, 2, manifest.root_hash,
				   &err),
		 &err);
	check_ok(verity_manifest_encode(&manifest, &text, &err), &err);
	if (is_signed)
		der = sign(keys, text, &der_bytes);
	check_ok(verity_package_assemble(fd, text, strlen(text), der, der_bytes, &blocks,
					 &err),
		 &err);

	head = (struct verity_head){(uint32_t)strlen(text), (uint32_t)der_bytes};
	check_ok(verity_layout_compute(&head, manifest.image_bytes, &sample.layout, &err),
		 &err);
	sample.size = (size_t)lseek(fd, 0, SEEK_END);
	assert_int_equal(sample.size, sample.layout.file_bytes);
	sample.bytes = malloc(sample.size);
	assert_non_null(sample.bytes);
	check_ok(verity_io_read(fd, sample.bytes, sample.size, 0, &err), &err);
	return sample;
}
