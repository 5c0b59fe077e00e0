/* SPDX-License-Identifier: MIT */
/* The forms that install a package: from this computer, a server, or a medium. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/device/allow_untrusted.h"
#include "installer/device/reset_pending.h"
#include "installer/media/rows.h"
#include "installer/web/all_pages.h"
#include "installer/web/html.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

static void put_options(FILE *out)
{
	fputs("<p><label class=choice><input type=checkbox name=persistent value=yes>"
	      " Persistent: keep it over a factory reset</label></p>\n"
	      "<details><summary>More options</summary><p><label class=choice>"
	      "<input type=checkbox name=replace value=yes> Also if another package has "
	      "this name</label></p>\n<p><label class=choice>"
	      "<input type=checkbox name=force value=yes> Also if it replaces a part "
	      "of the firmware with something of another type, or lacks or ends a "
	      "package that is needed (install force)"
	      "</label></p></details>\n",
	      out);
}

static int put_upload(struct web_page *page, struct verity_error *err)
{
	int r = web_page_form(page, "upload", true, err);

	if (r < 0)
		return r;
	put_options(page->body);
	fputs("<p class=drop><label for=file>Package file</label>\n"
	      "<input type=file id=file name=file required>\n"
	      "<span class=hint>A .wmopkg file. It is verified while it arrives, and "
	      "refused as soon as something is wrong.</span></p>\n"
	      "<div class=progress hidden><progress max=100 aria-label=Upload></progress>"
	      "<output></output></div>\n"
	      "<div class=actions><button class=main>Upload and install</button></div>\n"
	      "</form>\n",
	      page->body);
	return 0;
}

static int put_url(struct web_page *page, struct verity_error *err)
{
	int r = web_page_form(page, "fetch", false, err);

	if (r < 0)
		return r;
	fputs("<p><label for=url>Address</label>\n"
	      "<input id=url name=url required maxlength=2048 spellcheck=false "
	      "autocapitalize=off placeholder=\"https://192.0.2.1/example.wmopkg\">\n"
	      "<span class=hint>http, https, ftp, tftp, scp or sftp, as the device reaches "
	      "it.</span></p>\n"
	      "<p class=pair><span><label for=user>User</label>\n"
	      "<input id=user name=user autocomplete=off maxlength=256></span>\n"
	      "<span><label for=password>Password</label>\n"
	      "<input id=password name=password type=password autocomplete=off "
	      "maxlength=256></span></p>\n",
	      page->body);
	put_options(page->body);
	fputs("<div class=progress hidden><progress max=100 aria-label=Download></progress>"
	      "<output></output></div>\n"
	      "<div class=actions><button class=main>Download and install</button></div>\n"
	      "</form>\n",
	      page->body);
	return 0;
}

/* Names on a medium may hold any bytes. */
static void put_media_row(FILE *out, const struct media_row *row)
{
	char size[VERITY_TEXT_SIZE_BYTES] = "", volume[MEDIA_TEXT_MAX] = "";

	if (row->item) {
		verity_text_format_size(row->item->bytes, size);
		memcpy(volume, row->item->volume, sizeof(volume));
		verity_text_plain(volume);
	}
	html_print(out, "<option value=\"%s\">%s: %s%s%s%s%s</option>\n", row->label,
		   row->label, media_row_state(row), volume[0] ? ", " : "", volume,
		   size[0] ? ", " : "", size);
}

static int put_media(struct web_page *page, struct verity_error *err)
{
	cleanup_with(media_view_done) struct media_view view = {.external = NULL};
	cleanup_free struct media_row *rows = calloc(MEDIA_ROWS_MAX, sizeof(*rows));
	size_t count;
	int r = rows ? media_view_read(page->device, NULL, &view, err)
		     : verity_no_memory(err);

	if (r == 0)
		r = web_page_form(page, "media", false, err);
	if (r < 0)
		return r;
	fputs("<p class=pair><span><label for=label>Medium</label>\n"
	      "<select id=label name=label>\n",
	      page->body);
	count = media_rows(&view, rows);
	for (size_t i = 0; i < count; i++)
		if (rows[i].label)
			put_media_row(page->body, &rows[i]);
	fputs("</select></span>\n<span><label for=path>Path of the file on it</label>\n"
	      "<input id=path name=path required maxlength=1024 spellcheck=false "
	      "autocapitalize=off placeholder=\"example.wmopkg\"></span></p>\n",
	      page->body);
	put_options(page->body);
	fputs("<div class=progress hidden><progress max=100 aria-label=Reading></progress>"
	      "<output></output></div>\n"
	      "<div class=actions><button class=main>Install from the medium</button></div>\n"
	      "</form>\n",
	      page->body);
	return 0;
}

int install_page(struct web_page *page, struct verity_error *err)
{
	int r;

	allow_untrusted_warn(page->device);
	reset_pending_warn(page->device);
	fputs("<section class=card aria-labelledby=from-file>\n"
	      "<h2 id=from-file>From this computer</h2>\n",
	      page->body);
	r = put_upload(page, err);
	fputs("</section>\n<section class=card aria-labelledby=from-server>\n"
	      "<h2 id=from-server>From a server</h2>\n",
	      page->body);
	r = r ?: put_url(page, err);
	fputs("</section>\n<section class=card aria-labelledby=from-medium>\n"
	      "<h2 id=from-medium>From a USB stick or SD card</h2>\n",
	      page->body);
	r = r ?: put_media(page, err);
	fputs("</section>\n", page->body);
	return r;
}
