/* SPDX-License-Identifier: MIT */
/* Hiding passwords from others, and asking for them. */
#include "installer/fetch/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/passwd.h"
#include "installer/common/prompt.h"
#include "installer/common/redact.h"
#include "installer/common/signals.h"
#include "installer/grammar/grammar.h"
#include "verity/util/cleanup.h"

#define NAME_MAX_BYTES 256
#define PASSWORD_MAX   1024

void credentials_hidden_done(struct credentials_hidden *hidden)
{
	for (size_t i = 0; hidden->words && hidden->words[i]; i++)
		redact_wipe(hidden->words[i]);
	free(hidden->words);
	hidden->words = NULL;
}

/* The secret part of a word, and its size; 0 if it has none. */
static char *find_secret(char **argv, int index, size_t *ret_size)
{
	if (index > 0 && word_may_be(WORD_PASSWORD, argv[index - 1])) {
		*ret_size = strlen(argv[index]);
		return argv[index];
	}
	return redact_find(argv[index], ret_size);
}

/* All copies first: if memory ends, nothing has been overwritten. */
int credentials_hide(int argc, char **argv, struct credentials_hidden *ret,
		     struct verity_error *err)
{
	cleanup_with(credentials_hidden_done) struct credentials_hidden hidden = {
		.words = calloc((size_t)argc + 1, sizeof(char *)),
	};
	size_t count = 0;
	size_t size;

	if (!hidden.words)
		return verity_no_memory(err);
	for (int i = 0; i < argc; i++) {
		find_secret(argv, i, &size);
		if (size == 0)
			continue;
		hidden.words[count] = strdup(argv[i]);
		if (!hidden.words[count++])
			return verity_no_memory(err);
	}
	/* From the end: the word before one may be a secret that is found by its own. */
	for (int i = argc - 1; i >= 0; i--) {
		char *secret = find_secret(argv, i, &size);

		if (size == 0)
			continue;
		memset(secret, '*', size);
		argv[i] = hidden.words[--count];
	}
	*ret = hidden;
	hidden.words = NULL;
	return 0;
}

int credentials_login_name(char **ret, struct verity_error *err)
{
	char name[NAME_MAX_BYTES];
	struct passwd_user found;
	const char *user = NULL;
	char *copy;
	uid_t uid;

	/* With a kernel that knows it, getlogin_r() would ask the name services. */
	if (!passwd_login_uid(&uid) && getlogin_r(name, sizeof(name)) == 0 && name[0])
		user = name;
	else if (passwd_find(PASSWD_PATH, NULL, uid, &found) ||
		 passwd_find(PASSWD_PATH, NULL, getuid(), &found))
		user = found.name;
	copy = user ? strdup(user) : NULL;
	if (!copy)
		return verity_fail(
			err, VERITY_E_USAGE,
			"the name of the logged-in user is not known (give the "
			"words: user NAME)");
	*ret = copy;
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
	int r = signals_check(err);

	if (r < 0)
		return r;
	snprintf(prompt, sizeof(prompt), "Password for %s at %s", user, host);
	r = prompt_secret(prompt, typed, sizeof(typed), err);
	if (signals_check(err) < 0)
		return -EINTR;
	for (const char *c = typed; r == 0 && *c; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			r = verity_fail(
				err, VERITY_E_PIN,
				"%s: a control character was typed, such as an arrow "
				"key",
				prompt);
	/* Who types none does not want to go on, also not with another protocol. */
	if (r == -EINVAL && err)
		err->code = VERITY_E_INTERRUPTED;
	if (r < 0)
		explicit_bzero(typed, sizeof(typed));
	if (r < 0)
		return r == -EINVAL ? -EINTR : r;
	password = strdup(typed);
	explicit_bzero(typed, sizeof(typed));
	if (!password)
		return verity_no_memory(err);
	*ret = password;
	return 0;
}
