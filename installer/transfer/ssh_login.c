/* SPDX-License-Identifier: MIT */
/* Keys and methods of an ssh login. */
#include "installer/transfer/ssh_login.h"

#include <stdio.h>
#include <string.h>

#include "verity/util/text.h"

#define ACCEPTED_WORDS "Authentication complete"
#define METHODS_WORDS  "SSH authentication methods available: "

/* libcurl tells the methods of a server only to a debug function. */
static int hear(CURL *handle, curl_infotype type, char *text, size_t size, void *context)
{
	struct ssh_login *login = context;
	size_t begin = strlen(METHODS_WORDS);

	(void)handle;
	login->accepted |= type == CURLINFO_TEXT && size >= strlen(ACCEPTED_WORDS) &&
			   memcmp(text, ACCEPTED_WORDS, strlen(ACCEPTED_WORDS)) == 0;
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

	login->accepted = false;
	/* A password is sent in one way only: some servers count wrong ones. */
	if (transfer->password && takes(login, "password"))
		methods |= CURLSSH_AUTH_PASSWORD;
	else if (transfer->password && login->methods[0])
		methods |= CURLSSH_AUTH_KEYBOARD;
	else if (transfer->password)
		methods |= CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD;
	/* One that was asked for is typed after all keys have been tried. */
	if (!transfer->password || !login->methods[0]) {
		if (login->key < transfer->job->key_count)
			key = transfer->job->key_paths[login->key];
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

/* libssh2 before 1.11 signs with RSA and SHA-1, which OpenSSH refuses since 8.8. */
static bool has_old_rsa_key(const struct transfer *transfer, const char *library)
{
	unsigned major = 0, minor = 0;

	return transfer->job->has_rsa_key &&
	       sscanf(library, "libssh2/%u.%u", &major, &minor) == 2 &&
	       (major < 1 || (major == 1 && minor < 11));
}

/* The server takes nothing that can be typed. */
static int fail_key(const struct ssh_login *login, const struct transfer *transfer,
		    struct verity_error *err)
{
	const char *library = curl_version_info(CURLVERSION_NOW)->libssh_version;

	if (transfer->job->key_count == 0 && !getenv("SSH_AUTH_SOCK"))
		return verity_fail(
			err, VERITY_E_LOGIN,
			"the server accepts %s only by %s, and this device "
			"has no key (make one, as by ssh-keygen -t ed25519, and "
			"add it to the server)",
			transfer->user, login->methods);
	if (library && has_old_rsa_key(transfer, library))
		return verity_fail(
			err, VERITY_E_LOGIN,
			"the server accepts %s only by %s, and no key of this "
			"device (use one of ed25519 or ecdsa, and add it to the "
			"server: newer servers refuse how %s signs with RSA)",
			transfer->user, login->methods, library);
	return verity_fail(err, VERITY_E_LOGIN,
			   "the server accepts %s only by %s, and no key of this "
			   "device (add the key of this device to the server)",
			   transfer->user, login->methods);
}

int ssh_login_explain(const struct ssh_login *login, struct transfer *transfer,
		      struct verity_error *err)
{
	bool takes_password = !login->methods[0] || takes(login, "password") ||
			      takes(login, "keyboard-interactive");

	transfer->wants_login = takes_password && !transfer->password;
	if (!takes_password)
		return fail_key(login, transfer, err);
	if (transfer->password)
		return verity_fail(err, VERITY_E_LOGIN,
				   "the server does not accept %s with this password",
				   transfer->user);
	return verity_fail(err, VERITY_E_LOGIN,
			   "the server does not accept %s without a password",
			   transfer->user);
}
