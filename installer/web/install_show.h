/* SPDX-License-Identifier: MIT */
#pragma once

/* An installation, as a browser sees it. */

#include "installer/fetch/source.h"
#include "installer/web/web_page.h"
#include "overlay/store/store.h"

/**
 * install_show - install_run(), with its progress in the result of the form and its
 * verdict among the messages of the page
 *
 * Return: 0; -errno, and then the result is complete.
 */
int install_show(struct web_page *page, struct source *source,
		 enum overlay_store_kind kind, bool force,
		 struct verity_error *err) must_check;
