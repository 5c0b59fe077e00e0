/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writing JSON key by key. A call that has no memory fails silently, and so do all after
 * it; the call that finishes the text reports it. So a printer is a list of its keys.
 */

#include "verity/util/json.h"

#include <stdint.h>
#include <stdio.h>

/* Styles of the text: json-c's flags, and one of ours. */
#define VERITY_JSON_COMPACT                                                              \
	(JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) /* one line */
#define VERITY_JSON_PRETTY (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)
#define VERITY_JSON_SPACED (VERITY_JSON_PRETTY | JSON_C_TO_STRING_SPACED)
#define VERITY_JSON_RAW    (1 << 16) /* unprintable bytes are not replaced by '?' */

/* { 0 } is an empty object; released by verity_json_end(). */
struct verity_json_writer {
	struct json_object *open[VERITY_JSON_DEPTH_MAX + 1]; /* only [0] is owned */
	unsigned depth;
	bool raw;
	bool failed; /* no memory */
};

/**
 * verity_json_text and the like - add a value
 * @key: NULL in a list
 *
 * In a text all but printable ASCII becomes '?' where it is not printable UTF-8. NULL is
 * a text for which there was no memory.
 */
void verity_json_text(struct verity_json_writer *json, const char *key, const char *text);
void verity_json_bool(struct verity_json_writer *json, const char *key, bool value);
void verity_json_int(struct verity_json_writer *json, const char *key, int64_t value);
void verity_json_uint(struct verity_json_writer *json, const char *key, uint64_t value);
void verity_json_hex(struct verity_json_writer *json, const char *key,
		     const uint8_t *bytes, size_t count);

/**
 * verity_json_some_text - verity_json_text(), or nothing for "" and NULL
 */
void verity_json_some_text(struct verity_json_writer *json, const char *key,
			   const char *text);

/**
 * verity_json_open, verity_json_open_list - add an object or a list; what is added next
 * belongs to it, until verity_json_close()
 */
void verity_json_open(struct verity_json_writer *json, const char *key);
void verity_json_open_list(struct verity_json_writer *json, const char *key);
void verity_json_close(struct verity_json_writer *json);

/**
 * verity_json_reason - {code, message, hint} of a reason; nothing for VERITY_OK and NULL
 * @hint: what to do about it; NULL: left out
 */
void verity_json_reason(struct verity_json_writer *json, const char *key,
			const struct verity_error *reason, const char *hint);

/**
 * verity_json_finish - the whole text
 * @style: VERITY_JSON_COMPACT, …
 * @ret:   0-terminated, set on success only; free()
 *
 * Return: 0; -ENOMEM, also where a call before had no memory.
 */
int verity_json_finish(struct verity_json_writer *json, int style, char **ret,
		       struct verity_error *err) must_check;

/**
 * verity_json_print - print the whole text, VERITY_JSON_PRETTY and an end of line;
 * nothing of it on failure
 */
int verity_json_print(struct verity_json_writer *json, FILE *out,
		      struct verity_error *err) must_check;

/* For cleanup_with(). */
void verity_json_end(struct verity_json_writer *json);
