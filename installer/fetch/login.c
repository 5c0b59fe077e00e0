/* SPDX-License-Identifier: MIT */
/* User and password of a transfer, asked for between two tries. */
#include "installer/fetch/login.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "installer/common/report.h"
#include "installer/fetch/address.h"
#include "installer/fetch/credentials.h"

#define ASKS_MAX 3

/* RFC 1635: a guest is asked who he is, not for a secret. */
#define GUEST_PASSWORD "wmopkg@"

static int find_user(struct transfer *transfer, struct login *login,
		     struct verity_error *err)
{
	int r = login->user ? 0 : credentials_login_name(&login->user, err);

	transfer->user = login->user;
	return r;
}

int login_begin(struct transfer *transfer, struct login *login, bool is_url,
		struct login_state *ret, struct verity_error *err)
{
	bool has_guests = transfer->protocol->has_guests;
	int r;

	*ret = (struct login_state){.has_password = login->password,
				    .has_user = login->user};
	transfer->user = login->user;
	transfer->password = login->password;
	/* By custom, a URL without a user means a guest. */
	if (!transfer->protocol->needs_user || (is_url && has_guests && !login->user))
		return 0;
	r = find_user(transfer, login, err);
	if (r == 0 && has_guests && !transfer->password &&
	    (strcmp(login->user, "anonymous") == 0 || strcmp(login->user, "ftp") == 0))
		transfer->password = GUEST_PASSWORD;
	return r;
}

static void add_hint(const struct transfer *transfer, const struct login_state *state,
		     struct verity_error *err)
{
	const struct verity_error why = *err;
	bool guests =
		transfer->protocol->has_guests && !state->has_user && transfer->user;

	if (!state->has_password && state->asks == 0)
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

int login_amend(struct transfer *transfer, struct login *login, struct login_state *state,
		struct verity_error *err)
{
	char host[ADDRESS_HOST_MAX + 1], present[ADDRESS_HOST_MAX + 1];
	const struct verity_error why = *err;
	const char *url = NULL;
	char *password;
	int r;

	if (why.code != VERITY_E_LOGIN ||
	    (!transfer->wants_login && state->asks == 0 && !state->has_password))
		return 0;
	/* A server that the named one led to gets no password. */
	curl_easy_getinfo(transfer->handle, CURLINFO_EFFECTIVE_URL, &url);
	address_of_url(transfer->url, host);
	address_of_url(url ? url : "", present);
	if (strcasecmp(host, present) != 0)
		return 0;
	if (state->has_password || !credentials_can_ask() || state->asks == ASKS_MAX) {
		add_hint(transfer, state, err);
		return 0;
	}
	r = find_user(transfer, login, err);
	if (r < 0)
		return r;
	if (state->asks++ > 0) {
		report_plain(stderr, why.message);
		fputc('\n', stderr);
	}
	r = credentials_ask_password(login->user, host, &password, err);
	if (r < 0)
		return r;
	credentials_wipe(login->password);
	transfer->password = login->password = password;
	return 1;
}
