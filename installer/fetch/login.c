/* SPDX-License-Identifier: MIT */
#include "installer/fetch/login.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "installer/common/report.h"
#include "installer/fetch/address.h"
#include "installer/fetch/credentials.h"

#define ASKS_MAX 3

/* RFC 1635: what is asked of guests is who they are, not a secret. */
#define GUEST_PASSWORD "wmopkg@"

static bool is_guest(const struct source_transfer *transfer)
{
	const char *user = transfer->user;

	return transfer->protocol->has_guests &&
	       (strcmp(user, "anonymous") == 0 || strcmp(user, "ftp") == 0);
}

static int name_user(struct source_transfer *transfer, struct source_login *login,
		     struct verity_error *err)
{
	int r = login->user ? 0 : credentials_login_name(&login->user, err);

	if (r == 0)
		transfer->user = login->user;
	return r;
}

/* An URL without a user is a guest's, by the custom of all who read URLs. */
int source_login_begin(struct source_transfer *transfer, struct source_login *login,
		       bool is_url, struct source_login_state *ret,
		       struct verity_error *err)
{
	*ret = (struct source_login_state){.given = login->password,
					   .named = login->user};
	transfer->user = login->user;
	transfer->password = login->password;
	if (!transfer->protocol->needs_user ||
	    (is_url && transfer->protocol->has_guests && !login->user))
		return 0;
	if (name_user(transfer, login, err) < 0)
		return -EINVAL;
	if (!transfer->password && is_guest(transfer))
		transfer->password = GUEST_PASSWORD;
	return 0;
}

/* Whether what refused us is the server that was named, not one that it led to. */
static bool is_named(const struct source_transfer *transfer, char *ret, size_t size)
{
	const char *present = NULL;
	char host[SOURCE_HOST_MAX + 1];

	source_url_host(transfer->url, ret, size);
	curl_easy_getinfo(transfer->handle, CURLINFO_EFFECTIVE_URL, &present);
	source_url_host(present ? present : "", host, sizeof(host));
	return strcasecmp(ret, host) == 0;
}

static int add_hint(const struct source_transfer *transfer,
		    const struct source_login_state *state, struct verity_error *err)
{
	struct verity_error why = *err;
	bool guests = transfer->protocol->has_guests && !state->named && transfer->user;

	if (!state->given && state->asks == 0)
		verity_fail(err, why.code,
			    "%s; it wants a password (give the words: user NAME password "
			    "PASSWORD%s)",
			    why.message, guests ? ", or: user anonymous" : "");
	else if (guests)
		verity_fail(err, why.code,
			    "%s (check the user name and the password, or give the "
			    "words: user anonymous)",
			    why.message);
	return 0;
}

int source_login_amend(struct source_transfer *transfer, struct source_login *login,
		       struct source_login_state *state, struct verity_error *err)
{
	char host[SOURCE_HOST_MAX + 1];
	struct verity_error why = *err;
	char *password;
	int r;

	if (why.code != VERITY_E_LOGIN || !is_named(transfer, host, sizeof(host)) ||
	    (!transfer->wants_login && state->asks == 0 && !state->given))
		return 0;
	if (state->given || !credentials_can_ask() || state->asks == ASKS_MAX)
		return add_hint(transfer, state, err);
	r = name_user(transfer, login, err);
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
