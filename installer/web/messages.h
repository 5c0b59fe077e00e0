/* SPDX-License-Identifier: MIT */
#pragma once

/* What is to be told at the top of a page: errors, warnings, and what was done. */

#include <stddef.h>

#include "installer/common/report.h"

#define MESSAGES_MAX 32 /* more are left out */

enum message_kind {
	MESSAGE_KIND_ERROR,
	MESSAGE_KIND_WARNING,
	MESSAGE_KIND_DONE,
	MESSAGE_KIND_NOTE,
};

/* { 0 } is empty. */
struct messages {
	struct {
		enum message_kind kind;
		char *text; /* owned */
	} items[MESSAGES_MAX];
	size_t count;
};

void messages_add(struct messages *messages, enum message_kind kind, const char *text);

/**
 * messages_listener - that adds what is reported
 */
struct report_listener messages_listener(struct messages *messages);

/**
 * messages_kind_name - "error", "warning", "done", "note"
 */
const char *messages_kind_name(enum message_kind kind);

void messages_free(struct messages *messages);
