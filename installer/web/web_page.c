/* SPDX-License-Identifier: MIT */
/* The frame of every page, and the headers of every answer. */
#include "installer/web/web_page.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "assets.h"
#include "installer/device/allow_untrusted.h"
#include "installer/web/form_token.h"
#include "installer/web/html.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

static const struct {
	const char *page, *text;
} navigation[] = {
	{"packages", "Packages"}, {"install", "Install"},     {"pending", "Pending"},
	{"boot", "Last boot"},    {"conflicts", "Conflicts"}, {"audit", "Audit log"},
	{"device", "Device"},
};

static const struct {
	int status;
	const char *text;
} statuses[] = {
	{200, "OK"},
	{303, "See Other"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{422, "Unprocessable Content"},
	{500, "Internal Server Error"},
	{502, "Bad Gateway"},
	{507, "Insufficient Storage"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int web_page_status(const struct verity_error *err)
{
	static const struct {
		enum verity_code code;
		int status;
	} codes[] = {
		{VERITY_E_USAGE, 400},      {VERITY_E_BAD_NAME, 400},
		{VERITY_E_PERMISSION, 403}, {VERITY_E_NOT_FOUND, 404},
		{VERITY_E_TIMED_OUT, 408},  {VERITY_E_LOST, 400},
		{VERITY_E_BUSY, 409},       {VERITY_E_TOO_MANY, 413},
		{VERITY_E_OTHER_NAME, 409}, {VERITY_E_MISPLACED, 409},
		{VERITY_E_DUPLICATE, 409},  {VERITY_E_UNSUPPORTED, 415},
	};

	for (size_t i = 0; i < COUNT(codes); i++)
		if (codes[i].code == err->code)
			return codes[i].status;
	switch (verity_code_exit_status(err->code)) {
	case STATUS_REFUSED:
		return 422;
	case STATUS_ABSENT:
		return 404;
	case STATUS_TRANSFER:
		return 502;
	case STATUS_NO_ROOM:
		return 507;
	default:
		return 500;
	}
}

void web_page_headers(int status, const char *type, const char *extra)
{
	const char *text = "";

	for (size_t i = 0; i < COUNT(statuses); i++)
		if (statuses[i].status == status)
			text = statuses[i].text;
	printf("Status: %d %s\r\n", status, text);
	if (type)
		printf("Content-Type: %s\r\n", type);
	fputs("Content-Security-Policy: default-src 'none'; style-src 'self'; "
	      "script-src 'self'; img-src 'self'; connect-src 'self'; "
	      "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
	      "X-Frame-Options: DENY\r\n"
	      "X-Content-Type-Options: nosniff\r\n"
	      "Referrer-Policy: same-origin\r\n"
	      "Cross-Origin-Opener-Policy: same-origin\r\n"
	      "Cross-Origin-Resource-Policy: same-origin\r\n",
	      stdout);
	if (!strstr(extra, "Cache-Control:"))
		fputs("Cache-Control: no-store\r\n", stdout);
	printf("%s\r\n", extra);
}

void web_page_redirect(const char *query)
{
	const char *program = getenv("SCRIPT_NAME");
	char extra[512];

	/* Relative addresses are allowed, but some servers take them for files. */
	if (!program || program[0] != '/' || strlen(program) > 256 ||
	    !verity_text_printable(program, strlen(program)))
		program = "";
	snprintf(extra, sizeof(extra), "Location: %s%s\r\n", program, query);
	web_page_headers(303, NULL, extra);
}

int web_page_begin(struct web_page *page, struct verity_error *err)
{
	page->status = 200;
	page->title = "";
	page->current = "";
	page->text = NULL;
	page->body = open_memstream(&page->text, &page->text_bytes);
	return page->body ? 0 : verity_no_memory(err);
}

static void put_navigation(const struct web_page *page, FILE *out)
{
	fputs("<nav aria-label=\"Pages\"><ul>\n", out);
	for (size_t i = 0; i < COUNT(navigation); i++)
		html_print(out, "<li><a href=\"?page=%s\"%s>%s</a></li>\n",
			   navigation[i].page,
			   strcmp(page->current, navigation[i].page) == 0
				   ? " aria-current=page"
				   : "",
			   navigation[i].text);
	fputs("</ul></nav>\n", out);
}

static void put_messages(const struct messages *messages, FILE *out)
{
	static const char *const words[] = {
		[MESSAGE_KIND_ERROR] = "Error",
		[MESSAGE_KIND_WARNING] = "Warning",
		[MESSAGE_KIND_DONE] = "Done",
		[MESSAGE_KIND_NOTE] = "Note",
	};

	for (size_t i = 0; i < messages->count; i++) {
		enum message_kind kind = messages->items[i].kind;

		html_print(out,
			   "<p class=\"message %s\" role=%s><strong>%s</strong> %s</p>\n",
			   messages_kind_name(kind),
			   kind == MESSAGE_KIND_ERROR ? "alert" : "status", words[kind],
			   messages->items[i].text);
	}
}

static void put_head(const struct web_page *page, FILE *out)
{
	char host[65] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		strcpy(host, "device");
	verity_text_plain(host);
	html_print(
		out,
		"<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
		"<meta name=viewport content=\"width=device-width, "
		"initial-scale=1\">\n"
		"<meta name=color-scheme content=\"light dark\">\n"
		"<title>%s - %s</title>\n"
		"<link rel=icon type=\"image/svg+xml\" href=\"?asset=icon&amp;v=%s\">\n"
		"<link rel=stylesheet href=\"?asset=style&amp;v=%s\">\n"
		"<script src=\"?asset=script&amp;v=%s\" defer></script>\n"
		"</head>\n<body>\n<a class=skip href=\"#main\">Skip to the content</a>\n"
		"<header>\n<div class=bar><a class=name href=\"?page=packages\">%s</a>"
		"<span class=who>%s%s</span></div>\n",
		page->title, host, ASSETS_VERSION, ASSETS_VERSION, ASSETS_VERSION, host,
		page->request->user[0] ? "Logged in as " : "No login",
		page->request->user);
	put_navigation(page, out);
	html_print(out, "</header>\n<main id=main tabindex=-1>\n<h1>%s</h1>\n",
		   page->title);
	fputs("<div id=messages>\n", out);
	put_messages(page->messages, out);
	fputs("</div>\n", out);
}

void web_page_done(struct web_page *page)
{
	cleanup_file_p(&page->body);
	page->body = NULL;
	free(page->text);
	page->text = NULL;
}

int web_page_send(struct web_page *page, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_file FILE *out = NULL;
	char length[64];
	size_t size = 0;

	if (ferror(page->body) || fflush(page->body) != 0 ||
	    !(out = open_memstream(&text, &size)))
		return verity_no_memory(err);
	put_head(page, out);
	fwrite(page->text, 1, page->text_bytes, out);
	if (!page->is_open)
		fputs("</main>\n</body>\n</html>\n", out);
	if (ferror(out) || fflush(out) != 0)
		return verity_no_memory(err);
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", size);
	web_page_headers(page->status, "text/html; charset=utf-8",
			 page->is_open ? "" : length);
	if (page->request->method != REQUEST_HEAD)
		fwrite(text, 1, size, stdout);
	fflush(stdout);
	page->sent = true;
	return 0;
}

int web_page_form(struct web_page *page, const char *action, bool with_file,
		  struct verity_error *err)
{
	char token[TOKEN_TEXT_MAX], id[RESULT_ID_BYTES];
	uint8_t secret[TOKEN_SECRET_BYTES];
	struct timespec now = {0};
	int r = token_secret(page->run_fd, secret, err);

	clock_gettime(CLOCK_BOOTTIME, &now);
	if (r == 0)
		r = token_make(secret, page->request->user, (uint64_t)now.tv_sec, token,
			       err);
	explicit_bzero(secret, sizeof(secret));
	if (r == 0)
		r = result_new_id(id, err);
	if (r < 0)
		return r;
	html_print(page->body,
		   "<form method=post action=\"?\"%s data-action=%s>\n"
		   "<input type=hidden name=token value=\"%s\">\n"
		   "<input type=hidden name=action value=%s>\n"
		   "<input type=hidden name=id value=%s>\n",
		   with_file ? " enctype=multipart/form-data" : "", action, token, action,
		   id);
	return 0;
}

void web_page_clear(struct web_page *page)
{
	fflush(page->body);
	rewind(page->body);
}

void web_page_add_error(struct web_page *page, const char *what,
			const struct verity_error *err)
{
	if (page->has_error)
		return;
	page->has_error = true;
	(void)!report_hinted(
		what, err,
		(page->device ? allow_untrusted_hint(page->device, err->code) : NULL)
			?: verity_code_hint(err->code));
}
