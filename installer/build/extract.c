/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>

#include "installer/build/main.h"
#include "installer/build/options.h"
#include "installer/build/output.h"
#include "installer/build/statement.h"
#include "verity/package/package.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

DEFINE_CLEANUP(struct output, output_free);

enum part { MANIFEST, SIGNATURE, TREE, IMAGE, PART_COUNT };

static const struct option options[] = {
	{"manifest", required_argument, NULL, MANIFEST},
	{"signature", required_argument, NULL, SIGNATURE},
	{"tree", required_argument, NULL, TREE},
	{"image", required_argument, NULL, IMAGE},
	{NULL, 0, NULL, 0},
};

struct request {
	const char *paths[PART_COUNT]; /* NULL where a part is not asked for */
	const char *package;
};

static int parse(int argc, char **argv, struct request *ret, struct verity_error *err)
{
	bool any = false;
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (option >= PART_COUNT)
			return build_fail_option(argv, err);
		ret->paths[option] = optarg;
		any = true;
	}
	if (argc - optind != 1 || !any)
		return verity_fail(
			err, VERITY_E_USAGE,
			"extract: a part to write and a FILE.wmopkg or statement are "
			"expected");
	ret->package = argv[optind];
	return 0;
}

struct range {
	uint64_t start, end; /* bytes of the file */
};

static struct range range_of(const struct verity_layout *layout, enum part part)
{
	switch (part) {
	case MANIFEST:
		return (struct range){layout->manifest_start, layout->signature_start};
	case SIGNATURE:
		return (struct range){layout->signature_start, layout->padding_start};
	case TREE:
		return (struct range){layout->tree_start, layout->image_start};
	case IMAGE:
	case PART_COUNT:
		break;
	}
	return (struct range){layout->image_start, layout->file_bytes};
}

static int write_part(const struct verity_package *package, struct range range,
		      const char *path, struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	int r = output_new(path, 0644, &output, err);

	if (r == 0)
		r = verity_io_copy(verity_package_fd(package), range.start,
				   output_fd(output), 0, range.end - range.start, err);
	return r < 0 ? r : output_commit(output, err);
}

/*
 * Only of a package whose parts can be told: a damaged image may still be looked at, a
 * damaged head gives no places to cut at.
 */
static int extract(const struct request *request, struct verity_error *err)
{
	const struct verity_policy policy = {0};
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_layout *layout;
	int r = verity_package_open(AT_FDCWD, request->package, &policy, &package, err);

	if (r < 0)
		return verity_context(err, r, "%s", request->package);
	layout = verity_package_layout(package);
	if (!layout) {
		*err = *verity_judgement_reason(verity_package_judgement(package));
		return verity_context(err, -1, "%s", request->package);
	}
	for (int part = 0; r == 0 && part < PART_COUNT; part++)
		if (request->paths[part])
			r = write_part(package, range_of(layout, (enum part)part),
				       request->paths[part], err);
	return r;
}

static int write_bytes(const char *path, const uint8_t *bytes, size_t size,
		       struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	int r = output_new(path, 0644, &output, err);

	if (r == 0)
		r = verity_io_write(output_fd(output), bytes, size, 0, err);
	return r < 0 ? r : output_commit(output, err);
}

static int extract_statement(const struct request *request, struct verity_error *err)
{
	struct build_statement statement = {0};
	cleanup_free char *bytes = NULL;
	int r;

	if (request->paths[TREE] || request->paths[IMAGE])
		return verity_fail(err, VERITY_E_USAGE,
				   "extract: %s is a statement, which has no tree and no "
				   "image",
				   request->package);
	r = build_statement_load(request->package, &statement, err);
	if (r < 0)
		return r;
	bytes = statement.bytes;
	if (request->paths[MANIFEST])
		r = write_bytes(request->paths[MANIFEST], statement.parts.text,
				statement.parts.text_bytes, err);
	if (r == 0 && request->paths[SIGNATURE])
		r = write_bytes(request->paths[SIGNATURE], statement.parts.signature,
				statement.parts.signature_bytes, err);
	return r;
}

enum exit_status build_extract(int argc, char **argv)
{
	struct request request = {0};
	struct verity_error err;
	int r = parse(argc, argv, &request, &err);

	if (r == 0)
		r = build_statement_at(request.package)
			    ? extract_statement(&request, &err)
			    : extract(&request, &err);
	if (r < 0)
		return report_error(NULL, &err);
	return STATUS_DONE;
}
