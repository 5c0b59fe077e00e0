/* SPDX-License-Identifier: MIT */
/* One protocol after the other, each with what its transfer needs. */
#include "installer/fetch/attempts.h"

#include <stdio.h>
#include <string.h>

#include "installer/common/echo.h"
#include "installer/common/layout.h"
#include "installer/common/redact.h"
#include "installer/common/report.h"
#include "installer/fetch/client.h"
#include "installer/fetch/credentials.h"
#include "installer/fetch/fetch_user.h"
#include "installer/fetch/fetcher.h"
#include "installer/fetch/known_hosts_file.h"
#include "installer/fetch/ssh_keys.h"
#include "installer/request/authorities.h"
#include "installer/request/protocols.h"
#include "verity/util/text.h"

#define ATTEMPTS_MAX 2

_Static_assert(SOURCE_VERSION_MAX == MESSAGE_VERSION_MAX, "it is handed through");

/* RFC 1635: a guest is asked who he is, not for a secret. */
#define GUEST_PASSWORD "wmopkg@"

/* What is tried if no protocol is given, in this order. */
static const char *const defaults[ATTEMPTS_MAX] = {"ftp", "tftp"};

struct attempts {
	struct source source;
	char *authorities, *known_hosts, *fetch_user, *known; /* owned */
	struct login login;
	struct url urls[ATTEMPTS_MAX];
	size_t count;
	struct client client;        /* of the present attempt */
	bool has_user, has_password; /* given with the command */
};

/* What a job borrows. */
struct held {
	char *authorities, *known_hosts;
	struct ssh_keys keys;
};

static void held_done(struct held *held)
{
	free(held->authorities);
	free(held->known_hosts);
	ssh_keys_done(&held->keys);
}

static int no_memory(struct verity_error *err)
{
	return verity_no_memory(err);
}

static int64_t attempts_bytes(const struct source *source)
{
	const struct attempts *attempts = (const void *)source;

	return attempts->client.total;
}

static void attempts_free(struct source *source)
{
	struct attempts *attempts = (void *)source;

	for (size_t i = 0; i < ATTEMPTS_MAX; i++)
		url_done(&attempts->urls[i]);
	login_done(&attempts->login);
	free(attempts->authorities);
	free(attempts->known_hosts);
	free(attempts->fetch_user);
	free(attempts->known);
	free(attempts);
}

/* Who logs in, as far as it is known before the server asks. */
static int set_login(struct attempts *attempts, struct transfer_job *job,
		     struct verity_error *err)
{
	bool has_guests = job->protocol->has_guests;
	struct login *login = &attempts->login;
	int r = 0;

	job->has_user = attempts->has_user;
	job->has_password = attempts->has_password;
	job->password = login->password;
	/* By custom, who gives no name is a guest, as long as the server lets guests in.
	 */
	if (job->protocol->needs_user &&
	    !(has_guests && !login->user && !login->password)) {
		if (!login->user)
			r = credentials_login_name(&login->user, err);
		if (r == 0 && has_guests && !job->password &&
		    (strcmp(login->user, "anonymous") == 0 ||
		     strcmp(login->user, "ftp") == 0))
			job->password = GUEST_PASSWORD;
	}
	job->user = login->user;
	return r;
}

/* All that the transfer would have to open. */
static int load(const struct attempts *attempts, struct transfer_job *job,
		struct held *held, struct verity_error *err)
{
	int r = 0;

	/* The default is where libcurl has it, which is not in this program. */
	if (job->protocol->has_certificates && attempts->authorities)
		r = authorities_load(attempts->authorities, &held->authorities,
				     &job->authorities_size, err);
	if (r == 0 && job->protocol->has_host_keys) {
		job->known_hosts_path = attempts->known_hosts;
		r = known_hosts_load(attempts->known_hosts, &held->known_hosts,
				     &job->known_hosts_size, err);
		if (r == 0)
			ssh_keys_load(&held->keys);
		job->has_rsa_key = held->keys.has_rsa;
		for (size_t i = 0; i < held->keys.count; i++)
			job->keys[job->key_count++] = (struct job_text){
				held->keys.items[i].bytes, held->keys.items[i].size};
	}
	job->authorities = held->authorities;
	job->known_hosts = held->known_hosts;
	return r;
}

/* @ret_next: it failed for a reason that another protocol may not have */
static int attempt(struct attempts *attempts, const struct url *url,
		   const struct source_sink *sink, bool *ret_next,
		   struct verity_error *err)
{
	cleanup_with(held_done) struct held held = {0};
	struct fetcher fetcher = {
		.job = {.protocol = url->protocol,
			.url = url->whole,
			.host = url->host,
			.port = url->port,
			.first_bytes = url->protocol->can_part ? sink->first_bytes : 0,
			.known = attempts->known,
			.can_ask = credentials_can_ask()},
	};
	struct client *client = &attempts->client;
	const char *slash = strrchr(url->path, '/');
	FILE *out = sink->out ?: stdout;
	const struct layout layout = layout_of(fileno(out));
	struct transfer_client for_transfer = client_for_transfer(client);
	int r = set_login(attempts, &fetcher.job, err);

	if (r < 0)
		return r;
	*client = (struct client){.sink = sink,
				  .url = url,
				  .login = &attempts->login,
				  .known_hosts = attempts->known_hosts,
				  .total = -1};
	layout_printf(out, &layout, LAYOUT_INDENT,
		      "Attempting to download file %s, using %s",
		      slash ? slash + 1 : url->path, url->protocol->name);
	fflush(out);
	echo_off();
	r = load(attempts, &fetcher.job, &held, err);
	if (r == 0)
		r = fetch_user_find(attempts->fetch_user, &fetcher.job.uid,
				    &fetcher.job.gid, err);
	if (r == 0)
		r = fetcher_run(&fetcher, &for_transfer, err);
	echo_restore();
	if (r < 0 && err->code == VERITY_E_CERTIFICATE && attempts->authorities)
		verity_text_append(err->message, sizeof(err->message),
				   " (check the address; certificate authorities: %s, "
				   "from 'authorities' in the configuration)",
				   attempts->authorities);
	client->total = -1;
	*ret_next = r < 0 && client->taken == 0 &&
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

/* What the transfer says of it is only as good as the process that says it. */
static void note_origin(struct attempts *attempts)
{
	const struct client *client = &attempts->client;
	struct source *source = &attempts->source;

	free(source->origin);
	source->origin = client->origin[0] ? url_show(client->origin) : NULL;
	source->place[0] = '\0';
	if (source->origin)
		verity_text_plain(source->origin);
	if (client->address[0])
		snprintf(source->place, sizeof(source->place), "address %s",
			 client->address);
	if (source->origin && strcmp(source->origin, source->where) != 0)
		verity_text_append(source->place, sizeof(source->place),
				   "%sredirected from %s", source->place[0] ? ", " : "",
				   source->where);
	verity_text_plain(source->place);
}

static int attempts_pull(struct source *source, const struct source_sink *sink,
			 struct verity_error *err)
{
	struct attempts *attempts = (void *)source;
	struct verity_error reasons[ATTEMPTS_MAX] = {0};
	FILE *out = sink->out ?: stdout;
	const struct layout layout = layout_of(fileno(out));

	for (size_t i = 0; i < attempts->count; i++) {
		const struct url *url = &attempts->urls[i];
		bool next = false;
		int r = attempt(attempts, url, sink, &next, &reasons[i]);

		if (!next || attempts->count == 1) {
			/* From here on it is known by the URL that decided. */
			char *where = strdup(url->shown);

			if (!where)
				return no_memory(err);
			free(source->where);
			source->where = where;
			note_origin(attempts);
			memcpy(source->version, attempts->client.version,
			       sizeof(source->version));
			source->unchanged = r == 0 && attempts->client.unchanged;
			if (r < 0 && err)
				*err = reasons[i];
			return r;
		}
		if (i + 1 == attempts->count)
			break;
		/* The message itself begins with no name. */
		layout_printf(out, &layout, LAYOUT_INDENT, "%s failed: %s",
			      url->protocol->name, reasons[i].message);
		fflush(out);
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
	redact_wipe(*ret);
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

static int set_name(struct attempts *attempts, const struct source_request *request,
		    const char *path, struct verity_error *err)
{
	size_t size = strlen(path);

	if (!request->any_name)
		return verity_name_from_path(path, attempts->source.name, err);
	return size > 0 && path[size - 1] != '/'
		       ? 0
		       : verity_fail(err, VERITY_E_USAGE,
				     "the path ends with a '/', not with a file");
}

static int make_urls(struct attempts *attempts, const struct source_request *request,
		     struct verity_error *err)
{
	size_t count = request->protocol ? 1 : ATTEMPTS_MAX;
	int r = 0;

	if (request->where) {
		attempts->count = 1;
		r = url_parse(request->where, &attempts->urls[0], &attempts->login, err);
		return r < 0 ? r
			     : set_name(attempts, request, attempts->urls[0].path, err);
	}
	r = set_name(attempts, request, request->path, err);
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
		return no_memory(err);
	source->kind = &kind_attempts;
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
	    !replace(&attempts->known_hosts, request->known_hosts) ||
	    !replace(&attempts->fetch_user, request->fetch_user) ||
	    !replace(&attempts->known, request->known))
		return no_memory(err);
	attempts->has_user = attempts->login.user;
	attempts->has_password = attempts->login.password;
	attempts->client.total = -1;
	/* Several protocols have no one URL: what was typed is enough. */
	if (attempts->count == 1)
		source->where = strdup(attempts->urls[0].shown);
	else if (asprintf(&source->where, "%s/%s", request->address,
			  request->path + (request->path[0] == '/')) < 0)
		source->where = NULL;
	if (!source->where)
		return no_memory(err);
	*ret = steal_ptr(&source);
	return 0;
}
