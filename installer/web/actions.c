/* SPDX-License-Identifier: MIT */
/* The table of actions, each of which does what a command does. */
#include "installer/web/actions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "installer/commands/remove.h"
#include "installer/commands/retry.h"
#include "installer/commands/undo.h"
#include "installer/device/installed.h"
#include "installer/device/reboot.h"
#include "installer/device/reset_request.h"
#include "installer/fetch/source_open.h"
#include "installer/media/open.h"
#include "installer/receive/device_source.h"
#include "installer/web/form_token.h"
#include "installer/web/install_show.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

static bool is_set(const struct web_page *page, const char *name)
{
	return strcmp(request_field(page->request, name), "yes") == 0;
}

/* NULL for what was left empty. */
static const char *given(const struct web_page *page, const char *name)
{
	const char *value = request_field(page->request, name);

	return value[0] ? value : NULL;
}

static int upload(struct web_page *page, struct source **ret, struct verity_error *err)
{
	return page->request->has_file
		       ? request_source(page->request, ret, err)
		       : verity_fail(err, VERITY_E_USAGE,
				     "no file was chosen (choose a .wmopkg file)");
}

/* A path would be one of this device, which the browser must not name. */
static int fetch(struct web_page *page, struct source **ret, struct verity_error *err)
{
	struct source_request request = {
		.where = request_field(page->request, "url"),
		.user = given(page, "user"),
		.password = given(page, "password"),
	};

	if (!source_is_url(request.where))
		return verity_fail(err, VERITY_E_USAGE,
				   "the address is not a URL (such as "
				   "https://192.0.2.1/example.wmopkg)");
	return device_source_open(page->device, &request, ret, err);
}

static int media(struct web_page *page, struct source **ret, struct verity_error *err)
{
	return media_source_open(page->device, request_field(page->request, "label"),
				 request_field(page->request, "path"), false, ret, err);
}

static int install_from(struct web_page *page,
			int (*open)(struct web_page *page, struct source **ret,
				    struct verity_error *err),
			struct verity_error *err)
{
	cleanup_with(source_free_p) struct source *source = NULL;
	cleanup_fd int lock = -1;
	int r = verity_io_open(page->run_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, &lock,
			       NULL, err);

	/* One at a time is as much as a small device has memory and storage for. */
	if (r == 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
		r = verity_fail(err, VERITY_E_BUSY,
				"another installation from a browser goes on");
	if (r == 0)
		r = open(page, &source, err);
	if (r == 0)
		r = install_show(page, source,
				 is_set(page, "persistent") ? OVERLAY_PERSISTENT
							    : OVERLAY_ORDINARY,
				 is_set(page, "force"), err);
	return r;
}

static int do_upload(struct web_page *page, struct verity_error *err)
{
	return install_from(page, upload, err);
}

static int do_fetch(struct web_page *page, struct verity_error *err)
{
	return install_from(page, fetch, err);
}

static int do_media(struct web_page *page, struct verity_error *err)
{
	return install_from(page, media, err);
}

static int do_remove(struct web_page *page, struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	const char *name = request_field(page->request, "name");
	size_t count;
	int r = remove_find(page->device, &name, 1, &entries, &count, err);

	if (r == 0)
		r = remove_check(page->device, entries, count, err);
	if (r == 0 && remove_entries(page->device, entries, count) != STATUS_DONE)
		r = verity_fail(err, VERITY_E_IO, "%s: not removed", entries[0].name);
	if (r == 0)
		messages_add(page->messages, MESSAGE_KIND_DONE,
			     "Removed... Changes are applied after reboot.");
	return r;
}

/* What the page has shown, and nothing that was changed since, also by the same form. */
static int do_undo(struct web_page *page, struct verity_error *err)
{
	cleanup_with(undo_free) struct undo undo = {.count = 0};
	char mark[UNDO_MARK_BYTES];
	int r = undo_find(page->device, &undo, err);

	if (r == 0)
		r = undo_mark(&undo, mark, err);
	if (r == 0 && strcmp(request_field(page->request, "shown"), mark) != 0)
		r = verity_fail(err, VERITY_E_BUSY,
				"nothing was undone: the last change is not the one that "
				"the page has shown (load the page again, then decide)");
	if (r == 0)
		r = undo_check(page->device, &undo, err);
	if (r == 0 && undo_run(page->device, &undo) != STATUS_DONE)
		r = verity_fail(err, VERITY_E_IO, "the last change: not undone");
	if (r == 0)
		messages_add(page->messages, MESSAGE_KIND_DONE,
			     "Undone... Changes are applied after reboot.");
	return r;
}

static int do_retry(struct web_page *page, struct verity_error *err)
{
	char name[VERITY_NAME_MAX + 1], text[VERITY_NAME_MAX + 64];
	int r = retry_run(page->device, request_field(page->request, "name"), name, err);

	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%s is tried again at the next boot.", name);
	messages_add(page->messages, MESSAGE_KIND_DONE, text);
	return 0;
}

static int do_reset_cancel(struct web_page *page, struct verity_error *err)
{
	bool cancelled;
	int r = reset_request_cancel(page->device, &cancelled, err);

	if (r < 0)
		return r;
	messages_add(page->messages, MESSAGE_KIND_DONE,
		     cancelled ? "Cancelled... Nothing is reset at the next reboot."
			       : "No factory reset is requested.");
	return 0;
}

/* The answer comes first: the web server ends with the system. */
static int reboot(struct web_page *page, struct verity_error *err)
{
	int r;

	page->title = "Rebooting";
	messages_add(page->messages, MESSAGE_KIND_DONE, "Rebooting...");
	fputs("<p class=lead data-wait=reboot>The device is restarting. This page can be "
	      "loaded again when it is back.</p>\n"
	      "<div class=actions><a class=button href=\"?page=packages\">Packages</a>"
	      "</div>\n",
	      page->body);
	page->is_open = true;
	r = web_page_send(page, err);
	return r < 0 ? r : reboot_device(err);
}

static int do_reboot(struct web_page *page, struct verity_error *err)
{
	return reboot(page, err);
}

static int do_reset(struct web_page *page, struct verity_error *err)
{
	int r = is_set(page, "confirm")
			? 0
			: verity_fail(err, VERITY_E_USAGE,
				      "nothing was reset: it was not confirmed");

	if (r == 0)
		r = reset_request_allowed(page->device, false, err);
	if (r == 0)
		r = reset_request(page->device, false, err);
	if (r < 0)
		return r;
	if (is_set(page, "reboot")) {
		messages_add(page->messages, MESSAGE_KIND_DONE,
			     "Factory reset requested.");
		return reboot(page, err);
	}
	messages_add(page->messages, MESSAGE_KIND_DONE,
		     "Factory reset requested... It takes place at the next reboot.");
	return 0;
}

static const struct action {
	const char *name, *title;
	const char *current; /* page that is shown afterwards, and in the navigation */
	int (*run)(struct web_page *page, struct verity_error *err);
} actions[] = {
	{"upload", "Install a package", "packages", do_upload},
	{"fetch", "Install a package", "packages", do_fetch},
	{"media", "Install a package", "packages", do_media},
	{"remove", "Remove", "packages", do_remove},
	{"retry", "Package", "packages", do_retry},
	{"undo", "Undo", "pending", do_undo},
	{"reset", "Factory reset", "device", do_reset},
	{"reset_cancel", "Factory reset", "device", do_reset_cancel},
	{"reboot", "Reboot", "device", do_reboot},
};

static int check_token(const struct web_page *page, struct verity_error *err)
{
	uint8_t secret[TOKEN_SECRET_BYTES];
	struct timespec now = {0};
	int r = token_secret(page->run_fd, secret, err);
	bool right;

	if (r < 0)
		return r;
	clock_gettime(CLOCK_BOOTTIME, &now);
	right = token_check(secret, page->request->user, (uint64_t)now.tv_sec,
			    request_field(page->request, "token"));
	explicit_bzero(secret, sizeof(secret));
	if (right)
		return 0;
	return verity_fail(
		err, VERITY_E_PERMISSION,
		"nothing was done: the form is too old, or another site sent it "
		"(go back, load the page again, then try again)");
}

int actions_run(struct web_page *page, bool *ret_done, struct verity_error *err)
{
	const char *name = request_field(page->request, "action");
	const struct action *action = NULL;
	char query[128], id[RESULT_ID_BYTES];
	int r = check_token(page, err);

	page->title = "Not done";
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			action = &actions[i];
	if (r == 0 && !action)
		r = verity_fail(err, VERITY_E_USAGE, "there is no action '%s'", name);
	if (r < 0)
		return r;
	page->title = action->title;
	page->current = action->current;
	page->sent = false;
	r = action->run(page, err);
	if (r < 0 || page->sent) {
		*ret_done = page->sent;
		return r;
	}
	/* The messages are shown by the page that the browser is sent to. */
	if (!page->result.id[0])
		result_begin(&page->result, page->run_fd,
			     request_field(page->request, "id"));
	if (!page->result.id[0] && result_new_id(id, err) == 0)
		result_begin(&page->result, page->run_fd, id);
	result_end(&page->result, true, page->messages);
	snprintf(query, sizeof(query), "?page=%s&result=%s", action->current,
		 page->result.id);
	web_page_redirect(query);
	*ret_done = true;
	return 0;
}
