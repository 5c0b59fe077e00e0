/* SPDX-License-Identifier: MIT */
/* Lines about a transfer, and questions of it. */
#include "installer/fetch/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "installer/common/prompt.h"
#include "installer/common/report.h"
#include "installer/common/signals.h"
#include "installer/fetch/credentials.h"
#include "installer/fetch/known_hosts_file.h"
#include "verity/util/text.h"

static int take(void *context, const void *bytes, size_t count, struct verity_error *err)
{
	struct client *client = context;

	client->taken += (int64_t)count;
	return client->sink->take(client->sink->context, bytes, count, err);
}

static int next(void *context, struct part *ret, struct verity_error *err)
{
	struct client *client = context;

	client->in_parts = true;
	return client->sink->next(client->sink->context, ret, err);
}

static bool is_whole(void *context)
{
	const struct source_sink *sink = ((struct client *)context)->sink;

	return sink->is_whole && sink->is_whole(sink->context);
}

static void set_length(void *context, int64_t bytes)
{
	((struct client *)context)->total = bytes;
}

static void set_origin(void *context, const char *url)
{
	struct client *client = context;

	snprintf(client->origin, sizeof(client->origin), "%s", url);
}

/* It is sent back to a server some day: one line, and nothing else. */
static void set_version(void *context, const char *version, bool unchanged)
{
	struct client *client = context;

	client->unchanged = unchanged;
	snprintf(client->version, sizeof(client->version), "%s",
		 verity_text_printable(version, strlen(version)) ? version : "");
}

static void print_connecting(void *context, const char *host, const char *number,
			     const char *port, bool is_v6)
{
	struct client *client = context;
	FILE *out = client->sink->out ?: stdout;
	const struct layout layout = layout_of(fileno(out));

	if (!client->shown)
		fputc('\n', out);
	layout_printf(out, &layout, LAYOUT_INDENT, "Connecting to %s (%s%s%s:%s)", host,
		      is_v6 ? "[" : "", number, is_v6 ? "]" : "", port);
	fflush(out);
	client->shown = true;
	snprintf(client->address, sizeof(client->address), "%s%.60s%s:%.8s",
		 is_v6 ? "[" : "", number, is_v6 ? "]" : "", port);
}

static void print_retry(void *context, unsigned retry)
{
	struct client *client = context;
	FILE *out = client->sink->out ?: stdout;
	const struct layout layout = layout_of(fileno(out));
	char where[32];

	if (client->sink->interlude)
		client->sink->interlude(client->sink->context);
	if (client->total > 0 && !client->in_parts)
		snprintf(where, sizeof(where), "at %" PRId64 " %%",
			 client->taken * 100 / client->total);
	else
		snprintf(where, sizeof(where), "after %" PRId64 " bytes", client->taken);
	layout_printf(out, &layout, LAYOUT_INDENT,
		      "Connection lost %s, trying again (%u of %d)", where, retry,
		      TRANSFER_RETRIES_MAX);
	fflush(out);
}

static int ask_password(void *context, const char *why, const char **ret_user,
			char **ret_password, struct verity_error *err)
{
	struct client *client = context;
	struct login *login = client->login;
	const struct layout layout = layout_of(STDERR_FILENO);
	int r = login->user ? 0 : credentials_login_name(&login->user, err);

	if (r < 0)
		return r;
	if (why)
		layout_print(stderr, &layout, LAYOUT_INDENT, why);
	r = credentials_ask_password(login->user, client->url->host, ret_password, err);
	if (r == 0)
		*ret_user = login->user;
	return r;
}

/* An accepted key that cannot be stored is asked for again: no reason to stop. */
static void store_host_key(const struct client *client, const char *name,
			   const struct known_hosts_key *key)
{
	cleanup_free char *line = known_hosts_line(name, key);
	struct verity_error why;

	if (!line)
		report_warning("the host key is not stored: out of memory");
	else if (!client->known_hosts)
		report_warning("the host key is not stored: there is no file for it");
	else if (known_hosts_append(client->known_hosts, line, &why) < 0)
		report_warning("the host key is not stored: %s", why.message);
}

static int accept_host_key(void *context, const struct known_hosts_key *key,
			   struct verity_error *err)
{
	const struct client *client = context;
	const struct layout layout = layout_of(STDERR_FILENO);
	char shown[KNOWN_HOSTS_FINGERPRINT_BYTES], type[KNOWN_HOSTS_TYPE_MAX + 1];
	char name[KNOWN_HOSTS_NAME_MAX];
	int r = signals_check(err);

	if (r == 0 && !known_hosts_name(client->url->host, client->url->port, name))
		r = verity_fail(err, VERITY_E_USAGE, KNOWN_HOSTS_NO_NAME);
	if (r < 0)
		return r;
	known_hosts_fingerprint(key, shown);
	known_hosts_key_type(key, type);
	fflush(stdout);
	layout_printf(stderr, &layout, LAYOUT_INDENT,
		      "The host key of %s is not known yet:", name);
	layout_printf(stderr, &layout, LAYOUT_INDENT, "%s %s",
		      known_hosts_type_name(type), shown);
	if (!prompt_yes("Is it the right one (y/N)?")) {
		r = verity_fail(err, VERITY_E_HOST_KEY,
				"the host key of the server is not the right one");
		return signals_check(err) < 0 ? -EINTR : r;
	}
	store_host_key(client, name, key);
	return 0;
}

struct transfer_client client_for_transfer(struct client *client)
{
	return (struct transfer_client){
		.take = take,
		.next = next,
		.is_whole = is_whole,
		.length = set_length,
		.origin = set_origin,
		.version = set_version,
		.connecting = print_connecting,
		.retrying = print_retry,
		.ask_password = ask_password,
		.accept_host_key = accept_host_key,
		.context = client,
	};
}
