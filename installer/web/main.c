/* SPDX-License-Identifier: MIT */

/* wmopkg-web: one request of a web server, by CGI (RFC 3875). */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assets.h"
#include "installer/web/actions.h"
#include "installer/web/html.h"
#include "installer/web/pages.h"
#include "overlay/fs/mkdir.h"
#include "verity/cms/openssl.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "version.h"

#define PAGE_SECONDS   120  /* that a page may take */
#define ACTION_SECONDS 7200 /* a slow connection, a large package */

static const struct {
	const char *name, *type, *text;
} assets[] = {
	{"style", "text/css; charset=utf-8", assets_style},
	{"script", "text/javascript; charset=utf-8", assets_script},
	{"icon", "image/svg+xml", assets_icon},
};

static void send_content(const struct web_page *page, const char *text)
{
	if (page->request->method != REQUEST_HEAD)
		fputs(text, stdout);
}

/* Its address changes with its content. */
static bool send_asset(const struct web_page *page, const char *name)
{
	char extra[128];

	for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
		if (strcmp(assets[i].name, name) != 0)
			continue;
		snprintf(extra, sizeof(extra),
			 "Cache-Control: private, max-age=86400\r\n"
			 "Content-Length: %zu\r\n",
			 strlen(assets[i].text));
		web_page_headers(200, assets[i].type, extra);
		send_content(page, assets[i].text);
		return true;
	}
	return false;
}

static int send_result(const struct web_page *page, const char *id,
		       struct verity_error *err)
{
	cleanup_free char *text = NULL;
	int r = result_load(page->run_fd, id, &text, err);

	if (r < 0)
		return r;
	web_page_headers(200, "application/json", "");
	send_content(page, text);
	return 0;
}

/* RUN/web, which only root can read. */
static int open_run(const struct overlay_config *config, int *ret,
		    struct verity_error *err)
{
	cleanup_fd int run = -1;
	struct stat st;
	int fd;

	int r = overlay_folder_make(config->run, 0755, err);

	if (r < 0)
		return r;
	run = open(config->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run < 0)
		return verity_fail_errno(err, errno, "%s", config->run);
	if (mkdirat(run, "web", 0700) < 0 && errno != EEXIST)
		return verity_fail_errno(err, errno, "%s/web", config->run);
	fd = openat(run, "web", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s/web", config->run);
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077)) {
		close(fd);
		return verity_fail(
			err, VERITY_E_PERMISSION,
			"%s/web: it belongs to somebody else, or can be read by "
			"others",
			config->run);
	}
	*ret = fd;
	return 0;
}

static int check_user(struct web_page *page, struct verity_error *err)
{
	if (page->request->user[0] || device_config(page->device)->web_open)
		return 0;
	page->title = "Login needed";
	return verity_fail(err, VERITY_E_PERMISSION,
			   "the web server has asked nobody for a login (set up its "
			   "authentication, or set web_login in the configuration)");
}

static int check_request(struct web_page *page, struct verity_error *err)
{
	page->title = "Not found";
	if (page->request->has_path)
		return verity_fail(err, VERITY_E_NOT_FOUND, "there is no such page");
	if (page->request->method == REQUEST_OTHER) {
		page->status = 405;
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "only GET, HEAD and POST are known");
	}
	page->title = "Not done";
	return page->request->is_foreign
		       ? verity_fail(err, VERITY_E_PERMISSION,
				     "nothing was done: another site sent the request "
				     "(open the address of the device, then try again)")
		       : 0;
}

static int prepare(struct web_page *page, char *user, size_t user_bytes,
		   struct verity_error *err)
{
	int r = device_open(getenv("WMOPKG_CONFIG"), &page->device, err);

	page->title = "Error";
	if (r == 0)
		r = check_user(page, err);
	if (r == 0)
		r = check_request(page, err);
	if (r == 0)
		r = open_run(device_config(page->device), &page->run_fd, err);
	if (r < 0)
		return r;
	snprintf(user, user_bytes, "web:%s",
		 page->request->user[0] ? page->request->user : "anybody");
	device_act_for(page->device, user);
	page->title = "Not done";
	return request_read(page->request, device_config(page->device), err);
}

static int answer(struct web_page *page, struct verity_error *err)
{
	char user[REQUEST_USER_MAX + 8];
	const char *text;
	bool done = false;
	int r = prepare(page, user, sizeof(user), err);

	if (r == 0 && page->request->method == REQUEST_POST) {
		alarm(ACTION_SECONDS);
		r = actions_run(page, &done, err);
		if (r == 0 && done)
			return 0;
	} else if (r == 0) {
		text = request_field(page->request, "asset");
		if (text[0])
			return send_asset(page, text)
				       ? 0
				       : verity_fail(err, VERITY_E_NOT_FOUND,
						     "there is no such file");
		text = request_field(page->request, "progress");
		if (text[0])
			return send_result(page, text, err);
		text = request_field(page->request, "result");
		if (text[0])
			result_messages(page->run_fd, text, page->messages);
		r = pages_show(page, err);
	}
	return r < 0 ? r : web_page_send(page, err);
}

/* What has been written of a page that failed is not shown. */
static void answer_error(struct web_page *page, const struct verity_error *err)
{
	struct verity_error unused;

	if (page->sent) {
		html_print(stdout,
			   "<p class=\"message error\" role=alert><strong>Error"
			   "</strong> %s</p>\n",
			   err->message);
		return;
	}
	web_page_add_error(page, NULL, err);
	if (page->status == 200)
		page->status = web_page_status(err);
	web_page_clear(page);
	fputs("<div class=actions><a class=button href=\"?page=packages\">Packages</a> "
	      "<a class=button href=\"?page=install\">Install</a></div>\n",
	      page->body);
	(void)!web_page_send(page, &unused);
}

/* A terminal that the web server was started on is nobody's to ask. */
static void leave_terminal(void)
{
	cleanup_fd int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (terminal >= 0)
		ioctl(terminal, TIOCNOTTY);
}

static int serve(void)
{
	cleanup_with(request_free_p) struct request *request = NULL;
	cleanup_with(messages_free) struct messages messages = {.count = 0};
	const struct report_listener listener = messages_listener(&messages);
	struct web_page page = {.messages = &messages, .run_fd = -1};
	struct verity_error err;

	report_listen(&listener);
	if (request_new(&request, &err) < 0 || !(page.request = request) ||
	    web_page_begin(&page, &err) < 0) {
		web_page_headers(web_page_status(&err), "text/plain; charset=utf-8", "");
		printf("wmopkg-web: %s\n", err.message);
		return 0;
	}
	if (answer(&page, &err) < 0)
		answer_error(&page, &err);
	fflush(stdout);
	request_drain(request);
	web_page_done(&page);
	report_listen(NULL);
	cleanup_fd_p(&page.run_fd);
	device_free(page.device);
	return 0;
}

int main(int argc, char **argv)
{
	verity_openssl_start();
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	umask(S_IWGRP | S_IWOTH);
	/* The C library opens the file of the time zone, also if it is a pipe. All times
	 * are UTC here, and no file is needed for it. */
	(void)setenv("TZ", ":", 1);
	report_program("wmopkg-web");
	if (verity_debug_wanted())
		verity_debug_start(report_debug);
	/* Some web servers make words of the query: they are never read. */
	if (!getenv("GATEWAY_INTERFACE")) {
		if (argc == 2 && strcmp(argv[1], "--version") == 0)
			return puts("wmopkg-web " WMOPKG_VERSION) < 0;
		return report_hint_usage("see wmopkg-web(8)",
					 "a web server runs this program, by CGI") ==
		       STATUS_DONE;
	}
	leave_terminal();
	alarm(PAGE_SECONDS);
	return serve();
}
