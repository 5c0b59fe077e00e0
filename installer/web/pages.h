/* SPDX-License-Identifier: MIT */
#pragma once

/* The pages that can be asked for. */

#include "installer/web/web_page.h"

/**
 * pages_show - write the page that the request asks for into @page
 *
 * Return: 0; -ENOENT (NOT_FOUND) if there is no such page; -errno.
 */
int pages_show(struct web_page *page, struct verity_error *err) must_check;
