/* SPDX-License-Identifier: MIT */
/* Keys and methods of an ssh login. */
#include "installer/fetch/ssh_login.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "verity/util/text.h"

#define PASSWD_BYTES  16384
#define METHODS_WORDS "SSH authentication methods available: "

/* From the user database, as ssh does it: the environment does not count. */
int ssh_login_begin(struct ssh_login *login, struct verity_error *err)
{
	static const char *const names[SSH_LOGIN_KEYS_MAX] = {"id_ed25519", "id_ecdsa",
							      "id_rsa"};
	cleanup_free char *buffer = malloc(PASSWD_BYTES);
	struct passwd entry;
	struct passwd *found = NULL;

	if (!buffer)
		return transfer_no_memory(err);
	if (getpwuid_r(geteuid(), &entry, buffer, PASSWD_BYTES, &found) != 0 || !found)
		return 0;
	for (size_t i = 0; i < SSH_LOGIN_KEYS_MAX; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/.ssh/%s", found->pw_dir, names[i]) < 0)
			return transfer_no_memory(err);
		if (access(path, R_OK) == 0)
			login->keys[login->key_count++] = path;
		else
			free(path);
	}
	return 0;
}

void ssh_login_done(struct ssh_login *login)
{
	for (size_t i = 0; i < login->key_count; i++)
		free(login->keys[i]);
}

/* libcurl tells the methods of a server only to a debug function. */
static int hear(CURL *handle, curl_infotype type, char *text, size_t size, void *context)
{
	struct ssh_login *login = context;
	size_t begin = strlen(METHODS_WORDS);

	(void)handle;
	if (type != CURLINFO_TEXT || size <= begin ||
	    memcmp(text, METHODS_WORDS, begin) != 0)
		return 0;
	size -= begin;
	if (size >= sizeof(login->methods))
		size = sizeof(login->methods) - 1;
	memcpy(login->methods, text + begin, size);
	login->methods[size] = '\0';
	login->methods[strcspn(login->methods, "\r\n")] = '\0';
	verity_text_plain(login->methods);
	return 0;
}

/* "password" is not "password-x" */
static bool takes(const struct ssh_login *login, const char *method)
{
	size_t size = strlen(method);

	for (const char *at = login->methods; (at = strstr(at, method)); at += size)
		if ((at == login->methods || at[-1] == ',') &&
		    (at[size] == ',' || at[size] == '\0'))
			return true;
	return false;
}

/* If no key is set, libcurl looks for keys in the folder that it is started in. */
int ssh_login_prepare(struct ssh_login *login, struct transfer *transfer,
		      struct verity_error *err)
{
	long methods = CURLSSH_AUTH_HOST; /* asks for the methods, and does nothing */
	const char *key = NULL;

	/* A password is sent in one way only: some servers count wrong ones. */
	if (transfer->password && takes(login, "password"))
		methods |= CURLSSH_AUTH_PASSWORD;
	else if (transfer->password && login->methods[0])
		methods |= CURLSSH_AUTH_KEYBOARD;
	else if (transfer->password)
		methods |= CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD;
	/* One that was asked for is typed after all keys have been tried. */
	if (!transfer->password || !login->methods[0]) {
		if (login->key < login->key_count)
			key = login->keys[login->key];
		if (key)
			methods |= CURLSSH_AUTH_PUBLICKEY;
		if (login->key == 0 && getenv("SSH_AUTH_SOCK"))
			methods |= CURLSSH_AUTH_AGENT;
	}
	if (transfer_set(transfer, SSH_AUTH_TYPES, methods) ||
	    transfer_set(transfer, SSH_PRIVATE_KEYFILE, key) ||
	    transfer_set(transfer, DEBUGFUNCTION, hear) ||
	    transfer_set(transfer, DEBUGDATA, login) ||
	    transfer_set(transfer, VERBOSE, 1L))
		return transfer_no_memory(err);
	return 0;
}

int ssh_login_explain(const struct ssh_login *login, struct transfer *transfer,
		      struct verity_error *err)
{
	bool takes_password = !login->methods[0] || takes(login, "password") ||
			      takes(login, "keyboard-interactive");

	transfer->wants_login = takes_password && !transfer->password;
	if (!takes_password)
		return verity_fail(err, VERITY_E_LOGIN,
				   "the server accepts %s only by %s, and no key of this "
				   "device (add the key of this device to the server)",
				   transfer->user, login->methods);
	if (transfer->password)
		return verity_fail(err, VERITY_E_LOGIN,
				   "the server does not accept %s with this password",
				   transfer->user);
	return verity_fail(err, VERITY_E_LOGIN,
			   "the server does not accept %s without a password",
			   transfer->user);
}
