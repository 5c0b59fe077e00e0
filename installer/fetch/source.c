/* SPDX-License-Identifier: MIT */
#include "installer/fetch/source.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "installer/fetch/source_private.h"

/* "./a://b" is a path. */
static bool is_url(const char *where)
{
	const char *end = strstr(where, "://");

	return end && end > where && !memchr(where, '/', (size_t)(end - where));
}

bool source_is_ssh(const struct source_request *request)
{
	static const char *const schemes[] = {"scp", "sftp"};
	const char *where = request->where;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t size = strlen(schemes[i]);

		if (where ? strncasecmp(where, schemes[i], size) == 0 &&
				    strncmp(where + size, "://", 3) == 0
			  : request->protocol &&
				    strcasecmp(request->protocol, schemes[i]) == 0)
			return true;
	}
	return false;
}

int source_open(const struct source_request *request, struct source **ret,
		struct verity_error *err)
{
	if (request->where && !is_url(request->where))
		return source_file_open(request->where, ret, err);
	return source_attempts_open(request, ret, err);
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
