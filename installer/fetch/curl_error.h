/* SPDX-License-Identifier: MIT */
#pragma once

/* What libcurl's codes mean to a technician. */

#include "installer/fetch/transfer.h"

/**
 * source_reason - fill @err with what ended a try, and set @transfer->lost
 *
 * Return: -errno, always.
 */
int source_reason(struct source_transfer *transfer, CURLcode code,
		  struct verity_error *err);

/**
 * source_reason_clock - whether a certificate is refused for the date alone
 * @words: libcurl's
 *
 * Return: "has expired", "is not valid yet"; NULL where it is refused for another reason.
 */
const char *source_reason_clock(const char *words);
