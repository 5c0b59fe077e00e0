/* SPDX-License-Identifier: MIT */
#pragma once

/* The errors of libcurl in the words of this program. */

#include "installer/transfer/protocol.h"

/**
 * curl_error - fill @err with what ended a try, and set @transfer->lost
 *
 * Return: -errno, always.
 */
int curl_error(struct transfer *transfer, CURLcode code, struct verity_error *err);

/* The message for what comes besides a file, and is too much. */
#define CURL_ERROR_TOO_LONG                                                              \
	"the server sends a line that is too long, or too many of them, besides the file"

/**
 * curl_error_clock - whether a certificate is refused only because of the date
 * @words: of libcurl
 *
 * Return: "has expired", "is not valid yet"; NULL if there is another reason.
 */
const char *curl_error_clock(const char *words);
