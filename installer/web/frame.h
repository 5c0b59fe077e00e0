/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the process without rights that reads a request says to the one with rights. Pure.
 * Whoever reads does not trust who writes: the request may have taken it over.
 *
 * A frame is its type (1 byte), the size of its content (3 bytes, little-endian), and the
 * content. Texts in it end with a 0.
 */

#include <stdint.h>

#include "installer/web/field.h"
#include "verity/util/error.h"

#define FRAME_HEAD        4
#define FRAME_BYTES_MAX   (64U << 10) /* of a file in one frame */
#define FRAME_CONTENT_MAX FRAME_BYTES_MAX
#define FRAME_FILE_MAX    256 /* bytes of the name of a file, with its end */

enum frame_type {
	FRAME_FIELD = 1, /* name, value */
	FRAME_FILE,      /* name; its bytes follow, and no field */
	FRAME_BYTES,
	FRAME_END,    /* of the request: all of it has come */
	FRAME_FAILED, /* enum verity_code (1 byte), message */
};

/* Plain data. Which members count depends on the type. */
struct frame {
	enum frame_type type;
	const uint8_t *bytes; /* BYTES; borrowed */
	size_t size;
	struct field field;
	char file[FRAME_FILE_MAX];
	struct verity_error error;
};

/**
 * frame_head - decode the head of a frame
 *
 * Return: 0; -EBADMSG if there is no such type, or none of this size.
 */
int frame_head(const uint8_t head[static FRAME_HEAD], enum frame_type *ret_type,
	       size_t *ret_size) must_check;

/**
 * frame_decode - decode the content of a frame
 * @content: of @size bytes, as frame_head() has said
 * @ret:     set on success only; refers to @content if it is of type BYTES
 *
 * Return: 0; -EBADMSG, also for an error that no reader has.
 */
int frame_decode(enum frame_type type, const uint8_t *content, size_t size,
		 struct frame *ret) must_check;

/**
 * frame_encode - all of a frame, for BYTES only its head
 * @ret: room for FRAME_HEAD + FRAME_CONTENT_MAX bytes
 *
 * Return: bytes written to @ret.
 */
size_t frame_encode(const struct frame *frame, uint8_t *ret);
