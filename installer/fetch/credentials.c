/* SPDX-License-Identifier: MIT */
#include "installer/fetch/credentials.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/prompt.h"
#include "installer/common/redact.h"
#include "installer/common/signals.h"
#include "verity/util/cleanup.h"

#define NAME_MAX_BYTES 256
#define PASSWORD_MAX   1024
#define PASSWD_BYTES   16384

void credentials_wipe(char *password)
{
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
}

void credentials_hidden_done(struct credentials_hidden *hidden)
{
	for (size_t i = 0; hidden->words && hidden->words[i]; i++)
		credentials_wipe(hidden->words[i]);
	free(hidden->words);
	hidden->words = NULL;
}

static void credentials_hidden_done_p(struct credentials_hidden *hidden)
{
	credentials_hidden_done(hidden);
}

/* The part of a word that nobody is to see; "" where there is none. */
static char *find_secret(int argc, char **argv, int index, size_t *ret_size)
{
	if (argc > 0 && index > 0 && strcmp(argv[index - 1], "password") == 0) {
		*ret_size = strlen(argv[index]);
		return argv[index];
	}
	return redact_find(argv[index], ret_size);
}

int credentials_hide(int argc, char **argv, struct credentials_hidden *ret,
		     struct verity_error *err)
{
	cleanup_with(credentials_hidden_done_p) struct credentials_hidden hidden = {
		.words = calloc((size_t)argc + 1, sizeof(char *)),
	};
	size_t count = 0;
	size_t size;

	if (!hidden.words)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (int i = 0; i < argc; i++) {
		find_secret(argc, argv, i, &size);
		if (size == 0)
			continue;
		hidden.words[count] = strdup(argv[i]);
		if (!hidden.words[count++])
			return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	}
	for (int i = argc - 1; i >= 0; i--) {
		char *secret = find_secret(argc, argv, i, &size);

		if (size == 0)
			continue;
		memset(secret, '*', size);
		argv[i] = hidden.words[--count];
	}
	*ret = hidden;
	hidden.words = NULL;
	return 0;
}

static char *name_of_uid(void)
{
	cleanup_free char *buffer = malloc(PASSWD_BYTES);
	struct passwd entry;
	struct passwd *found = NULL;

	if (!buffer || getpwuid_r(getuid(), &entry, buffer, PASSWD_BYTES, &found) != 0 ||
	    !found)
		return NULL;
	return strdup(found->pw_name);
}

int credentials_login_name(char **ret, struct verity_error *err)
{
	char name[NAME_MAX_BYTES];
	const char *before = getenv("SUDO_USER");
	char *found;

	if (getlogin_r(name, sizeof(name)) == 0 && name[0])
		found = strdup(name);
	else if (before && before[0])
		found = strdup(before);
	else
		found = name_of_uid();
	if (!found)
		return verity_fail(err, VERITY_E_USAGE,
				   "it is not known who is logged in (give the words: "
				   "user NAME)");
	*ret = found;
	return 0;
}

bool credentials_can_ask(void)
{
	return isatty(STDIN_FILENO) == 1;
}

int credentials_ask_password(const char *user, const char *host, char **ret,
			     struct verity_error *err)
{
	char prompt[NAME_MAX_BYTES * 2];
	char typed[PASSWORD_MAX];
	char *password;
	int r;

	if (signals_check(err) < 0)
		return -EINTR;
	snprintf(prompt, sizeof(prompt), "Password for %s at %s", user, host);
	r = prompt_secret(prompt, typed, sizeof(typed), err);
	if (signals_check(err) < 0)
		return -EINTR;
	if (r == -EINVAL && err)
		err->code = VERITY_E_LOGIN;
	if (r < 0)
		return r == -EINVAL ? -ECOMM : r;
	password = strdup(typed);
	explicit_bzero(typed, sizeof(typed));
	if (!password)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = password;
	return 0;
}
