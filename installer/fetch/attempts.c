/* SPDX-License-Identifier: MIT */
/* One protocol after the other, and retries after a lost connection. */
#include "installer/fetch/attempts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "installer/common/report.h"
#include "installer/fetch/login.h"
#include "installer/fetch/protocols.h"
#include "installer/fetch/transfer.h"
#include "verity/format/format.h"

#define ATTEMPTS_MAX 2
#define RETRIES_MAX  3
#define RETRY_MS     2000

/* What is tried if no protocol is given, in this order. */
static const char *const defaults[ATTEMPTS_MAX] = {"ftp", "tftp"};

struct attempts {
	struct source source;
	struct source_request settings;  /* only those of the device, which are */
	char *authorities, *known_hosts; /* owned */
	struct login login;
	struct url urls[ATTEMPTS_MAX];
	size_t count;
	struct transfer *transfer; /* of the present attempt */
	bool is_url;               /* given as a URL */
	bool is_global;            /* libcurl is initialised */
};

static int64_t attempts_bytes(const struct source *source)
{
	const struct attempts *attempts = (const struct attempts *)source;

	return attempts->transfer ? attempts->transfer->total : -1;
}

static void attempts_free(struct source *source)
{
	struct attempts *attempts = (struct attempts *)source;

	for (size_t i = 0; i < ATTEMPTS_MAX; i++)
		url_done(&attempts->urls[i]);
	login_done(&attempts->login);
	free(attempts->authorities);
	free(attempts->known_hosts);
	if (attempts->is_global)
		curl_global_cleanup();
	free(attempts);
}

/*
 * After a lost connection: says so, and waits for the next try. Only the rest of the same
 * file may follow the bytes that the sink has.
 */
static int prepare_retry(struct transfer *transfer, unsigned retry, int r,
			 struct verity_error *err)
{
	const struct source_sink *sink = transfer->sink;
	struct verity_error lost = *err;

	if (transfer->taken > 0 && !transfer->protocol->can_resume) {
		(void)verity_fail(err, lost.code,
				  "%s; this protocol cannot go on where it ended",
				  lost.message);
		return r;
	}
	if (transfer->taken > 0 && !transfer->validator[0]) {
		(void)verity_fail(err, lost.code,
				  "%s; the server gives neither an ETag nor a date for "
				  "the file, so the rest cannot be fetched separately",
				  lost.message);
		return r;
	}
	if (sink->interlude)
		sink->interlude(sink->context);
	if (transfer->total > 0)
		printf("Connection lost at %" PRId64 " %%",
		       transfer->taken * 100 / transfer->total);
	else
		printf("Connection lost after %" PRId64 " bytes", transfer->taken);
	printf(", trying again (%u of %d)\n", retry, RETRIES_MAX);
	fflush(stdout);
	transfer->is_amended = false;
	return transfer_wait(transfer, RETRY_MS, err);
}

/* What a server asks for besides the file is found out between two tries. */
static int fetch(struct attempts *attempts, struct transfer *transfer,
		 struct login_state *state, struct verity_error *err)
{
	unsigned retry = 0;

	for (;;) {
		int r = transfer_try(transfer, err);
		int again = 0;

		if (r == 0 || (transfer->lost && retry == RETRIES_MAX))
			return r;
		if (transfer->lost) {
			r = prepare_retry(transfer, ++retry, r, err);
			if (r < 0)
				return r;
			continue;
		}
		if (transfer->protocol->ops->amend)
			again = transfer->protocol->ops->amend(transfer, err);
		if (again == 0)
			again = login_amend(transfer, &attempts->login, state, err);
		if (again <= 0)
			return again ?: r;
		transfer->is_amended = true;
		retry = 0;
	}
}

/* @ret_next: it failed for a reason that another protocol may not have */
static int attempt(struct attempts *attempts, const struct url *url,
		   const struct source_sink *sink, bool *ret_next,
		   struct verity_error *err)
{
	cleanup_with(transfer_free_p) struct transfer *transfer = NULL;
	struct login_state state;
	int r = transfer_new(url->protocol, &attempts->settings, url->whole, sink,
			     &transfer, err);

	if (r == 0)
		r = login_begin(transfer, &attempts->login, attempts->is_url, &state,
				err);
	if (r < 0)
		return r;
	printf("Attempting to download file %s" VERITY_PACKAGE_SUFFIX ", using %s\n",
	       attempts->source.name, url->protocol->name);
	fflush(stdout);
	attempts->transfer = transfer;
	r = fetch(attempts, transfer, &state, err);
	attempts->transfer = NULL;
	*ret_next = r < 0 && transfer->taken == 0 &&
		    (err->code == VERITY_E_TRANSFER || err->code == VERITY_E_LOST ||
		     err->code == VERITY_E_LOGIN || err->code == VERITY_E_NOT_FOUND);
	return r;
}

/* "FTP: ...; TFTP: ..."; that one of them has no such file matters most. */
static int fail_all(const struct attempts *attempts, const struct verity_error *reasons,
		    struct verity_error *err)
{
	char message[VERITY_MESSAGE_MAX] = "";
	enum verity_code code = reasons[0].code;

	for (size_t i = 0; i < attempts->count; i++) {
		size_t used = strlen(message);

		snprintf(message + used, sizeof(message) - used, "%s%s: %s",
			 i ? "; " : "", attempts->urls[i].protocol->name,
			 reasons[i].message);
		if (reasons[i].code == VERITY_E_NOT_FOUND)
			code = VERITY_E_NOT_FOUND;
		else if (code != VERITY_E_NOT_FOUND && code != reasons[i].code)
			code = VERITY_E_TRANSFER;
	}
	return verity_fail(err, code, "%s", message);
}

static int attempts_pull(struct source *source, const struct source_sink *sink,
			 struct verity_error *err)
{
	struct attempts *attempts = (struct attempts *)source;
	struct verity_error reasons[ATTEMPTS_MAX] = {0};

	for (size_t i = 0; i < attempts->count; i++) {
		const struct url *url = &attempts->urls[i];
		bool next = false;
		int r = attempt(attempts, url, sink, &next, &reasons[i]);

		if (!next || attempts->count == 1) {
			/* From here on it is known by the URL that decided. */
			char *where = strdup(url->shown);

			if (!where)
				return transfer_no_memory(err);
			free(source->where);
			source->where = where;
			if (r < 0 && err)
				*err = reasons[i];
			return r;
		}
		if (i + 1 == attempts->count)
			break;
		/* The message itself begins with no name. */
		printf("%s failed: ", url->protocol->name);
		report_plain(stdout, reasons[i].message);
		putchar('\n');
		fflush(stdout);
	}
	return fail_all(attempts, reasons, err);
}

static const struct source_kind kind_attempts = {
	.bytes = attempts_bytes,
	.pull = attempts_pull,
	.free = attempts_free,
};

static bool replace(char **ret, const char *text)
{
	if (!text)
		return true;
	if (*ret)
		explicit_bzero(*ret, strlen(*ret));
	free(*ret);
	*ret = strdup(text);
	return *ret;
}

/* ftp sends it as part of a line: an end of line would make the rest a command. */
static int check_word(const char *what, const char *text, struct verity_error *err)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			return verity_fail(err, VERITY_E_USAGE,
					   "the %s contains a control character", what);
	return 0;
}

static int make_urls(struct attempts *attempts, const struct source_request *request,
		     struct verity_error *err)
{
	size_t count = request->protocol ? 1 : ATTEMPTS_MAX;
	int r;

	if (request->where) {
		attempts->is_url = true;
		attempts->count = 1;
		return url_parse(request->where, &attempts->urls[0], &attempts->login,
				 attempts->source.name, err);
	}
	r = verity_name_from_path(request->path, attempts->source.name, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const char *scheme = request->protocol ?: defaults[i];
		const struct protocol *protocol;

		r = protocol_get(scheme, strlen(scheme), &protocol, err);
		if (r == 0)
			r = url_build(protocol, request->address, request->path,
				      &attempts->urls[i], err);
	}
	attempts->count = count;
	return r;
}

int attempts_open(const struct source_request *request, struct source **ret,
		  struct verity_error *err)
{
	struct attempts *attempts = calloc(1, sizeof(*attempts));
	cleanup_with(source_free_p) struct source *source = (struct source *)attempts;
	int r;

	if (!attempts)
		return transfer_no_memory(err);
	source->kind = &kind_attempts;
	attempts->is_global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if (!attempts->is_global)
		return transfer_no_memory(err);
	r = make_urls(attempts, request, err);
	if (r == 0)
		r = check_word("user name", request->user, err);
	if (r == 0)
		r = check_word("password", request->password, err);
	if (r < 0)
		return r;
	/* Words of their own count more than what stands in a URL. */
	if (!replace(&attempts->login.user, request->user) ||
	    !replace(&attempts->login.password, request->password) ||
	    !replace(&attempts->authorities, request->authorities) ||
	    !replace(&attempts->known_hosts, request->known_hosts))
		return transfer_no_memory(err);
	attempts->settings.authorities = attempts->authorities;
	attempts->settings.known_hosts = attempts->known_hosts;
	/* Several protocols have no one URL: what was typed is enough. */
	if (attempts->count == 1)
		source->where = strdup(attempts->urls[0].shown);
	else if (asprintf(&source->where, "%s/%s", request->address,
			  request->path + (request->path[0] == '/')) < 0)
		source->where = NULL;
	if (!source->where)
		return transfer_no_memory(err);
	*ret = steal_ptr(&source);
	return 0;
}
