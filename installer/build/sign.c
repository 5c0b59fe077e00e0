/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>

#include "installer/build/main.h"
#include "installer/build/output.h"
#include "installer/build/statement.h"
#include "verity/package/assemble.h"
#include "verity/package/package.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

DEFINE_CLEANUP(struct output, output_free);

static const struct option options[] = {
	{"add", no_argument, NULL, 'a'},
	{"signature", required_argument, NULL, 's'},
	BUILD_SIGNING_OPTIONS,
	{NULL, 0, NULL, 0},
};

struct request {
	struct build_resigning resigning;
	const char *in;
	const char *out;
};

static int take_option(struct build_resigning *resigning, char *const *argv, int option,
		       struct verity_error *err)
{
	switch (option) {
	case 'a':
		resigning->add = true;
		return 0;
	case 's':
		resigning->signature = optarg;
		return 0;
	default:
		return build_take_signing(&resigning->signing, argv, option, err);
	}
}

static int check_options(const struct build_resigning *resigning,
			 struct verity_error *err)
{
	const struct build_signing *signing = &resigning->signing;

	if (resigning->signature &&
	    (resigning->add || signing->key || signing->cert || signing->chain ||
	     signing->pin_file || signing->when >= 0))
		return verity_fail(err, VERITY_E_USAGE,
				   "sign: --signature takes no other option");
	if (!resigning->signature && (!signing->key || !signing->cert))
		return verity_fail(err, VERITY_E_USAGE,
				   "sign: --key and --cert, or --signature, is expected");
	return 0;
}

static int parse(int argc, char **argv, struct request *ret, struct verity_error *err)
{
	int option, r = 0;

	optind = 1;
	while (r == 0 && (option = getopt_long(argc, argv, ":", options, NULL)) >= 0)
		r = take_option(&ret->resigning, argv, option, err);
	if (r == 0)
		r = check_options(&ret->resigning, err);
	if (r < 0)
		return r;
	if (argc - optind != 2)
		return verity_fail(err, VERITY_E_USAGE, "sign: IN and OUT are expected");
	ret->in = argv[optind];
	ret->out = argv[optind + 1];
	return 0;
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

/* Manifest and present signature lie one behind the other. */
static int read_signed(const struct verity_package *package, char **ret,
		       struct verity_error *err)
{
	const struct verity_layout *layout = verity_package_layout(package);
	size_t bytes = (size_t)(layout->padding_start - layout->manifest_start);
	cleanup_free char *text = malloc(bytes);
	int r;

	if (!text)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = verity_io_read(verity_package_fd(package), text, bytes,
			   layout->manifest_start, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&text);
	return 0;
}

static int sign_statement(const struct request *request, struct verity_error *err)
{
	int r = build_statement_name(request->out, err);

	return r < 0 ? r
		     : build_statement_sign(request->in, request->out,
					    &request->resigning, err);
}

static int sign_package(const struct request *request, struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	cleanup_free char *manifest = NULL;
	cleanup_free uint8_t *signature = NULL;
	size_t manifest_bytes, signature_bytes;
	const struct verity_layout *layout;
	struct verity_blocks blocks;
	char name[VERITY_NAME_MAX + 1];
	int r = verity_name_from_path(request->out, name, err);

	if (r < 0)
		return r;
	r = open_sound(request->in, &package, err);
	if (r == 0)
		r = read_signed(package, &manifest, err);
	if (r < 0)
		return verity_context(err, r, "%s", request->in);
	layout = verity_package_layout(package);
	manifest_bytes = (size_t)(layout->signature_start - layout->manifest_start);
	r = build_resign(&request->resigning, manifest, manifest_bytes,
			 manifest + manifest_bytes,
			 (size_t)(layout->padding_start - layout->signature_start),
			 &signature, &signature_bytes, err);
	if (r == 0)
		r = output_new(request->out, 0644, &output, err);
	if (r < 0)
		return r;
	blocks = (struct verity_blocks){verity_package_fd(package), layout->tree_start,
					layout->image_start};
	r = verity_package_assemble(output_fd(output), manifest, manifest_bytes,
				    signature, signature_bytes, &blocks, err);
	return r < 0 ? r : output_commit(output, err);
}

enum exit_status build_sign(int argc, char **argv)
{
	struct request request = {
		.resigning.signing = {.when = -1, .use = BUILD_USE_PACKAGE}};
	struct verity_error err;
	int r = parse(argc, argv, &request, &err);

	if (r == 0)
		r = build_statement_at(request.in) ? sign_statement(&request, &err)
						   : sign_package(&request, &err);
	if (r < 0)
		return report_error(NULL, &err);
	return STATUS_DONE;
}
