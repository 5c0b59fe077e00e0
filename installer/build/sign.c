/* SPDX-License-Identifier: MIT */
/* wmopkg-build sign: give a package or statement another signature, or one more. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>

#include "installer/build/commands.h"
#include "installer/build/output.h"
#include "installer/build/statement.h"
#include "installer/grammar/grammar.h"
#include "verity/package/assemble.h"
#include "verity/package/package.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

static const struct build_option options[] = {
	{"add", NULL, NULL, BUILD_FLAG, BUILD_MEMBER(struct build_resigning, add)},
	{"signature", "DER", NULL, BUILD_STRING,
	 BUILD_MEMBER(struct build_resigning, signature)},
	{"timestamp", "TSR", NULL, BUILD_STRING,
	 BUILD_MEMBER(struct build_resigning, timestamp)},
	{.name = NULL},
};

static int read_request(int argc, char **argv, struct build_resigning *ret,
			struct verity_error *err)
{
	const struct build_signing *signing = &ret->signing;
	const struct build_options tables[] = {
		{options, ret}, {build_signing_options, &ret->signing}, {NULL, NULL}};
	int r = build_options_read(argc, argv, tables, 2, "IN OUT", err);

	if (r < 0)
		return r;
	if (ret->signature && (ret->add || signing->key || signing->cert ||
			       signing->chain || signing->pin_file || signing->when >= 0))
		return verity_fail(err, VERITY_E_USAGE,
				   "sign: --signature takes no other option");
	if (ret->timestamp &&
	    (ret->signature || ret->add || signing->key || signing->cert ||
	     signing->chain || signing->pin_file || signing->when >= 0))
		return verity_fail(err, VERITY_E_USAGE,
				   "sign: --timestamp takes no other option");
	if (!ret->signature && !ret->timestamp && (!signing->key || !signing->cert))
		return verity_fail(
			err, VERITY_E_USAGE,
			"sign: --key and --cert, or --signature, or --timestamp, is "
			"expected");
	return 0;
}

static int sign_package(const char *in, const char *out,
			const struct build_resigning *resigning, struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	cleanup_free char *text = NULL; /* the manifest, then the present signature */
	cleanup_free uint8_t *signature = NULL;
	size_t text_bytes, manifest_bytes, signature_bytes;
	const struct verity_layout *layout;
	struct verity_blocks blocks;
	char name[VERITY_NAME_MAX + 1];
	int r = verity_name_from_path(out, name, err);

	if (r < 0)
		return r;
	r = word_reserved_refuse(name, err);
	if (r < 0)
		return verity_context(err, r, "%s", out);
	/* A damaged package gets no signature. */
	r = build_package_open(in, "not signed", &package, err);
	if (r < 0)
		return r;
	layout = verity_package_layout(package);
	text_bytes = (size_t)(layout->padding_start - layout->manifest_start);
	manifest_bytes = (size_t)(layout->signature_start - layout->manifest_start);
	text = malloc(text_bytes);
	if (!text)
		return verity_no_memory(err);
	r = verity_io_read(verity_package_fd(package), text, text_bytes,
			   layout->manifest_start, err);
	if (r < 0)
		return verity_context(err, r, "%s", in);
	r = build_signature_renew(resigning, text, manifest_bytes, text + manifest_bytes,
				  text_bytes - manifest_bytes, &signature,
				  &signature_bytes, err);
	if (r == 0)
		r = output_new(out, 0644, &output, err);
	if (r < 0)
		return r;
	blocks = (struct verity_blocks){verity_package_fd(package), layout->tree_start,
					layout->image_start};
	r = verity_package_assemble(output_fd(output), text, manifest_bytes, signature,
				    signature_bytes, &blocks, err);
	return r < 0 ? r : output_commit(output, err);
}

enum exit_status build_sign(int argc, char **argv)
{
	struct build_resigning resigning = {
		.signing = {.when = -1, .use = BUILD_USE_PACKAGE}};
	struct verity_error err;
	int r = read_request(argc, argv, &resigning, &err);

	if (r == 0 && build_statement_at(argv[optind]))
		r = build_statement_sign(argv[optind], argv[optind + 1], &resigning,
					 &err);
	else if (r == 0)
		r = sign_package(argv[optind], argv[optind + 1], &resigning, &err);
	return r < 0 ? report_error(NULL, &err) : STATUS_DONE;
}
