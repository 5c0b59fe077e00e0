/* SPDX-License-Identifier: MIT */
/* Decoding and encoding messages. */
#include "installer/request/message.h"

#include <errno.h>
#include <string.h>

#define INT64_BYTES 8

/* Least and most bytes of the content of each type. */
static const struct {
	size_t least, most;
} sizes[] = {
	[MESSAGE_BYTES] = {1, MESSAGE_BYTES_MAX},
	[MESSAGE_LENGTH] = {INT64_BYTES, INT64_BYTES},
	[MESSAGE_ORIGIN] = {2, MESSAGE_URL_MAX},
	[MESSAGE_VERSION] = {1 + 1, 1 + MESSAGE_VERSION_MAX},
	[MESSAGE_CONNECTING] = {1 + 3, 1 + ADDRESS_HOST_MAX + 1 + MESSAGE_NUMBER_MAX +
					       ADDRESS_PORT_MAX + 1},
	[MESSAGE_RETRYING] = {INT64_BYTES, INT64_BYTES},
	[MESSAGE_WANTS_PASSWORD] = {1 + 1, 1 + VERITY_MESSAGE_MAX},
	[MESSAGE_WANTS_HOST_KEY] = {1, KNOWN_HOSTS_KEY_MAX},
	[MESSAGE_WANTS_PART] = {0, 0},
	[MESSAGE_DONE] = {0, 0},
	[MESSAGE_FAILED] = {INT64_BYTES + 1, INT64_BYTES + VERITY_MESSAGE_MAX},
	[MESSAGE_LOGIN] = {2, 2 * MESSAGE_SECRET_MAX},
	[MESSAGE_ACCEPTED] = {0, 0},
	[MESSAGE_PART] = {2 * INT64_BYTES, 2 * INT64_BYTES},
};

#define TYPE_COUNT (sizeof(sizes) / sizeof(sizes[0]))

int message_head(const uint8_t head[static MESSAGE_HEAD], enum message_type *ret_type,
		 size_t *ret_size)
{
	size_t size = (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;

	if (head[0] == 0 || head[0] >= TYPE_COUNT || size < sizes[head[0]].least ||
	    size > sizes[head[0]].most)
		return -EBADMSG;
	*ret_type = (enum message_type)head[0];
	*ret_size = size;
	return 0;
}

/* What is left of a content. */
struct rest {
	const uint8_t *bytes;
	size_t size;
};

static bool take_number(struct rest *rest, int64_t *ret)
{
	uint64_t number = 0;

	if (rest->size < INT64_BYTES)
		return false;
	for (size_t i = INT64_BYTES; i > 0; i--)
		number = number << 8 | rest->bytes[i - 1];
	rest->bytes += INT64_BYTES;
	rest->size -= INT64_BYTES;
	*ret = (int64_t)number;
	return true;
}

static bool take_flag(struct rest *rest, bool *ret)
{
	if (rest->size < 1 || rest->bytes[0] > 1)
		return false;
	*ret = rest->bytes[0];
	rest->bytes++;
	rest->size--;
	return true;
}

static bool take_text(struct rest *rest, char *ret, size_t room)
{
	const uint8_t *end = rest->size ? memchr(rest->bytes, 0, rest->size) : NULL;
	size_t size = end ? (size_t)(end - rest->bytes) + 1 : 0;

	if (size == 0 || size > room)
		return false;
	memcpy(ret, rest->bytes, size);
	rest->bytes += size;
	rest->size -= size;
	return true;
}

static bool take_content(struct rest *rest, struct message *ret)
{
	switch (ret->type) {
	case MESSAGE_BYTES:
		ret->bytes = rest->bytes;
		ret->size = rest->size;
		rest->size = 0;
		return true;
	case MESSAGE_LENGTH:
	case MESSAGE_RETRYING:
		return take_number(rest, &ret->number) && ret->number >= 0;
	case MESSAGE_ORIGIN:
		return take_text(rest, ret->text, sizeof(ret->text));
	case MESSAGE_VERSION:
		return take_flag(rest, &ret->flag) &&
		       take_text(rest, ret->text, MESSAGE_VERSION_MAX);
	case MESSAGE_CONNECTING:
		return take_flag(rest, &ret->flag) &&
		       take_text(rest, ret->address.host, sizeof(ret->address.host)) &&
		       take_text(rest, ret->address.number,
				 sizeof(ret->address.number)) &&
		       take_text(rest, ret->address.port, sizeof(ret->address.port));
	case MESSAGE_WANTS_PASSWORD:
		return take_flag(rest, &ret->flag) &&
		       take_text(rest, ret->text, VERITY_MESSAGE_MAX);
	case MESSAGE_WANTS_HOST_KEY: {
		size_t size = rest->size;

		rest->size = 0;
		return known_hosts_key_take((const char *)rest->bytes, size, &ret->key);
	}
	case MESSAGE_FAILED:
		return take_number(rest, &ret->number) &&
		       take_text(rest, ret->text, VERITY_MESSAGE_MAX);
	case MESSAGE_LOGIN:
		return take_text(rest, ret->login.user, sizeof(ret->login.user)) &&
		       take_text(rest, ret->login.password, sizeof(ret->login.password));
	case MESSAGE_PART:
		return take_number(rest, &ret->part.first) &&
		       take_number(rest, &ret->part.end) && ret->part.first >= 0 &&
		       ret->part.end >= ret->part.first;
	case MESSAGE_WANTS_PART:
	case MESSAGE_DONE:
	case MESSAGE_ACCEPTED:
		return true;
	}
	return false;
}

int message_decode(enum message_type type, const uint8_t *content, size_t size,
		   struct message *ret)
{
	struct rest rest = {content, size};

	ret->type = type;
	return take_content(&rest, ret) && rest.size == 0 ? 0 : -EBADMSG;
}

static uint8_t *put_number(uint8_t *at, int64_t number)
{
	for (size_t i = 0; i < INT64_BYTES; i++)
		*at++ = (uint8_t)((uint64_t)number >> (8 * i));
	return at;
}

/* Cut to what the other side takes. */
static uint8_t *put_text(uint8_t *at, const char *text, size_t room)
{
	size_t size = strnlen(text, room - 1);

	memcpy(at, text, size);
	at[size] = 0;
	return at + size + 1;
}

static uint8_t *put_content(const struct message *message, uint8_t *at)
{
	switch (message->type) {
	case MESSAGE_LENGTH:
	case MESSAGE_RETRYING:
		return put_number(at, message->number);
	case MESSAGE_ORIGIN:
		return put_text(at, message->text, MESSAGE_URL_MAX);
	case MESSAGE_VERSION:
		*at++ = message->flag;
		return put_text(at, message->text, MESSAGE_VERSION_MAX);
	case MESSAGE_CONNECTING:
		*at++ = message->flag;
		at = put_text(at, message->address.host, sizeof(message->address.host));
		at = put_text(at, message->address.number,
			      sizeof(message->address.number));
		return put_text(at, message->address.port, sizeof(message->address.port));
	case MESSAGE_WANTS_PASSWORD:
		*at++ = message->flag;
		return put_text(at, message->text, VERITY_MESSAGE_MAX);
	case MESSAGE_WANTS_HOST_KEY:
		memcpy(at, message->key.bytes, message->key.size);
		return at + message->key.size;
	case MESSAGE_FAILED:
		return put_text(put_number(at, message->number), message->text,
				VERITY_MESSAGE_MAX);
	case MESSAGE_LOGIN:
		at = put_text(at, message->login.user, sizeof(message->login.user));
		return put_text(at, message->login.password,
				sizeof(message->login.password));
	case MESSAGE_PART:
		return put_number(put_number(at, message->part.first), message->part.end);
	case MESSAGE_BYTES:
	case MESSAGE_WANTS_PART:
	case MESSAGE_DONE:
	case MESSAGE_ACCEPTED:
		break;
	}
	return at;
}

size_t message_encode(const struct message *message, uint8_t *ret)
{
	uint8_t *end = put_content(message, ret + MESSAGE_HEAD);
	size_t size = (size_t)(end - ret) - MESSAGE_HEAD;

	if (message->type == MESSAGE_BYTES)
		size = message->size;
	ret[0] = (uint8_t)message->type;
	for (size_t i = 1; i < MESSAGE_HEAD; i++)
		ret[i] = (uint8_t)(size >> (8 * (i - 1)));
	return (size_t)(end - ret);
}
