/* SPDX-License-Identifier: MIT */
/* Choosing between a file and a server. */
#include "installer/fetch/source_open.h"

#include <string.h>

#include "installer/fetch/attempts.h"
#include "installer/fetch/source_file.h"
#include "installer/request/protocols.h"
#include "installer/transfer/protocol.h"

/* Bytes of the scheme; 0: no URL. "./a://b" is a path. */
static size_t scheme_size(const char *where)
{
	const char *end = strstr(where, "://");

	return end && !memchr(where, '/', (size_t)(end - where)) ? (size_t)(end - where)
								 : 0;
}

bool source_is_url(const char *where)
{
	return scheme_size(where) > 0;
}

bool source_has_host_keys(const struct source_request *request)
{
	const char *scheme = request->where ?: request->protocol ?: "";
	const struct protocol *protocol = protocol_find(
		scheme, request->where ? scheme_size(scheme) : strlen(scheme));

	return protocol && protocol->has_host_keys;
}

int source_open(const struct source_request *request, struct source **ret,
		struct verity_error *err)
{
	if (request->where && !source_is_url(request->where))
		return source_file_open(request->where, request->any_name, ret, err);
	return attempts_open(request, ret, err);
}
