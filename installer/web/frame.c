/* SPDX-License-Identifier: MIT */
/* Decoding and encoding frames. */
#include "installer/web/frame.h"

#include <errno.h>
#include <string.h>

#include "verity/util/text.h"

/* Least and most bytes of the content of each type. */
static const struct {
	size_t least, most;
} sizes[] = {
	[FRAME_FIELD] = {2 + 1, sizeof(struct field)},
	[FRAME_FILE] = {2, FRAME_FILE_MAX},
	[FRAME_BYTES] = {1, FRAME_BYTES_MAX},
	[FRAME_END] = {0, 0},
	[FRAME_FAILED] = {1 + 2, 1 + VERITY_MESSAGE_MAX},
};

/* What a reader fails with: never that a package was refused. */
static const enum verity_code codes[] = {
	VERITY_E_USAGE,     VERITY_E_LOST,        VERITY_E_TOO_MANY,
	VERITY_E_TIMED_OUT, VERITY_E_UNSUPPORTED,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int frame_head(const uint8_t head[static FRAME_HEAD], enum frame_type *ret_type,
	       size_t *ret_size)
{
	size_t size = (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;

	if (head[0] == 0 || head[0] >= COUNT(sizes) || size < sizes[head[0]].least ||
	    size > sizes[head[0]].most)
		return -EBADMSG;
	*ret_type = (enum frame_type)head[0];
	*ret_size = size;
	return 0;
}

/* Bytes of the text that @bytes begin with, without its end; -1: it has none. */
static long text_size(const uint8_t *bytes, size_t size)
{
	const uint8_t *end = memchr(bytes, 0, size);

	return end ? end - bytes : -1;
}

static bool take_field(const uint8_t *content, size_t size, struct field *ret)
{
	long name = text_size(content, size), value;

	if (name < 0)
		return false;
	value = text_size(content + name + 1, size - (size_t)name - 1);
	return value >= 0 && (size_t)name + 1 + (size_t)value + 1 == size &&
	       field_set_name(ret, (const char *)content, (size_t)name) &&
	       field_set_value(ret, (const char *)content + name + 1, (size_t)value);
}

static bool take_failure(const uint8_t *content, size_t size, struct verity_error *ret)
{
	if (text_size(content + 1, size - 1) != (long)size - 2 ||
	    !verity_text_printable((const char *)content + 1, size - 2))
		return false;
	for (size_t i = 0; i < COUNT(codes); i++)
		if (content[0] == codes[i]) {
			ret->code = codes[i];
			memcpy(ret->message, content + 1, size - 1);
			return true;
		}
	return false;
}

int frame_decode(enum frame_type type, const uint8_t *content, size_t size,
		 struct frame *ret)
{
	bool right = true;

	ret->type = type;
	switch (type) {
	case FRAME_FIELD:
		right = take_field(content, size, &ret->field);
		break;
	case FRAME_FILE:
		right = text_size(content, size) == (long)size - 1;
		if (right)
			memcpy(ret->file, content, size);
		break;
	case FRAME_BYTES:
		ret->bytes = content;
		ret->size = size;
		break;
	case FRAME_FAILED:
		right = take_failure(content, size, &ret->error);
		break;
	case FRAME_END:
		break;
	}
	return right ? 0 : -EBADMSG;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(at, text, size);
	return at + size;
}

size_t frame_encode(const struct frame *frame, uint8_t *ret)
{
	uint8_t *end = ret + FRAME_HEAD;
	size_t size;

	switch (frame->type) {
	case FRAME_FIELD:
		end = put_text(put_text(end, frame->field.name), frame->field.value);
		break;
	case FRAME_FILE:
		end = put_text(end, frame->file);
		break;
	case FRAME_FAILED:
		*end++ = (uint8_t)frame->error.code;
		end = put_text(end, frame->error.message);
		break;
	case FRAME_BYTES:
	case FRAME_END:
		break;
	}
	size = frame->type == FRAME_BYTES ? frame->size
					  : (size_t)(end - ret) - FRAME_HEAD;
	ret[0] = (uint8_t)frame->type;
	for (size_t i = 1; i < FRAME_HEAD; i++)
		ret[i] = (uint8_t)(size >> (8 * (i - 1)));
	return (size_t)(end - ret);
}
