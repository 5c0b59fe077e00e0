/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "installer/request/message.h"

/* As many messages as there are; each that is accepted is encoded to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[MESSAGE_HEAD + MESSAGE_CONTENT_MAX];
	static struct message message;
	enum message_type type;
	size_t content;

	while (size >= MESSAGE_HEAD && message_head(data, &type, &content) == 0 &&
	       size - MESSAGE_HEAD >= content) {
		require(content <= MESSAGE_BYTES_MAX);
		require(type == MESSAGE_BYTES || content <= MESSAGE_CONTENT_MAX);
		if (message_decode(type, data + MESSAGE_HEAD, content, &message) < 0)
			return 0;
		require(message.type == type);
		if (type == MESSAGE_BYTES)
			require(message.bytes == data + MESSAGE_HEAD &&
				message.size == content);
		/* A host key in base64 is sent as it is. */
		if (type != MESSAGE_WANTS_HOST_KEY) {
			size_t bytes = message_encode(&message, again);

			require(bytes ==
				MESSAGE_HEAD + (type == MESSAGE_BYTES ? 0 : content));
			require(memcmp(again, data, bytes) == 0);
		}
		data += MESSAGE_HEAD + content;
		size -= MESSAGE_HEAD + content;
	}
	return 0;
}
