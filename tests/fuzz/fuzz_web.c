/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

#include "installer/web/frame.h"
#include "installer/web/multipart.h"
#include "installer/web/urlencoded.h"
#include "verity/util/text.h"

/* What a body was decoded to, as one number. */
struct sum {
	uint64_t value;
	size_t bytes, parts, ends;
};

static void add(struct sum *sum, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sum->value = sum->value * 31 + (uint8_t)bytes[i];
	sum->bytes += count;
}

static int begin(void *context, const struct multipart_part *part,
		 struct verity_error *err)
{
	struct sum *sum = context;

	(void)err;
	require(sum->parts == sum->ends && sum->parts++ < MULTIPART_PARTS_MAX);
	require(part->name[0] && strlen(part->name) <= FIELD_NAME_MAX);
	add(sum, part->name, strlen(part->name) + 1);
	add(sum, part->file, strlen(part->file) + 1);
	return 0;
}

static int take(void *context, const char *bytes, size_t count, struct verity_error *err)
{
	struct sum *sum = context;

	(void)err;
	require(bytes ? count > 0 : count == 0);
	if (bytes)
		add(sum, bytes, count);
	else
		sum->ends++;
	return 0;
}

static int decode(const char *type, const char *body, size_t size, size_t step,
		  struct sum *ret)
{
	const struct multipart_hooks hooks = {begin, take, ret};
	static struct multipart multipart;
	int r = multipart_begin(&multipart, type, &hooks, NULL);

	*ret = (struct sum){.value = 0};
	for (size_t at = 0; r == 0 && at < size; at += step)
		r = multipart_feed(&multipart, body + at,
				   size - at < step ? size - at : step, NULL);
	return r < 0 ? r : multipart_end(&multipart, NULL);
}

/* The same, whatever the pieces are that a body comes in. */
static void check_multipart(const char *type, const char *body, size_t size)
{
	struct sum whole, pieces;
	int r = decode(type, body, size, size + 1, &whole);

	require(whole.bytes <= size + 2 * MULTIPART_PARTS_MAX);
	require(decode(type, body, size, 1, &pieces) == r);
	require(pieces.value == whole.value && pieces.parts == whole.parts);
	require(decode(type, body, size, 13, &pieces) == r);
	require(pieces.value == whole.value && pieces.parts == whole.parts);
	require(r < 0 || whole.parts == whole.ends);
}

static void check_urlencoded(const char *text)
{
	const char *end = text + strlen(text), *before = text;
	struct field field;

	while (urlencoded_next(&text, &field, NULL) == 1) {
		require(text > before && text <= end);
		require(field.name[0] &&
			verity_text_printable(field.value, strlen(field.value)));
		before = text;
	}
}

/* Each frame that is accepted is encoded to the same bytes. */
static void check_frames(const uint8_t *data, size_t size)
{
	static uint8_t again[FRAME_HEAD + FRAME_CONTENT_MAX];
	static struct frame frame;
	enum frame_type type;
	size_t content;

	while (size >= FRAME_HEAD && frame_head(data, &type, &content) == 0 &&
	       size - FRAME_HEAD >= content) {
		if (frame_decode(type, data + FRAME_HEAD, content, &frame) < 0)
			return;
		require(frame_encode(&frame, again) ==
			FRAME_HEAD + (type == FRAME_BYTES ? 0 : content));
		require(memcmp(again, data,
			       type == FRAME_BYTES ? FRAME_HEAD : FRAME_HEAD + content) ==
			0);
		data += FRAME_HEAD + content;
		size -= FRAME_HEAD + content;
	}
}

/* A query; after the end of the first line, a body; all of it as frames. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	char *first = malloc(size + 1);

	require(first);
	check_frames(data, size);
	if (size)
		memcpy(first, data, size);
	first[line ? (size_t)(line - data) : size] = '\0';
	check_urlencoded(first);
	if (line)
		check_multipart(first, (const char *)line + 1,
				size - (size_t)(line + 1 - data));
	free(first);
	return 0;
}
