/* SPDX-License-Identifier: MIT */
#include "installer/source.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "installer/source_private.h"

static const struct {
	const char *scheme;
	int (*open)(const struct source_request *request, struct source **ret,
		    struct verity_error *err);
} protocols[] = {
	{"http", source_curl_open},
	{"https", source_curl_open},
};

int source_open(const struct source_request *request, struct source **ret,
		struct verity_error *err)
{
	const char *where = request->where;
	const char *scheme_end = strstr(where, "://");
	size_t size = scheme_end ? (size_t)(scheme_end - where) : 0;

	if (!scheme_end || memchr(where, '/', size))
		return source_file_open(where, ret, err);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strlen(protocols[i].scheme) == size &&
		    strncasecmp(protocols[i].scheme, where, size) == 0)
			return protocols[i].open(request, ret, err);
	return verity_fail(err, VERITY_E_USAGE,
			   "'%.*s' is not a known protocol (http and https are)",
			   size < 32 ? (int)size : 32, where);
}

void source_free(struct source *source)
{
	if (!source)
		return;
	free(source->where);
	source->kind->free(source);
}

const char *source_where(const struct source *source)
{
	return source->where;
}

const char *source_name(const struct source *source)
{
	return source->name;
}

int64_t source_bytes(const struct source *source)
{
	return source->kind->bytes(source);
}

int source_pull(struct source *source, const struct source_sink *sink,
		struct verity_error *err)
{
	return source->kind->pull(source, sink, err);
}
