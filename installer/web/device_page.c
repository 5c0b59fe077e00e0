/* SPDX-License-Identifier: MIT */
/* The device itself: what it is, its factory reset, its reboot. */
#include <stdio.h>
#include <stdlib.h>

#include "installer/commands/factory_reset.h"
#include "installer/commands/pending.h"
#include "installer/device/next_boot.h"
#include "installer/device/reset_pending.h"
#include "installer/device/reset_request.h"
#include "installer/web/all_pages.h"
#include "installer/web/html.h"
#include "verity/util/cleanup.h"

static void put_fact(FILE *out, const char *label, const char *value)
{
	html_print(out, "<dt>%s</dt><dd>%s</dd>\n", label,
		   value && value[0] ? value : "not known");
}

int device_page(struct web_page *page, struct verity_error *err)
{
	const struct overlay_identity *identity;
	struct overlay_trust *trust;
	struct next_boot next;
	int r = device_trust(page->device, &trust, err);

	if (r < 0)
		return r;
	reset_pending_warn(page->device);
	identity = device_identity(page->device);
	fputs("<dl class=facts>\n", page->body);
	put_fact(page->body, "Model", identity->model);
	put_fact(page->body, "Serial number", identity->serial);
	put_fact(page->body, "Firmware", identity->firmware);
	fputs("</dl>\n<section class=card><h2>Reboot</h2>\n"
	      "<p>Pending changes take place at a reboot.</p>\n"
	      "<div class=actions><a class=button href=\"?page=reboot\">Reboot</a></div>\n"
	      "</section>\n<section class=card><h2>Factory reset</h2>\n"
	      "<p>Deletes all but persistent packages at the next reboot.</p>\n"
	      "<div class=actions>",
	      page->body);
	next_boot_read(page->device, &next);
	if (next.rules.resets) {
		r = web_page_form(page, "reset_cancel", false, err);
		fputs("<button>Cancel the factory reset</button></form>", page->body);
	} else {
		fputs("<a class=\"button danger\" href=\"?page=reset\">Reset to factory"
		      "</a>",
		      page->body);
	}
	fputs("</div>\n</section>\n", page->body);
	return r;
}

int reset_page(struct web_page *page, struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	char deleted[RESET_LINE_BYTES], kept[RESET_LINE_BYTES];
	struct overlay_store *store;
	size_t count = 0;
	int r = reset_request_allowed(page->device, false, err);

	if (r == 0)
		r = device_store(page->device, &store, err);
	if (r == 0)
		r = overlay_store_list(store, &entries, &count, err);
	if (r == 0)
		r = web_page_form(page, "reset", false, err);
	if (r < 0)
		return r;
	reset_format_packages(entries, count, OVERLAY_ORDINARY, deleted);
	reset_format_packages(entries, count, OVERLAY_PERSISTENT, kept);
	html_print(page->body,
		   "<p class=lead>Reset this device to factory?</p>\n"
		   "<ul><li>%s</li><li>%s</li></ul>\n"
		   "<p><label class=choice><input type=checkbox name=confirm value=yes "
		   "required> I want to delete this</label></p>\n"
		   "<p><label class=choice><input type=checkbox name=reboot value=yes> "
		   "Reboot now</label></p>\n"
		   "<div class=actions><button class=danger>Reset to factory</button> "
		   "<a class=button href=\"?page=device\">Cancel</a></div>\n</form>\n",
		   deleted, kept);
	return 0;
}

int reboot_page(struct web_page *page, struct verity_error *err)
{
	cleanup_with(installed_list_free) struct installed_list list = {0};
	char sum[PENDING_SUM_BYTES];
	int r = installed_list_read(page->device, NULL, INSTALLED_CHANGED, &list, err);

	if (r < 0)
		return r;
	reset_pending_warn(page->device);
	pending_format_sum(&list, sum);
	html_print(page->body, "<p class=lead>%s</p>\n", sum);
	r = web_page_form(page, "reboot", false, err);
	fputs("<div class=actions><button class=main>Reboot now</button> "
	      "<a class=button href=\"?page=packages\">Cancel</a></div>\n</form>\n",
	      page->body);
	return r;
}
