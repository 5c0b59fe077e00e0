/* SPDX-License-Identifier: MIT */
/* When a password is asked for, and what to do if none can be. */
#include "installer/transfer/login.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "installer/common/redact.h"
#include "installer/transfer/url_host.h"

void login_state_done(struct login_state *state)
{
	redact_wipe(state->password);
	state->password = NULL;
}

static void add_hint(const struct transfer *transfer, const struct login_state *state,
		     struct verity_error *err)
{
	const struct verity_error why = *err;
	const struct transfer_job *job = transfer->job;
	bool guests = job->protocol->has_guests && !job->has_user && transfer->user;

	if (!job->has_password && state->asks == 0)
		verity_fail(err, why.code,
			    "%s; it wants a password (give the words: user NAME password "
			    "PASSWORD%s)",
			    why.message, guests ? ", or: user anonymous" : "");
	else if (guests)
		verity_fail(err, why.code,
			    "%s (check the user name and the password, or give the "
			    "words: user anonymous)",
			    why.message);
}

int login_amend(struct transfer *transfer, struct login_state *state,
		struct verity_error *err)
{
	char host[ADDRESS_HOST_MAX + 1], present[ADDRESS_HOST_MAX + 1];
	const struct transfer_client *client = transfer->client;
	const struct transfer_job *job = transfer->job;
	const struct verity_error why = *err;
	const char *url = NULL;
	const char *user;
	char *password;
	int r;

	if (why.code != VERITY_E_LOGIN ||
	    (!transfer->wants_login && state->asks == 0 && !job->has_password))
		return 0;
	/* A server that the named one led to gets no password. */
	curl_easy_getinfo(transfer->handle, CURLINFO_EFFECTIVE_URL, &url);
	transfer_url_host(job->url, host);
	transfer_url_host(url ? url : "", present);
	if (strcasecmp(host, present) != 0)
		return 0;
	if (job->has_password || !job->can_ask || state->asks == LOGIN_ASKS_MAX) {
		add_hint(transfer, state, err);
		return 0;
	}
	r = client->ask_password(client->context, state->asks++ > 0 ? why.message : NULL,
				 &user, &password, err);
	if (r < 0)
		return r;
	login_state_done(state);
	transfer->user = user;
	transfer->password = state->password = password;
	return 1;
}
