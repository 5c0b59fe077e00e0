/* SPDX-License-Identifier: MIT */
/* wmopkg-build extract: the parts of a package or statement, as files for other tools. */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>

#include "installer/build/commands.h"
#include "installer/build/output.h"
#include "installer/build/statement.h"
#include "verity/package/package.h"
#include "verity/sign/stamp.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* Paths of the parts, borrowed; NULL for a part that is not asked for. */
struct request {
	const char *manifest, *signature, *tree, *image;
	const char *query; /* of a timestamp for its signature */
};

static const struct build_option options[] = {
	{"manifest", "F", NULL, BUILD_STRING, BUILD_MEMBER(struct request, manifest)},
	{"signature", "F", NULL, BUILD_STRING, BUILD_MEMBER(struct request, signature)},
	{"tree", "F", NULL, BUILD_STRING, BUILD_MEMBER(struct request, tree)},
	{"image", "F", NULL, BUILD_STRING, BUILD_MEMBER(struct request, image)},
	{"timestamp-query", "F", NULL, BUILD_STRING, BUILD_MEMBER(struct request, query)},
	{.name = NULL},
};

#define PARTS_MAX 5

/* The files that are made, all of them or none; each NULL or owned. */
struct outputs {
	struct output *items[PARTS_MAX];
	size_t count;
};

static void outputs_free(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		output_free(outputs->items[i]);
}

static int commit_all(struct outputs *outputs, struct verity_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < outputs->count; i++)
		r = output_commit(outputs->items[i], err);
	for (size_t i = 0; r < 0 && i < outputs->count; i++)
		output_revoke(outputs->items[i]);
	return r;
}

/* @path: NULL: it is not asked for */
static int add(struct outputs *outputs, const char *path, const void *bytes, size_t size,
	       struct verity_error *err)
{
	int r = path ? output_make(path, 0644, bytes, size,
				   &outputs->items[outputs->count], err)
		     : 0;

	if (r == 0 && path)
		outputs->count++;
	return r;
}

static int add_query(struct outputs *outputs, const char *path, const char *file,
		     const void *signature, size_t bytes, struct verity_error *err)
{
	cleanup_free uint8_t *query = NULL;
	size_t query_bytes;
	int r;

	if (bytes == 0)
		return verity_fail(err, VERITY_E_NO_SIGNATURE,
				   "%s has no signature that a timestamp could be for "
				   "(sign it first)",
				   file);
	r = verity_timestamp_query(signature, bytes, &query, &query_bytes, err);
	if (r < 0)
		return verity_context(err, r, "%s", file);
	return add(outputs, path, query, query_bytes, err);
}

/* A signature is small, so that it is read as a whole. */
static int extract_query(struct outputs *outputs, const char *path,
			 const struct request *request, struct verity_package *package,
			 struct verity_error *err)
{
	const struct verity_layout *layout = verity_package_layout(package);
	size_t bytes = (size_t)(layout->padding_start - layout->signature_start);
	cleanup_free uint8_t *signature = malloc(bytes + 1);
	int r;

	if (!signature)
		return verity_no_memory(err);
	r = verity_io_read(verity_package_fd(package), signature, bytes,
			   layout->signature_start, err);
	return r < 0 ? r
		     : add_query(outputs, request->query, path, signature, bytes, err);
}

/*
 * Any package with a layout: a damaged image can be looked at, but a damaged preamble
 * does not say where the parts are.
 */
static int extract_package(const char *path, const struct request *request,
			   struct outputs *ret, struct verity_error *err)
{
	const struct verity_policy policy = {0};
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_layout *layout;
	int r = verity_package_open(AT_FDCWD, path, &policy, &package, err);

	if (r < 0)
		return verity_context(err, r, "%s", path);
	layout = verity_package_layout(package);
	if (!layout) {
		*err = verity_package_judgement(package)->reason;
		return verity_context(err, -1, "%s", path);
	}
	const struct {
		const char *path;
		uint64_t start, end;
	} parts[] = {
		{request->manifest, layout->manifest_start, layout->signature_start},
		{request->signature, layout->signature_start, layout->padding_start},
		{request->tree, layout->tree_start, layout->image_start},
		{request->image, layout->image_start, layout->file_bytes},
	};

	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct output **output = &ret->items[ret->count];

		if (!parts[i].path)
			continue;
		r = output_new(parts[i].path, 0644, output, err);
		if (r < 0)
			break;
		ret->count++;
		r = verity_io_copy(verity_package_fd(package), parts[i].start,
				   output_fd(*output), 0, parts[i].end - parts[i].start,
				   err);
	}
	if (r == 0 && request->query)
		r = extract_query(ret, path, request, package, err);
	return r;
}

static int extract_statement(const char *path, const struct request *request,
			     struct outputs *ret, struct verity_error *err)
{
	struct verity_statement_parts parts;
	cleanup_free char *bytes = NULL;
	int r;

	if (request->tree || request->image)
		return verity_fail(err, VERITY_E_USAGE,
				   "extract: %s is a statement: it has no tree and no "
				   "image",
				   path);
	r = build_statement_load(path, &bytes, &parts, err);
	if (r == 0)
		r = add(ret, request->manifest, parts.text, parts.text_bytes, err);
	if (r == 0)
		r = add(ret, request->signature, parts.signature, parts.signature_bytes,
			err);
	if (r == 0 && request->query)
		r = add_query(ret, request->query, path, parts.signature,
			      parts.signature_bytes, err);
	return r;
}

enum exit_status build_extract(int argc, char **argv)
{
	static const char expected[] =
		"an option for each part, and a FILE.wmopkg or statement";
	cleanup_with(outputs_free) struct outputs outputs = {.count = 0};
	struct request request = {.manifest = NULL};
	const struct build_options tables[] = {{options, &request}, {NULL, NULL}};
	struct verity_error err;
	int r = build_options_read(argc, argv, tables, 1, expected, &err);

	if (r == 0 && !request.manifest && !request.signature && !request.tree &&
	    !request.image && !request.query)
		r = verity_fail(&err, VERITY_E_USAGE, "extract: expected: %s", expected);
	if (r == 0)
		r = (build_statement_at(argv[optind])
			     ? extract_statement
			     : extract_package)(argv[optind], &request, &outputs, &err);
	if (r == 0)
		r = commit_all(&outputs, &err);
	return r < 0 ? report_error(NULL, &err) : STATUS_DONE;
}
