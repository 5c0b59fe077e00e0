/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "installer/common/report.h"
#include "installer/fetch/login.h"
#include "installer/fetch/source_private.h"
#include "installer/fetch/transfer.h"
#include "installer/fetch/url.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"

#define ATTEMPTS_MAX 2
#define RETRIES_MAX  3
#define RETRY_MS     2000

DEFINE_CLEANUP(struct source_transfer, source_curl_free);

/* What is tried where no protocol is given, in this order. */
static const char *const usual[ATTEMPTS_MAX] = {"ftp", "tftp"};

struct source_attempts {
	struct source source;
	struct source_request request;   /* the device's settings alone, which are: */
	char *authorities, *known_hosts; /* owned */
	struct source_login login;
	struct source_url urls[ATTEMPTS_MAX];
	size_t count;
	struct source_transfer *transfer; /* of the attempt being made */
	bool is_url;                      /* was given as one */
	bool is_global;                   /* libcurl is begun */
};

static int64_t attempts_bytes(const struct source *source)
{
	const struct source_attempts *attempts = (const struct source_attempts *)source;

	return attempts->transfer ? attempts->transfer->total : -1;
}

static void attempts_free(struct source *source)
{
	struct source_attempts *attempts = (struct source_attempts *)source;

	for (size_t i = 0; i < attempts->count; i++)
		source_url_done(&attempts->urls[i]);
	source_login_done(&attempts->login);
	free(attempts->authorities);
	free(attempts->known_hosts);
	if (attempts->is_global)
		curl_global_cleanup();
	free(attempts);
}

static void say_attempt(const struct source_attempts *attempts,
			const struct source_url *url)
{
	printf("Attempting to download file %s" VERITY_PACKAGE_SUFFIX ", using %s\n",
	       attempts->source.name, url->protocol->name);
	fflush(stdout);
}

/* The name of the protocol begins the sentence: the message itself names no place. */
static void say_given_up(const struct source_url *url, const struct verity_error *why)
{
	printf("%s failed: ", url->protocol->name);
	report_plain(stdout, why->message);
	putchar('\n');
	fflush(stdout);
}

static void say_lost(const struct source_transfer *transfer, unsigned retry)
{
	const struct source_sink *sink = transfer->sink;

	if (sink->interlude)
		sink->interlude(sink->context);
	if (transfer->total > 0)
		printf("Connection lost at %" PRId64 " %%",
		       transfer->taken * 100 / transfer->total);
	else
		printf("Connection lost after %" PRId64 " bytes", transfer->taken);
	printf(", trying again (%u of %d)\n", retry, RETRIES_MAX);
	fflush(stdout);
}

/* The rest of another file must not follow the begin of this one. */
static const char *why_no_rest(const struct source_transfer *transfer)
{
	if (transfer->taken == 0)
		return NULL;
	if (!transfer->protocol->can_resume)
		return "this protocol cannot go on where it ended";
	if (!transfer->validator[0])
		return "the server gives nothing to recognise the file by, so it cannot be "
		       "taken up again";
	return NULL;
}

static int fail_for_good(const char *why_not, int r, struct verity_error *err)
{
	struct verity_error lost;

	if (!err)
		return r;
	lost = *err;
	(void)verity_fail(err, lost.code, "%s; %s", lost.message, why_not);
	return r;
}

/* A connection that broke is tried again, and goes on where it ended. */
static int fetch(struct source_transfer *transfer, struct verity_error *err)
{
	unsigned retry = 0;

	for (;;) {
		const char *why_not;
		int r = source_curl_try(transfer, err);

		if (r == 0 || !transfer->lost || retry == RETRIES_MAX)
			return r;
		why_not = why_no_rest(transfer);
		if (why_not)
			return fail_for_good(why_not, r, err);
		say_lost(transfer, ++retry);
		transfer->is_amended = false;
		r = source_curl_wait(transfer, RETRY_MS, err);
		if (r < 0)
			return r;
	}
}

/* What a server asks for besides the file is found out between two tries. */
static int fetch_as_user(struct source_attempts *attempts,
			 struct source_transfer *transfer,
			 struct source_login_state *state, struct verity_error *err)
{
	for (;;) {
		int r = fetch(transfer, err);
		int again = 0;

		if (r < 0 && transfer->protocol->amend)
			again = transfer->protocol->amend(transfer, err);
		if (r < 0 && again == 0)
			again = source_login_amend(transfer, &attempts->login, state,
						   err);
		if (again <= 0)
			return again ?: r;
		transfer->is_amended = true;
	}
}

/* Whether an attempt has ended for a reason that another protocol may not have. */
static bool may_go_on(const struct source_transfer *transfer,
		      const struct verity_error *why)
{
	switch ((int)why->code) {
	case VERITY_E_TRANSFER:
	case VERITY_E_LOST:
	case VERITY_E_LOGIN:
	case VERITY_E_NOT_FOUND:
		return transfer->taken == 0;
	default:
		return false;
	}
}

static int attempt(struct source_attempts *attempts, const struct source_url *url,
		   const struct source_sink *sink, bool *ret_go_on,
		   struct verity_error *err)
{
	cleanup_with(source_curl_free_p) struct source_transfer *transfer = NULL;
	struct source_login_state state;
	int r = source_curl_new(url->protocol, &attempts->request, url->whole, sink,
				&transfer, err);

	if (r < 0)
		return r;
	r = source_login_begin(transfer, &attempts->login, attempts->is_url, &state, err);
	if (r < 0)
		return r;
	attempts->transfer = transfer;
	say_attempt(attempts, url);
	r = fetch_as_user(attempts, transfer, &state, err);
	attempts->transfer = NULL;
	*ret_go_on = r < 0 && may_go_on(transfer, err);
	return r;
}

/* From here on it is known by the URL that worked. */
static int settle(struct source_attempts *attempts, const struct source_url *url,
		  struct verity_error *err)
{
	char *where = strdup(url->where);

	if (!where)
		return source_curl_out_of_memory(err);
	free(attempts->source.where);
	attempts->source.where = where;
	return 0;
}

/* "FTP: ...; TFTP: ..."; a file that one of them lacks is what matters most. */
static int fail_all(const struct source_attempts *attempts,
		    const struct verity_error *reasons, struct verity_error *err)
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
	struct source_attempts *attempts = (struct source_attempts *)source;
	struct verity_error reasons[ATTEMPTS_MAX] = {0};

	for (size_t i = 0; i < attempts->count; i++) {
		const struct source_url *url = &attempts->urls[i];
		bool go_on = false;
		int r = attempt(attempts, url, sink, &go_on, &reasons[i]);

		if (!go_on || attempts->count == 1) {
			if (r < 0 && err)
				*err = reasons[i];
			return settle(attempts, url, &reasons[i]) ?: r;
		}
		if (i + 1 < attempts->count)
			say_given_up(url, &reasons[i]);
	}
	return fail_all(attempts, reasons, err);
}

static const struct source_kind kind_attempts = {
	.bytes = attempts_bytes,
	.pull = attempts_pull,
	.free = attempts_free,
};

static int replace(const char *text, char **ret, struct verity_error *err)
{
	if (!text)
		return 0;
	if (*ret)
		explicit_bzero(*ret, strlen(*ret));
	free(*ret);
	*ret = strdup(text);
	return *ret ? 0 : source_curl_out_of_memory(err);
}

/* ftp sends it as part of a line: with an end of line in it, it would be a command. */
static int check_word(const char *what, const char *text, struct verity_error *err)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			return verity_fail(err, VERITY_E_USAGE,
					   "the %s has a control character in it", what);
	return 0;
}

/* What was typed apart from an URL counts more than what stands in it. */
static int take_settings(struct source_attempts *attempts,
			 const struct source_request *request, struct verity_error *err)
{
	int r = check_word("user name", request->user, err);

	if (r == 0)
		r = check_word("password", request->password, err);
	if (r == 0)
		r = replace(request->user, &attempts->login.user, err);
	if (r == 0)
		r = replace(request->password, &attempts->login.password, err);
	if (r == 0)
		r = replace(request->authorities, &attempts->authorities, err);
	if (r == 0)
		r = replace(request->known_hosts, &attempts->known_hosts, err);
	attempts->request.authorities = attempts->authorities;
	attempts->request.known_hosts = attempts->known_hosts;
	return r;
}

static int add_place(struct source_attempts *attempts, const char *protocol,
		     const struct source_request *request, struct verity_error *err)
{
	const struct source_protocol *found;
	int r = source_protocol_get(protocol, strlen(protocol), &found, err);

	if (r == 0)
		r = source_url_build(found, request->address, request->path,
				     &attempts->urls[attempts->count], err);
	if (r == 0)
		attempts->count++;
	return r;
}

static int add_places(struct source_attempts *attempts,
		      const struct source_request *request, struct verity_error *err)
{
	int r = verity_name_from_path(request->path, attempts->source.name, err);

	if (r == 0 && request->protocol)
		return add_place(attempts, request->protocol, request, err);
	for (size_t i = 0; r == 0 && i < ATTEMPTS_MAX; i++)
		r = add_place(attempts, usual[i], request, err);
	return r;
}

static int add_url(struct source_attempts *attempts, const char *where,
		   struct verity_error *err)
{
	int r = source_url_parse(where, &attempts->urls[0], &attempts->login,
				 attempts->source.name, err);

	if (r == 0)
		attempts->count = 1;
	return r;
}

/* With several protocols there is no one URL yet: what was typed says enough. */
static int name_place(struct source_attempts *attempts,
		      const struct source_request *request, struct verity_error *err)
{
	char *where = NULL;

	if (attempts->count == 1)
		where = strdup(attempts->urls[0].where);
	else if (asprintf(&where, "%s/%s", request->address,
			  request->path + (request->path[0] == '/')) < 0)
		where = NULL;
	attempts->source.where = where;
	return where ? 0 : source_curl_out_of_memory(err);
}

static void source_attempts_free_p(struct source_attempts **attempts)
{
	if (*attempts)
		source_free(&(*attempts)->source);
}

int source_attempts_open(const struct source_request *request, struct source **ret,
			 struct verity_error *err)
{
	cleanup_with(source_attempts_free_p) struct source_attempts *attempts =
		calloc(1, sizeof(*attempts));
	int r;

	if (!attempts)
		return source_curl_out_of_memory(err);
	attempts->source.kind = &kind_attempts;
	attempts->is_url = request->where;
	attempts->is_global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if (!attempts->is_global)
		return source_curl_out_of_memory(err);
	r = request->where ? add_url(attempts, request->where, err)
			   : add_places(attempts, request, err);
	if (r == 0)
		r = take_settings(attempts, request, err);
	if (r == 0)
		r = name_place(attempts, request, err);
	if (r < 0)
		return r;
	*ret = &steal_ptr(&attempts)->source;
	return 0;
}
