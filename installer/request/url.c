/* SPDX-License-Identifier: MIT */
/*
 * URLs split and built, without passwords (RFC 3986, appendix B).
 *
 * libcurl could do that, but it comes with forty libraries, and this is done by the
 * process that may be root. So that libcurl cannot see another server in a URL than this
 * one, it gets none that was typed: @whole is made of parts that were checked.
 */
#include "installer/request/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "installer/common/redact.h"
#include "verity/util/hex.h"
#include "verity/util/text.h"

#define BEGIN "://"

/* What stays as it is in a path that is not encoded yet */
#define PATH_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"

struct part {
	const char *at;
	size_t size;
};

/* Of a URL, and within it; @query begins with its '?'. */
struct parts {
	struct part login, address, path, query;
};

void url_done(struct url *url)
{
	free(url->whole);
	free(url->shown);
	free(url->path);
	*url = (struct url){0};
}

void login_done(struct login *login)
{
	redact_wipe(login->password);
	free(login->user);
	*login = (struct login){0};
}

static int no_memory(struct verity_error *err)
{
	return verity_no_memory(err);
}

static bool is_control(unsigned char byte)
{
	return byte < ' ' || byte == 0x7f;
}

/* The URL itself is not part of the message: it may contain a password. */
static int fail_control(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_USAGE,
			   "invalid URL: it contains a control character");
}

/* "user:secret" of "user:sec/ret@host" would be an address, and its port a secret. */
static bool is_cut_login(struct part address)
{
	const char *end = address.at + address.size;
	const char *colon = memchr(address.at, ':', address.size);

	return colon && address.at[0] != '[' && strchr(end, '@') &&
	       strspn(colon + 1, "0123456789") < (size_t)(end - colon) - 1;
}

static int split(const char *text, struct parts *ret, struct verity_error *err)
{
	const char *at = strstr(text, BEGIN);
	const char *login;

	for (const char *byte = text; *byte; byte++)
		if (is_control((unsigned char)*byte))
			return fail_control(err);
	if (!at || at != text + strcspn(text, ":"))
		return verity_fail(err, VERITY_E_USAGE,
				   "invalid URL: expected PROTOCOL://ADDRESS/PATH");
	at += strlen(BEGIN);
	*ret = (struct parts){.address = {at, strcspn(at, "/?#")}};
	login = memrchr(at, '@', ret->address.size);
	if (login) {
		ret->login = (struct part){at, (size_t)(login - at)};
		ret->address.at = login + 1;
		ret->address.size -= ret->login.size + 1;
	} else if (is_cut_login(ret->address)) {
		return verity_fail(err, VERITY_E_USAGE,
				   "invalid URL: in a password, '/' is written %%2F, '?' "
				   "%%3F and '#' %%23");
	}
	at = ret->address.at + ret->address.size;
	ret->path = (struct part){at, strcspn(at, "?#")};
	at += ret->path.size;
	ret->query = (struct part){at, strcspn(at, "#")};
	return 0;
}

/* A '%' that no number follows is one. */
static int decode(struct part part, char **ret, struct verity_error *err)
{
	char *text = malloc(part.size + 1);
	size_t used = 0;

	if (!text)
		return no_memory(err);
	for (size_t i = 0; i < part.size; i++) {
		const char *at = part.at + i;
		bool is_encoded = *at == '%' && part.size - i > 2 &&
				  verity_hex_digit(at[1]) >= 0 &&
				  verity_hex_digit(at[2]) >= 0;

		text[used] = *at;
		if (is_encoded)
			text[used] = (char)(verity_hex_digit(at[1]) << 4 |
					    verity_hex_digit(at[2]));
		used++;
		i += is_encoded ? 2 : 0;
		if (is_control((unsigned char)text[used - 1])) {
			explicit_bzero(text, used);
			free(text);
			return fail_control(err);
		}
	}
	text[used] = '\0';
	*ret = text;
	return 0;
}

/* @kept: bytes that stay as they are; NULL: all that are printable. */
static void encode(FILE *out, struct part part, const char *kept)
{
	for (size_t i = 0; i < part.size; i++) {
		unsigned char byte = (unsigned char)part.at[i];

		if (kept ? strchr(kept, byte) != NULL : byte > ' ' && byte < 0x7f)
			fputc(byte, out);
		else
			fprintf(out, "%%%02x", byte);
	}
}

/* Of an IPv6 address, the '%' before its zone is encoded in a URL (RFC 6874). */
static void print_address(FILE *out, const struct protocol *protocol,
			  const struct address *address)
{
	size_t size = strcspn(address->host, "%");

	fprintf(out, "%s" BEGIN "%.*s", protocol->scheme, (int)size, address->host);
	if (address->host[size])
		fprintf(out, "%%25%s", address->host + size + 1);
	if (address->port[0])
		fprintf(out, ":%lu", strtoul(address->port, NULL, 10));
}

static int parse_address(struct part part, struct address *ret, struct verity_error *err)
{
	cleanup_free char *text = strndup(part.at, part.size);
	char *zone = text ? strstr(text, "%25") : NULL;

	if (!text)
		return no_memory(err);
	if (text[0] == '[' && zone)
		memmove(zone + 1, zone + 3, strlen(zone + 3) + 1);
	return address_parse(text, ret, err);
}

/*
 * Makes @url->shown and @url->whole of the same parts. A query may hold a key to the
 * server, so it is not shown.
 */
static int print(struct url *url, const struct address *address, struct part before,
		 struct part path, const char *kept, struct part query,
		 struct verity_error *err)
{
	char **const texts[] = {&url->shown, &url->whole};
	size_t zone = strcspn(address->host, "%");
	int r = 0;

	for (size_t i = 0; r == 0 && i < 2; i++) {
		size_t used;
		FILE *out = open_memstream(texts[i], &used);

		if (!out)
			return no_memory(err);
		print_address(out, url->protocol, address);
		encode(out, before, NULL);
		encode(out, path, kept);
		if (texts[i] == &url->whole)
			encode(out, query, NULL);
		if (!verity_text_end(out, texts[i]))
			r = no_memory(err);
	}
	url->port = address->port[0] ? (uint16_t)strtoul(address->port, NULL, 10)
				     : url->protocol->port;
	snprintf(url->host, sizeof(url->host), "%.*s%s", (int)zone, address->host,
		 address->host[zone] ? "]" : "");
	return r;
}

static int parse_login(struct part part, struct login *ret, struct verity_error *err)
{
	const char *colon = part.size ? memchr(part.at, ':', part.size) : NULL;
	struct part user = {part.at, colon ? (size_t)(colon - part.at) : part.size};
	int r = user.size ? decode(user, &ret->user, err) : 0;

	if (r == 0 && colon)
		r = decode((struct part){colon + 1, part.size - user.size - 1},
			   &ret->password, err);
	return r;
}

/* What stands for binary behind a path (RFC 1738, RFC 3617) is the only mode. */
static struct part drop_mode(struct part path, const char *mode)
{
	size_t size = mode ? strlen(mode) : 0;

	if (size > 0 && path.size >= size &&
	    strncasecmp(path.at + path.size - size, mode, size) == 0)
		path.size -= size;
	return path.size ? path : (struct part){"/", 1};
}

int url_parse(const char *text, struct url *ret, struct login *ret_login,
	      struct verity_error *err)
{
	cleanup_with(login_done) struct login login = {0};
	cleanup_with(url_done) struct url url = {0};
	struct address address;
	struct parts parts = {{0}};
	int r = protocol_get(text, strcspn(text, ":"), &url.protocol, err);

	if (r == 0)
		r = split(text, &parts, err);
	if (r == 0)
		r = parse_address(parts.address, &address, err);
	if (r == 0)
		r = parse_login(parts.login, &login, err);
	if (r < 0)
		return r;
	parts.path = drop_mode(parts.path, url.protocol->mode);
	r = decode(parts.path, &url.path, err);
	if (r == 0)
		r = print(&url, &address, (struct part){0}, parts.path, NULL, parts.query,
			  err);
	if (r < 0)
		return r;
	*ret = url;
	*ret_login = login;
	url = (struct url){0};
	login = (struct login){0};
	return 0;
}

char *url_show(const char *text)
{
	cleanup_with(login_done) struct login login = {0};
	cleanup_with(url_done) struct url url = {0};

	return url_parse(text, &url, &login, NULL) < 0 ? NULL : steal_ptr(&url.shown);
}

int url_build(const struct protocol *protocol, const char *address, const char *path,
	      struct url *ret, struct verity_error *err)
{
	const char *before = path[0] == '/' ? protocol->absolute : protocol->relative;
	const char *rest = path + strspn(path, "/");
	cleanup_with(url_done) struct url url = {.protocol = protocol,
						 .path = strdup(path)};
	struct address parsed;
	int r = address_parse(address, &parsed, err);

	if (r < 0)
		return r;
	if (!url.path)
		return no_memory(err);
	r = print(&url, &parsed, (struct part){before, strlen(before)},
		  (struct part){rest, strlen(rest)}, PATH_BYTES, (struct part){0}, err);
	if (r < 0)
		return r;
	*ret = url;
	url = (struct url){0};
	return 0;
}
