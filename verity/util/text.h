/* SPDX-License-Identifier: MIT */
#pragma once

/* Text for terminals and logs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VERITY_TEXT_BYTES 4 /* of a character in UTF-8, at most */

#define VERITY_TEXT_TIME_BYTES 32
#define VERITY_TEXT_SIZE_BYTES 16

/**
 * verity_text_decode - the character at the beginning of UTF-8 text
 * @size: bytes of @text, above 0
 *
 * Return: its bytes; 0 where there is none, or not all of it.
 */
size_t verity_text_decode(const char *text, size_t size, uint32_t *ret);

/**
 * verity_text_encode - a character up to 0x10ffff in UTF-8
 *
 * Return: its bytes.
 */
size_t verity_text_encode(uint32_t character, char ret[static VERITY_TEXT_BYTES]);

/**
 * verity_text_begins - whether @text begins with @with
 */
bool verity_text_begins(const char *text, const char *with);

/**
 * verity_text_printable - whether @text is well-formed UTF-8 that is safe to print
 *
 * No control characters (C0, DEL, C1), no line or paragraph separators, nothing that is
 * invisible (zero width, tags, variation selectors) or reorders the text around it
 * (bidirectional controls), no box drawing, no private use, no overlong forms, no
 * surrogates: text.c has the table.
 */
bool verity_text_printable(const char *text, size_t size);

/**
 * verity_text_check - as verity_text_printable(), for a message that names the fault
 * @ret_refused: the first character that is refused; 0 where it is a NUL, the text is not
 *               well-formed UTF-8, or nothing is refused
 */
bool verity_text_check(const char *text, size_t size, uint32_t *ret_refused);

/**
 * verity_text_check_label - likewise for a text that people compare by eye
 *
 * Also without spaces other than U+0020, and not beginning with a mark that would change
 * what stands before the text.
 */
bool verity_text_check_label(const char *text, size_t size, uint32_t *ret_refused);

/**
 * verity_text_plain - make text from a system, a server or a file name safe to print
 * @text: changed in place: where it is not printable, all but printable ASCII becomes '?'
 *
 * Return: @text.
 */
char *verity_text_plain(char *text);

/**
 * verity_text_append - print at the end of a text
 * @text: 0-terminated in a buffer of @size bytes; what does not fit is cut
 */
void verity_text_append(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * verity_text_end - close a stream of open_memstream()
 * @stream: NULL: it could not be opened
 * @text: where its text is; the caller's to free in any case
 *
 * Return: whether @text has all of it. That memory for the text was missing at the end,
 * glibc tells by a pointer of NULL only.
 */
bool verity_text_end(FILE *stream, char *const *text);

/**
 * verity_text_format_size - "24.2 MiB": three digits
 */
void verity_text_format_size(uint64_t bytes, char ret[static VERITY_TEXT_SIZE_BYTES]);

/**
 * verity_text_format_time - "2026-11-23 01:02:03 UTC"
 * @when: seconds since 1970; the number itself where no calendar has it
 */
void verity_text_format_time(int64_t when, char ret[static VERITY_TEXT_TIME_BYTES]);
