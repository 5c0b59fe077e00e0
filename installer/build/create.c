/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/build/main.h"
#include "installer/build/output.h"
#include "installer/build/salt.h"
#include "installer/build/signature.h"
#include "overlay/image/image.h"
#include "verity/package/assemble.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/io.h"

/* What the command line asks for; strings are borrowed from it. */
struct request {
	struct verity_manifest *manifest; /* owned; filled but for the image */
	struct overlay_image_options image;
	struct build_signing signing;
	struct build_signing kernel; /* for the kernel's own check */
	const char *tree;
	const char *out;
};

DEFINE_CLEANUP(struct output, output_free);

enum option_code {
	OPTION_NAME = 256,
	OPTION_VERSION,
	OPTION_DESCRIPTION,
	OPTION_PRIORITY,
	OPTION_EPOCH,
	OPTION_PERSISTENT,
	OPTION_COMPATIBLE,
	OPTION_FIRMWARE_MIN,
	OPTION_FIRMWARE_MAX,
	OPTION_COMPRESSOR,
	OPTION_THREADS,
	OPTION_KERNEL_KEY,
	OPTION_KERNEL_CERT,
};

static const struct option options[] = {
	{"name", required_argument, NULL, OPTION_NAME},
	{"version", required_argument, NULL, OPTION_VERSION},
	{"description", required_argument, NULL, OPTION_DESCRIPTION},
	{"priority", required_argument, NULL, OPTION_PRIORITY},
	{"epoch", required_argument, NULL, OPTION_EPOCH},
	{"persistent", required_argument, NULL, OPTION_PERSISTENT},
	{"compatible", required_argument, NULL, OPTION_COMPATIBLE},
	{"firmware-min", required_argument, NULL, OPTION_FIRMWARE_MIN},
	{"firmware-max", required_argument, NULL, OPTION_FIRMWARE_MAX},
	{"compressor", required_argument, NULL, OPTION_COMPRESSOR},
	{"threads", required_argument, NULL, OPTION_THREADS},
	{"kernel-key", required_argument, NULL, OPTION_KERNEL_KEY},
	{"kernel-cert", required_argument, NULL, OPTION_KERNEL_CERT},
	BUILD_SIGNING_OPTIONS,
	{NULL, 0, NULL, 0},
};

/* Limits other than length are the manifest's own, checked when it is encoded. */
static int copy_text(const char *option, const char *text, char *ret, size_t size,
		     struct verity_error *err)
{
	if (strlen(text) >= size)
		return verity_fail(err, VERITY_E_USAGE, "%s: longer than %zu bytes",
				   option, size - 1);
	strcpy(ret, text);
	return 0;
}

static int add_glob(struct verity_manifest *manifest, const char *glob,
		    struct verity_error *err)
{
	size_t count = manifest->compatible_count;
	void *more;

	if (count >= VERITY_GLOBS_MAX)
		return verity_fail(err, VERITY_E_USAGE,
				   "--compatible: given over %d times", VERITY_GLOBS_MAX);
	more = realloc(manifest->compatible, (count + 1) * sizeof(*manifest->compatible));
	if (!more)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	manifest->compatible = more;
	manifest->compatible_count = count + 1;
	manifest->compatible[count][0] = '\0';
	return copy_text("--compatible", glob, manifest->compatible[count],
			 sizeof(*manifest->compatible), err);
}

static int take_text(struct verity_manifest *manifest, int option,
		     struct verity_error *err)
{
	switch (option) {
	case OPTION_NAME:
		return copy_text("--name", optarg, manifest->name, sizeof(manifest->name),
				 err);
	case OPTION_VERSION:
		return copy_text("--version", optarg, manifest->version,
				 sizeof(manifest->version), err);
	case OPTION_DESCRIPTION:
		return copy_text("--description", optarg, manifest->description,
				 sizeof(manifest->description), err);
	case OPTION_FIRMWARE_MIN:
		return copy_text("--firmware-min", optarg, manifest->firmware_min,
				 sizeof(manifest->firmware_min), err);
	case OPTION_FIRMWARE_MAX:
		return copy_text("--firmware-max", optarg, manifest->firmware_max,
				 sizeof(manifest->firmware_max), err);
	default:
		return add_glob(manifest, optarg, err);
	}
}

static int take_number(struct request *request, int option, struct verity_error *err)
{
	int64_t number = 0;
	int r;

	switch (option) {
	case OPTION_PRIORITY:
		r = build_parse_integer("--priority", optarg, -VERITY_PRIORITY_MAX,
					VERITY_PRIORITY_MAX, &number, err);
		request->manifest->priority = (int)number;
		return r;
	case OPTION_EPOCH:
		r = build_parse_integer("--epoch", optarg, 0, UINT32_MAX, &number, err);
		request->manifest->epoch = (uint32_t)number;
		return r;
	default:
		r = build_parse_integer("--threads", optarg, 1, 64, &number, err);
		request->image.threads = (unsigned)number;
		return r;
	}
}

static int take_option(struct request *request, char *const *argv, int option,
		       struct verity_error *err)
{
	switch (option) {
	case OPTION_NAME:
	case OPTION_VERSION:
	case OPTION_DESCRIPTION:
	case OPTION_FIRMWARE_MIN:
	case OPTION_FIRMWARE_MAX:
	case OPTION_COMPATIBLE:
		return take_text(request->manifest, option, err);
	case OPTION_PRIORITY:
	case OPTION_EPOCH:
	case OPTION_THREADS:
		return take_number(request, option, err);
	case OPTION_PERSISTENT:
		if (verity_persistence_from_name(optarg,
						 &request->manifest->persistence) < 0)
			return verity_fail(
				err, VERITY_E_USAGE,
				"--persistent: '%s' is not allowed, required or "
				"forbidden",
				optarg);
		return 0;
	case OPTION_COMPRESSOR:
		request->image.compressor = optarg;
		return 0;
	case OPTION_KERNEL_KEY:
		request->kernel.key = optarg;
		return 0;
	case OPTION_KERNEL_CERT:
		request->kernel.cert = optarg;
		return 0;
	default:
		return build_take_signing(&request->signing, argv, option, err);
	}
}

static int check_request(struct request *request, struct verity_error *err)
{
	struct verity_manifest *manifest = request->manifest;
	char name[VERITY_NAME_MAX + 1];
	int r = verity_name_from_path(request->out, name, err);

	if (r < 0)
		return r;
	if (!manifest->name[0])
		strcpy(manifest->name, name);
	if (!verity_name_valid(manifest->name))
		return verity_fail(err, VERITY_E_BAD_NAME,
				   "--name: '%s' is not a valid package name",
				   manifest->name);
	if (!manifest->version[0])
		return verity_fail(err, VERITY_E_USAGE, "create: --version is missing");
	if (!manifest->description[0])
		return verity_fail(err, VERITY_E_USAGE,
				   "create: --description is missing");
	if (!request->signing.key != !request->signing.cert)
		return verity_fail(err, VERITY_E_USAGE,
				   "create: --key and --cert go together");
	if (!request->kernel.key != !request->kernel.cert)
		return verity_fail(err, VERITY_E_USAGE,
				   "create: --kernel-key and --kernel-cert go together");
	return 0;
}

static int parse(int argc, char **argv, struct request *ret, struct verity_error *err)
{
	int option, r;

	optind = 1;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		r = take_option(ret, argv, option, err);
		if (r < 0)
			return r;
	}
	if (argc - optind != 2)
		return verity_fail(err, VERITY_E_USAGE,
				   "create: a TREE and an OUT.wmopkg are expected");
	ret->tree = argv[optind];
	ret->out = argv[optind + 1];
	ret->kernel.pin_file = ret->signing.pin_file;
	r = build_source_date(&ret->manifest->built, err);
	ret->image.source_date = ret->manifest->built < 0 ? 0 : ret->manifest->built;
	return r < 0 ? r : check_request(ret, err);
}

/* Image, then its padding, then the tree: all in one nameless file. */
static int make_blocks(const struct request *request, int fd, struct verity_blocks *ret,
		       struct verity_error *err)
{
	struct verity_manifest *manifest = request->manifest;
	struct verity_geometry geometry;
	uint64_t padded;
	int r = overlay_image_write(request->tree, fd, &request->image,
				    &manifest->image_bytes, err);

	if (r < 0)
		return r;
	if (manifest->image_bytes > VERITY_IMAGE_MAX)
		return verity_fail(err, VERITY_E_BAD_TREE,
				   "%s: its image of %" PRIu64
				   " bytes is over the limit of %" PRIu64,
				   request->tree, manifest->image_bytes,
				   VERITY_IMAGE_MAX);
	padded = (manifest->image_bytes + VERITY_BLOCK - 1) / VERITY_BLOCK * VERITY_BLOCK;
	geometry = verity_geometry_compute(padded / VERITY_BLOCK);
	if (ftruncate(fd, (off_t)(padded + geometry.tree_blocks * VERITY_BLOCK)) < 0)
		return verity_fail_errno(err, errno, "the scratch file");
	*ret = (struct verity_blocks){fd, padded, 0};
	r = build_derive_salt(fd, manifest, err);
	if (r < 0)
		return r;
	return verity_tree_build(ret, &geometry, manifest->salt, manifest->salt_bytes,
				 request->image.threads, manifest->root_hash, err);
}

static void say_made(const struct request *request, uint64_t bytes)
{
	char root_hash[2 * VERITY_DIGEST_BYTES + 1];

	verity_hex_encode(request->manifest->root_hash, VERITY_DIGEST_BYTES, root_hash);
	printf("%s: %s %s, %" PRIu64 " bytes, %s\nRoot hash: %s\n", request->out,
	       request->manifest->name, request->manifest->version, bytes,
	       request->signing.key ? "signed" : "not signed", root_hash);
}

static int sign_root_hash(const struct request *request, struct verity_error *err)
{
	struct verity_manifest *manifest = request->manifest;

	if (!request->kernel.key)
		return 0;
	return build_sign_root_hash(&request->kernel, manifest->root_hash,
				    &manifest->kernel_signature,
				    &manifest->kernel_signature_bytes, err);
}

/* Here a bad manifest is the fault of the command line, not of a package. */
static int encode_manifest(const struct verity_manifest *manifest, char **ret,
			   struct verity_error *err)
{
	int r = verity_manifest_encode(manifest, ret, err);

	if (r == -EBADMSG)
		err->code = VERITY_E_USAGE;
	return r;
}

static int create(const struct request *request, struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	cleanup_free char *manifest = NULL;
	cleanup_free uint8_t *signature = NULL;
	cleanup_fd int scratch = -1;
	struct verity_blocks blocks;
	size_t signature_bytes = 0;
	off_t end;
	int r = output_new(request->out, 0644, &output, err);

	if (r == 0)
		r = output_scratch(output, &scratch, err);
	if (r == 0)
		r = make_blocks(request, scratch, &blocks, err);
	if (r == 0)
		r = sign_root_hash(request, err);
	if (r == 0)
		r = encode_manifest(request->manifest, &manifest, err);
	if (r == 0)
		r = build_sign_manifest(&request->signing, manifest, strlen(manifest),
					&signature, &signature_bytes, err);
	if (r == 0)
		r = verity_package_assemble(output_fd(output), manifest, strlen(manifest),
					    signature, signature_bytes, &blocks, err);
	if (r < 0)
		return r;
	end = lseek(output_fd(output), 0, SEEK_END);
	r = output_commit(output, err);
	if (r == 0)
		say_made(request, (uint64_t)end);
	return r;
}

enum exit_status build_create(int argc, char **argv)
{
	cleanup_with(verity_manifest_free_p) struct verity_manifest *manifest =
		calloc(1, sizeof(*manifest));
	struct request request = {.manifest = manifest,
				  .signing = {.when = -1, .use = BUILD_USE_PACKAGE}};
	struct verity_error err;

	if (!manifest)
		return STATUS_FAILED;
	if (parse(argc, argv, &request, &err) < 0 || create(&request, &err) < 0)
		return report_error(NULL, &err);
	return STATUS_DONE;
}
