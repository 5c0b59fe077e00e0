/* SPDX-License-Identifier: MIT */
#pragma once

/* ftp, passive: RFC 959, 1738, 2428, 3659, and what stands in source_protocol.h. */

#include "installer/fetch/transfer.h"

int source_ftp_prepare(struct source_transfer *transfer,
		       struct verity_error *err) must_check;
bool source_ftp_hear(struct source_transfer *transfer, const char *line, size_t size);
int source_ftp_check(struct source_transfer *transfer,
		     struct verity_error *err) must_check;
int source_ftp_explain(struct source_transfer *transfer, CURLcode code,
		       struct verity_error *err) must_check;
