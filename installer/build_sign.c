/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>

#include "installer/build.h"
#include "installer/build_options.h"
#include "installer/output.h"
#include "verity/assemble.h"
#include "verity/cleanup.h"
#include "verity/io.h"
#include "verity/package.h"

DEFINE_CLEANUP(struct output, output_free);
DEFINE_CLEANUP(struct verity_package, verity_package_free);

static const struct option options[] = {
	{"key", required_argument, NULL, 'k'},
	{"cert", required_argument, NULL, 'c'},
	{"chain", required_argument, NULL, 'C'},
	{"pin-file", required_argument, NULL, 'p'},
	{"signing-time", required_argument, NULL, 't'},
	{"rsa-padding", required_argument, NULL, 'r'},
	{NULL, 0, NULL, 0},
};

struct request {
	struct build_signing signing;
	const char *in;
	const char *out;
};

static int parse(int argc, char **argv, struct request *ret, struct verity_error *err)
{
	char name[VERITY_NAME_MAX + 1];
	int option, r = 0;

	optind = 1;
	while (r == 0 && (option = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (option == 'k')
			ret->signing.key = optarg;
		else if (option == 'c')
			ret->signing.cert = optarg;
		else if (option == 'C')
			ret->signing.chain = optarg;
		else if (option == 'p')
			ret->signing.pin_file = optarg;
		else if (option == 't')
			r = build_parse_integer("--signing-time", optarg, 0,
						INT64_C(253402300799), &ret->signing.when,
						err);
		else if (option == 'r')
			r = build_parse_padding(optarg, &ret->signing.rsa_padding, err);
		else
			r = verity_fail(err, VERITY_E_USAGE,
					"sign: an option is unknown or lacks its value");
	}
	if (r < 0)
		return r;
	if (argc - optind != 2 || !ret->signing.key || !ret->signing.cert)
		return verity_fail(
			err, VERITY_E_USAGE,
			"sign: --key, --cert, IN.wmopkg and OUT.wmopkg are expected");
	ret->in = argv[optind];
	ret->out = argv[optind + 1];
	return verity_name_from_path(ret->out, name, err);
}

/* Nobody should put a name under a package that is damaged. */
static int open_sound(const char *path, struct verity_package **ret,
		      struct verity_error *err)
{
	const struct verity_policy policy = {0};
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_judgement *judgement;
	int r = verity_package_open(AT_FDCWD, path, &policy, &package, err);

	if (r < 0)
		return r;
	judgement = verity_package_judgement(package);
	if (verity_judgement_verdict(judgement) == VERITY_INVALID) {
		*err = *verity_judgement_reason(judgement);
		return verity_context(err, -EBADMSG, "it is not signed");
	}
	*ret = steal_ptr(&package);
	return 0;
}

static int sign(const struct request *request, struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	cleanup_free char *manifest = NULL;
	cleanup_free uint8_t *signature = NULL;
	size_t manifest_bytes, signature_bytes;
	const struct verity_layout *layout;
	struct verity_blocks blocks;
	int r = open_sound(request->in, &package, err);

	if (r < 0)
		return verity_context(err, r, "%s", request->in);
	layout = verity_package_layout(package);
	manifest_bytes = layout->signature_start - layout->manifest_start;
	manifest = malloc(manifest_bytes);
	if (!manifest)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	blocks = (struct verity_blocks){verity_package_fd(package), layout->tree_start,
					layout->image_start};
	r = verity_io_read(blocks.fd, manifest, manifest_bytes, layout->manifest_start,
			   err);
	if (r == 0)
		r = build_sign_manifest(&request->signing, manifest, manifest_bytes,
					&signature, &signature_bytes, err);
	if (r == 0)
		r = output_new(request->out, 0644, &output, err);
	if (r == 0)
		r = verity_package_assemble(output_fd(output), manifest, manifest_bytes,
					    signature, signature_bytes, &blocks, err);
	return r < 0 ? r : output_commit(output, err);
}

enum exit_status build_sign(int argc, char **argv)
{
	struct request request = {.signing.when = -1};
	struct verity_error err;

	if (parse(argc, argv, &request, &err) < 0 || sign(&request, &err) < 0)
		return report_error(NULL, &err);
	return STATUS_DONE;
}
