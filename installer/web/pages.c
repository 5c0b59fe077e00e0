/* SPDX-License-Identifier: MIT */
/* The table of pages. */
#include "installer/web/pages.h"

#include <string.h>

#include "installer/web/all_pages.h"

static const struct {
	const char *name, *title;
	const char *current; /* what the navigation marks */
	int (*show)(struct web_page *page, struct verity_error *err);
} pages[] = {
	{"packages", "Packages", "packages", list_page},
	{"package", "Package", "packages", package_page},
	{"remove", "Remove", "packages", remove_page},
	{"install", "Install a package", "install", install_page},
	{"pending", "Pending changes", "pending", pending_page},
	{"undo", "Undo", "pending", undo_page},
	{"boot", "Last boot", "boot", boot_page},
	{"conflicts", "Conflicts", "conflicts", conflicts_page},
	{"audit", "Audit log", "audit", audit_page},
	{"device", "Device", "device", device_page},
	{"reset", "Factory reset", "device", reset_page},
	{"reboot", "Reboot", "device", reboot_page},
};

int pages_show(struct web_page *page, struct verity_error *err)
{
	const char *name = request_field(page->request, "page");

	name = name[0] ? name : pages[0].name;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(pages[i].name, name) == 0) {
			page->title = pages[i].title;
			page->current = pages[i].current;
			return pages[i].show(page, err);
		}
	page->title = "Not found";
	return verity_fail(err, VERITY_E_NOT_FOUND, "there is no page '%s'", name);
}
