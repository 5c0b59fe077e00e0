/* SPDX-License-Identifier: MIT */
#pragma once

/* Whom https trusts. */

#include "installer/fetch/transfer.h"

/**
 * source_authorities_set - trust the certificates of @path alone; NULL: the system's
 * @path: PEM file, or folder whose files *.pem and *.crt are; it is read once
 *
 * Return: 0; -EINVAL (CONFIG) where there are none; -errno.
 */
int source_authorities_set(struct source_transfer *transfer, const char *path,
			   struct verity_error *err) must_check;
