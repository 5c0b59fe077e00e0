/* SPDX-License-Identifier: MIT */
#pragma once

/* http and https: RFC 9110, and what stands in source_protocol.h. */

#include "installer/fetch/transfer.h"

int source_http_prepare(struct source_transfer *transfer,
			struct verity_error *err) must_check;
bool source_http_hear(struct source_transfer *transfer, const char *line, size_t size);
int source_http_check(struct source_transfer *transfer,
		      struct verity_error *err) must_check;
int source_http_explain(struct source_transfer *transfer, CURLcode code,
			struct verity_error *err) must_check;
