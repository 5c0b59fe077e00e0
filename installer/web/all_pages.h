/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The functions behind the rows of the table of pages (installer/web/pages.c). Each
 * writes a page into @page.
 *
 * Return: 0; -errno.
 */

#include "installer/web/web_page.h"

int list_page(struct web_page *page, struct verity_error *err) must_check;
int pending_page(struct web_page *page, struct verity_error *err) must_check;
int undo_page(struct web_page *page, struct verity_error *err) must_check;
int package_page(struct web_page *page, struct verity_error *err) must_check;
int remove_page(struct web_page *page, struct verity_error *err) must_check;
int install_page(struct web_page *page, struct verity_error *err) must_check;
int boot_page(struct web_page *page, struct verity_error *err) must_check;
int conflicts_page(struct web_page *page, struct verity_error *err) must_check;
int audit_page(struct web_page *page, struct verity_error *err) must_check;
int device_page(struct web_page *page, struct verity_error *err) must_check;
int reset_page(struct web_page *page, struct verity_error *err) must_check;
int reboot_page(struct web_page *page, struct verity_error *err) must_check;
