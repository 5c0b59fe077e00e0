/* SPDX-License-Identifier: MIT */
/* Collects messages. */
#include "installer/web/messages.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/text.h"

void messages_add(struct messages *messages, enum message_kind kind, const char *text)
{
	char *copy = messages->count < MESSAGES_MAX ? strdup(text) : NULL;

	if (!copy)
		return;
	messages->items[messages->count].kind = kind;
	messages->items[messages->count++].text = verity_text_plain(copy);
}

static void take(void *context, enum report_kind kind, const char *message)
{
	messages_add(context,
		     kind == REPORT_ERROR ? MESSAGE_KIND_ERROR : MESSAGE_KIND_WARNING,
		     message);
}

struct report_listener messages_listener(struct messages *messages)
{
	return (struct report_listener){.take = take, .context = messages};
}

const char *messages_kind_name(enum message_kind kind)
{
	static const char *const names[] = {
		[MESSAGE_KIND_ERROR] = "error",
		[MESSAGE_KIND_WARNING] = "warning",
		[MESSAGE_KIND_DONE] = "done",
		[MESSAGE_KIND_NOTE] = "note",
	};

	return names[kind];
}

void messages_free(struct messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		free(messages->items[i].text);
	messages->count = 0;
}
