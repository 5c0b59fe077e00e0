/* SPDX-License-Identifier: MIT */
#pragma once

/* tftp: RFC 1350, 2347-2349, and what stands in source_protocol.h. */

#include "installer/fetch/transfer.h"

int source_tftp_prepare(struct source_transfer *transfer,
			struct verity_error *err) must_check;
int source_tftp_explain(struct source_transfer *transfer, CURLcode code,
			struct verity_error *err) must_check;
