/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * JSON objects as tables: one row for each key says which member of a struct it is, and
 * what it may hold. The same table reads an object from untrusted bytes and writes it,
 *its keys in the order of the rows. Keys without a row are ignored.
 *
 *	static const struct verity_json_field file_fields[] = {
 *		VERITY_JSON_TEXT("name", struct file, name, .min = 1),
 *		VERITY_JSON_INTEGER("bytes", struct file, bytes, .min = 1, .max = 4096),
 *		{.key = NULL},
 *	};
 */

#include "verity/util/json_write.h"

#include <stddef.h>

enum verity_json_type {
	VERITY_JSON_IS_WORD,   /* the text .word and no other; no member */
	VERITY_JSON_IS_FORMAT, /* the number .max and no other; no member */
	VERITY_JSON_IS_TEXT,   /* char [.size]: .min or more printable bytes */
	VERITY_JSON_IS_BOOL,   /* bool, or an enum of two values */
	VERITY_JSON_IS_INT,    /* a signed integer, .min to .max */
	VERITY_JSON_IS_UINT,   /* an unsigned one */
	VERITY_JSON_IS_NAME,   /* enum, one of .names */
	VERITY_JSON_IS_HEX,    /* uint8_t [.size], all of it; with .counted up to that */
	VERITY_JSON_IS_OBJECT, /* struct, by .fields */
	VERITY_JSON_IS_LIST, /* pointer to as many as .count says, each as .item has it */
	VERITY_JSON_IS_CUSTOM, /* what .decode and .encode make of it */
};

enum verity_json_presence {
	VERITY_JSON_REQUIRED,
	VERITY_JSON_OPTIONAL, /* left out where the member is .absent, "", or empty */
	VERITY_JSON_LATER, /* always written, and missing in what older programs wrote */
};

struct verity_json_reader;

struct verity_json_field {
	const char *key; /* NULL ends a table */
	enum verity_json_type type;
	enum verity_json_presence presence;
	size_t offset;  /* of the member */
	size_t size;    /* bytes of the member; of a list: of one item */
	size_t counted; /* offset of a size_t with the number of bytes or items; or 0 */
	int64_t min;    /* of an unsigned integer: both are taken for uint64_t */
	int64_t max;    /* of a list: items */
	int64_t absent;
	const char *word;
	const void *names;   /* array of names, or of structs that begin with one */
	size_t names_stride; /* bytes of one */
	size_t names_count;
	const struct verity_json_field *fields;
	const struct verity_json_field *item;     /* its offset is one within an item */
	bool is_label;                            /* see verity_text_check_label() */
	bool (*valid)(const char *name);          /* of a package */
	const char *(*check)(const void *object); /* NULL, or what is wrong with it */
	int (*decode)(struct verity_json_reader *reader, struct json_object *value,
		      void *member);
	void (*encode)(struct verity_json_writer *json, const char *key,
		       const void *member);
};

#define VERITY_JSON_MEMBER(type_, member_)                                               \
	.offset = offsetof(type_, member_), .size = sizeof(((type_ *)0)->member_)

#define VERITY_JSON_WORD(key_, word_)                                                    \
	{                                                                                \
		.key = (key_), .type = VERITY_JSON_IS_WORD, .word = (word_)              \
	}
#define VERITY_JSON_FORMAT(key_, number_)                                                \
	{                                                                                \
		.key = (key_), .type = VERITY_JSON_IS_FORMAT, .max = (number_)           \
	}
#define VERITY_JSON_TEXT(key_, type_, member_, ...)                                      \
	{                                                                                \
		.key = (key_), .type = VERITY_JSON_IS_TEXT,                              \
		VERITY_JSON_MEMBER(type_, member_), __VA_ARGS__                          \
	}
#define VERITY_JSON_BOOL(key_, type_, member_, ...)                                      \
	{                                                                                \
		.key = (key_), .type = VERITY_JSON_IS_BOOL,                              \
		VERITY_JSON_MEMBER(type_, member_), __VA_ARGS__                          \
	}
#define VERITY_JSON_INTEGER(key_, type_, member_, ...)                                   \
	{                                                                                \
		.key = (key_),                                                           \
		.type = _Generic(((type_ *)0)->member_, int                              \
				 : VERITY_JSON_IS_INT, int64_t                           \
				 : VERITY_JSON_IS_INT, default                           \
				 : VERITY_JSON_IS_UINT),                                 \
		VERITY_JSON_MEMBER(type_, member_), __VA_ARGS__                          \
	}
#define VERITY_JSON_NAME(key_, type_, member_, names_, ...)                              \
	{                                                                                \
		.key = (key_), .type = VERITY_JSON_IS_NAME,                              \
		VERITY_JSON_MEMBER(type_, member_), .names = (names_),                   \
		.names_stride = sizeof((names_)[0]),                                     \
		.names_count = sizeof(names_) / sizeof((names_)[0]), __VA_ARGS__         \
	}
#define VERITY_JSON_HEX(key_, type_, member_, ...)                                       \
	{                                                                                \
		.key = (key_), .type = VERITY_JSON_IS_HEX,                               \
		VERITY_JSON_MEMBER(type_, member_), __VA_ARGS__                          \
	}
#define VERITY_JSON_OBJECT(key_, type_, member_, fields_, ...)                           \
	{                                                                                \
		.key = (key_), .type = VERITY_JSON_IS_OBJECT,                            \
		VERITY_JSON_MEMBER(type_, member_), .fields = (fields_), __VA_ARGS__     \
	}
#define VERITY_JSON_LIST(key_, type_, member_, count_, item_, max_, ...)                 \
	{                                                                                \
		.key = (key_), .type = VERITY_JSON_IS_LIST,                              \
		.offset = offsetof(type_, member_),                                      \
		.size = sizeof(*((type_ *)0)->member_),                                  \
		.counted = offsetof(type_, count_), .item = (item_), .max = (max_),      \
		__VA_ARGS__                                                              \
	}

/**
 * verity_json_decode - read an object from untrusted bytes
 * @code: of an error for which these bytes are to blame
 * @ret:  { 0 } or its defaults; members are set as they are read, so that it is the
 *        caller's to free on failure too
 *
 * A number that is no int64_t or uint64_t is taken for the nearest that is one, as json-c
 * reads it.
 *
 * Return: 0; -EBADMSG (@code) with the key in the message; -ENOMEM.
 */
int verity_json_decode(const void *bytes, size_t size,
		       const struct verity_json_field *fields, enum verity_code code,
		       void *ret, struct verity_error *err) must_check;

/**
 * verity_json_decode_object - the same with an object that verity_json_parse() made
 */
int verity_json_decode_object(struct json_object *object,
			      const struct verity_json_field *fields,
			      enum verity_code code, void *ret,
			      struct verity_error *err) must_check;

/**
 * verity_json_encode - write an object
 * @style: VERITY_JSON_COMPACT, …; with VERITY_JSON_RAW texts are written as they are
 * @ret:   0-terminated, set on success only; free()
 *
 * Return: 0; -ENOMEM.
 */
int verity_json_encode(const void *object, const struct verity_json_field *fields,
		       int style, char **ret, struct verity_error *err) must_check;

/**
 * verity_json_put_fields - add the keys of a table to the object that is open
 */
void verity_json_put_fields(struct verity_json_writer *json,
			    const struct verity_json_field *fields, const void *object);

/* The rest is for .decode of a custom row. */

struct verity_json_reader {
	enum verity_code code;
	struct verity_error *err;
	char path[128]; /* of the value that is being read, for messages */
};

/**
 * verity_json_bad - fail with "KEY: WHY" for the value that is being read
 *
 * Return: -EBADMSG.
 */
int verity_json_bad(struct verity_json_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * verity_json_get_fields - read @value, which must be an object, by a table
 * verity_json_get - read a value as the row @field says
 * @key: of @value, for messages
 */
int verity_json_get_fields(struct verity_json_reader *reader, struct json_object *value,
			   const struct verity_json_field *fields, void *ret) must_check;
int verity_json_get(struct verity_json_reader *reader, const char *key,
		    struct json_object *value, const struct verity_json_field *field,
		    void *object) must_check;
