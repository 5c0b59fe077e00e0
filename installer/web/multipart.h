/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * multipart/form-data (RFC 7578): the body of a form with a file, as it comes. Pure, and
 * strict: nothing before the first boundary, no header but those that browsers send.
 */

#include "installer/web/field.h"
#include "verity/util/error.h"

#define MULTIPART_BOUNDARY_MAX 70   /* RFC 2046 */
#define MULTIPART_HEAD_MAX     4096 /* bytes of the headers of a part */
#define MULTIPART_PARTS_MAX    FIELDS_MAX

/* Of a part. Plain data. */
struct multipart_part {
	char name[FIELD_NAME_MAX + 1];
	bool is_file;
	char file[256]; /* its name, as the browser says it: any bytes but NUL */
};

/* What takes the parts, in order; each part ends with take(context, NULL, 0, err). */
struct multipart_hooks {
	int (*begin)(void *context, const struct multipart_part *part,
		     struct verity_error *err);
	int (*take)(void *context, const char *bytes, size_t count,
		    struct verity_error *err);
	void *context; /* borrowed */
};

enum multipart_state {
	MULTIPART_FIRST, /* a boundary is to come, without the end of a line before it */
	MULTIPART_AFTER, /* behind a boundary */
	MULTIPART_HEAD,
	MULTIPART_DATA,
	MULTIPART_END,
};

/* The state of one body; for multipart_begin(). */
struct multipart {
	struct multipart_hooks hooks;
	enum multipart_state state;
	char delimiter[4 + MULTIPART_BOUNDARY_MAX + 1]; /* "\r\n--" and the boundary */
	size_t delimiter_bytes;
	size_t matched; /* bytes of the delimiter that have come */
	char head[MULTIPART_HEAD_MAX];
	size_t head_bytes;
	unsigned parts;
};

/**
 * multipart_begin - read the boundary
 * @type: the header Content-Type: "multipart/form-data; boundary=..."
 *
 * Return: 0; -EINVAL (USAGE).
 */
int multipart_begin(struct multipart *multipart, const char *type,
		    const struct multipart_hooks *hooks,
		    struct verity_error *err) must_check;

/**
 * multipart_feed - the next bytes of the body, in pieces of any size
 *
 * Return: 0; -EINVAL (USAGE); what a hook returned.
 */
int multipart_feed(struct multipart *multipart, const char *bytes, size_t count,
		   struct verity_error *err) must_check;

/**
 * multipart_end - whether the body was whole
 *
 * Return: 0; -ECOMM (LOST).
 */
int multipart_end(const struct multipart *multipart, struct verity_error *err) must_check;
