/* SPDX-License-Identifier: MIT */
/* Taking a statement from a source into memory. */
#include "installer/receive/statement_receive.h"

#include <string.h>

#include "installer/common/signals.h"
#include "verity/statement/statement.h"
#include "verity/util/cleanup.h"

struct received {
	char bytes[VERITY_STATEMENT_FILE_MAX];
	size_t size;
	size_t whole; /* of the file, once its head is there; 0: not yet */
};

static int take(void *context, const void *bytes, size_t count, struct verity_error *err)
{
	struct received *received = context;
	const char *at = bytes;

	while (count > 0) {
		size_t end = received->whole ?: VERITY_HEAD_BYTES;
		size_t size = end - received->size;

		if (size == 0)
			return verity_fail(err, VERITY_E_BAD_STATEMENT,
					   "longer than the %zu bytes that its head says",
					   end);
		size = count < size ? count : size;
		memcpy(received->bytes + received->size, at, size);
		received->size += size;
		at += size;
		count -= size;
		if (received->size == VERITY_HEAD_BYTES) {
			int r = verity_statement_file_bytes(
				received->bytes, received->size, &received->whole, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static bool is_whole(void *context)
{
	const struct received *received = context;

	return received->whole && received->size == received->whole;
}

int statement_receive(struct source *source, FILE *out, char **ret, size_t *ret_size,
		      struct verity_error *err)
{
	cleanup_free struct received *received = calloc(1, sizeof(*received));
	const struct source_sink sink = {
		.take = take, .is_whole = is_whole, .out = out, .context = received};
	struct verity_statement_parts unused;
	char *bytes;
	int r;

	if (!received)
		return verity_no_memory(err);
	signals_watch();
	r = source_pull(source, &sink, err);
	if (r == 0 && source->unchanged) {
		*ret = NULL;
		*ret_size = 0;
		return 0;
	}
	if (r == 0)
		r = verity_statement_split(received->bytes, received->size, &unused, err);
	if (r < 0)
		return r;
	bytes = malloc(received->size);
	if (!bytes)
		return verity_no_memory(err);
	memcpy(bytes, received->bytes, received->size);
	*ret = bytes;
	*ret_size = received->size;
	return 0;
}
