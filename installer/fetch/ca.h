/* SPDX-License-Identifier: MIT */
#pragma once

/* The certificate authorities that https trusts. */

#include "installer/fetch/transfer.h"

/**
 * ca_set - trust only the certificates of @path; NULL: those of the system
 * @path: a PEM file, or a folder with files *.pem and *.crt; read once
 *
 * Return: 0; -EINVAL (CONFIG) if there are none; -errno.
 */
int ca_set(struct transfer *transfer, const char *path,
	   struct verity_error *err) must_check;
