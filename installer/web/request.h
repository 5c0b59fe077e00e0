/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A request, as the process with rights sees it: what the web server says, and the frames
 * of the process that reads it.
 */

#include "installer/fetch/source.h"
#include "installer/sandbox/sandbox.h"
#include "installer/web/frame.h"
#include "installer/web/reader.h"
#include "overlay/config/config.h"

#define REQUEST_USER_MAX 48 /* bytes */

enum request_method {
	REQUEST_GET,
	REQUEST_HEAD,
	REQUEST_POST,
	REQUEST_OTHER,
};

struct request {
	enum request_method method;
	char user[REQUEST_USER_MAX + 1]; /* "": the web server has not asked */
	char address[64];                /* of the browser; "": not known */
	bool has_path;                   /* something follows the name of the program */
	bool is_foreign;                 /* another site made the browser send it */
	struct field fields[FIELDS_MAX];
	size_t field_count;
	bool has_file;
	char file[FRAME_FILE_MAX]; /* its name; not checked */
	struct sandbox sandbox;
	bool ended;  /* all frames have come */
	bool failed; /* the last one said so */
	uint8_t buffer[FRAME_HEAD + FRAME_CONTENT_MAX];
};

/**
 * request_new - read what the web server says, in the variables of CGI (RFC 3875)
 * @ret: set on success only; request_free()
 *
 * Trusts them as far as the web server sets them: REMOTE_USER is checked, and nothing
 * that the browser sends is decoded. A browser sets only variables that begin with HTTP_,
 * and no other program gets one of those.
 */
int request_new(struct request **ret, struct verity_error *err) must_check;

void request_free(struct request *request);
DEFINE_CLEANUP(struct request, request_free);

/**
 * request_read - read the fields, in a process without rights, up to the file if there is
 * one
 *
 * Return: 0; -EINVAL (USAGE), -ECOMM (LOST), -E2BIG (TOO_MANY), -ETIMEDOUT (TIMED_OUT),
 * -EOPNOTSUPP (UNSUPPORTED): of the request; -errno (IO) of this device.
 */
int request_read(struct request *request, const struct overlay_config *config,
		 struct verity_error *err) must_check;

/**
 * request_field - the value of a field; borrowed; "" where it was not sent
 */
const char *request_field(const struct request *request, const char *name);

/**
 * request_source - the file as the source of a package
 * @request: borrowed
 * @ret:     set on success only; source_free()
 *
 * Return: 0; -EINVAL (BAD_NAME).
 */
int request_source(struct request *request, struct source **ret,
		   struct verity_error *err) must_check;

/**
 * request_drain - read and forget the rest of the body, for a while
 *
 * A browser that still sends shows no answer before it is done, or none at all if the
 * connection is closed.
 */
void request_drain(struct request *request);
