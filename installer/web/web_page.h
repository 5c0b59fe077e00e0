/* SPDX-License-Identifier: MIT */
#pragma once

/* A page while it is made, and the answer to the browser. */

#include <stdio.h>

#include "installer/device/device.h"
#include "installer/web/messages.h"
#include "installer/web/request.h"
#include "installer/web/result.h"

struct web_page {
	struct device *device;   /* NULL: it could not be opened */
	struct request *request; /* borrowed */
	struct messages *messages;
	int run_fd;           /* RUN/web; -1: it could not be opened */
	struct result result; /* of the form, once it has begun */
	bool has_error;       /* among the messages */
	const char *title;
	const char *current; /* page in the navigation; "" for none */
	int status;
	bool is_open; /* more is written after it is sent */
	bool sent;    /* the answer is on its way, and cannot be another one */
	FILE *body;   /* what comes below the messages */
	char *text;   /* owned: what was written to @body */
	size_t text_bytes;
};

/**
 * web_page_begin - an empty page
 * @page: web_page_done()
 *
 * Return: 0; -ENOMEM.
 */
int web_page_begin(struct web_page *page, struct verity_error *err) must_check;

void web_page_done(struct web_page *page);

/**
 * web_page_clear - forget what was written to the body
 */
void web_page_clear(struct web_page *page);

/**
 * web_page_add_error - add "WHAT: WHY (what to do)" to the messages, in the words of the
 * commands; once for an error that callers hand up
 * @what: NULL if the message names it
 */
void web_page_add_error(struct web_page *page, const char *what,
			const struct verity_error *err);

/**
 * web_page_send - send the whole page: head, navigation, messages, body
 *
 * Return: 0; -errno.
 */
int web_page_send(struct web_page *page, struct verity_error *err) must_check;

/**
 * web_page_form - begin a form that does @action: its hidden fields
 * @with_file: it is going to have a file
 *
 * The form is closed by whoever opened it.
 */
int web_page_form(struct web_page *page, const char *action, bool with_file,
		  struct verity_error *err) must_check;

/**
 * web_page_status - the status of HTTP that stands for an error
 */
int web_page_status(const struct verity_error *err);

/**
 * web_page_headers - the head of an answer; the headers that protect pages are on all
 * @type:   of the content; NULL: there is none
 * @extra:  more header lines, each with its end, or ""
 */
void web_page_headers(int status, const char *type, const char *extra);

/**
 * web_page_redirect - see another page
 * @query: "?page=..."; of the program
 */
void web_page_redirect(const char *query);
