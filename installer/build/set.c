/* SPDX-License-Identifier: MIT */
/* wmopkg-build set: a signed set, which devices take from everywhere. */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "installer/build/commands.h"
#include "installer/build/statement.h"
#include "verity/statement/package_set.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* Strings are borrowed from the command line. */
struct request {
	uint32_t number; /* 0: that of the document */
	struct build_signing signing;
	const char *in, *out;
};

const struct build_option build_set_options[] = {
	{"number", "N", "in place of that of the set: devices accept no lower one",
	 BUILD_NUMBER, BUILD_MEMBER(struct request, number), 1, UINT32_MAX},
	{.name = NULL},
};

static int make(int argc, char **argv, struct request *request,
		struct verity_package_set *set, struct verity_error *err)
{
	const struct build_options options[] = {
		{build_set_options, request},
		{build_signing_options, &request->signing},
		{NULL, NULL}};
	cleanup_free char *bytes = NULL;
	cleanup_free char *text = NULL;
	size_t size;
	int r = build_options_read(argc, argv, options, 2, "SET OUT", err);

	if (r < 0)
		return r;
	request->in = argv[optind];
	request->out = argv[optind + 1];
	r = build_signing_check(&request->signing, "set", err);
	if (r == 0)
		r = build_statement_name(request->out, err);
	if (r == 0)
		r = verity_io_load(AT_FDCWD, request->in, VERITY_PACKAGE_SET_BYTES_MAX,
				   &bytes, &size, err);
	if (r < 0)
		return r;
	r = verity_package_set_decode(bytes, size, set, err);
	if (r == 0) {
		set->number = request->number ?: set->number;
		r = set->number ? verity_package_set_encode(set, &text, err)
				: verity_fail(err, VERITY_E_BAD_SET,
					      "a signed set has a number (give it "
					      "--number, and count up)");
	}
	return r < 0 ? verity_context(err, r, "%s", request->in)
		     : build_statement_write(request->out, text, &request->signing, err);
}

enum exit_status build_set(int argc, char **argv)
{
	cleanup_with(verity_package_set_free) struct verity_package_set set = {.count =
										       0};
	struct request request = {.signing = {.when = -1, .use = BUILD_USE_LIST}};
	struct verity_error err;

	if (make(argc, argv, &request, &set, &err) < 0)
		return report_error(NULL, &err);
	printf("%s: set %" PRIu32 ", %zu %s, %s\n", request.out, set.number, set.count,
	       set.count == 1 ? "package" : "packages",
	       request.signing.key ? "signed" : "not signed");
	for (size_t i = 0; i < set.count; i++)
		if (set.packages[i].source[0] == '/')
			report_warning("%s: %s: its source is a file of the device: only "
				       "a set that is a file of the device can name it",
				       request.out, set.packages[i].name);
	return report_output();
}
