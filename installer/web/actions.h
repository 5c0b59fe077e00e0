/* SPDX-License-Identifier: MIT */
#pragma once

/* What the forms do. */

#include "installer/web/web_page.h"

/**
 * actions_run - do what the form of the request says, after its token is checked
 * @ret_done: set on success: the answer is sent already
 *
 * Return: 0; -errno.
 */
int actions_run(struct web_page *page, bool *ret_done,
		struct verity_error *err) must_check;
