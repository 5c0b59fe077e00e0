/* SPDX-License-Identifier: MIT */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/fetch/ssh_private.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define PASSWD_BYTES  16384
#define METHODS_WORDS "SSH authentication methods available: "

/* Of who runs this, as ssh does it: what the environment calls home does not count. */
int source_ssh_login_find(struct source_ssh *ssh, struct verity_error *err)
{
	static const char *const names[] = {"id_ed25519", "id_ecdsa", "id_rsa"};
	cleanup_free char *buffer = malloc(PASSWD_BYTES);
	struct passwd entry;
	struct passwd *found = NULL;

	if (!buffer)
		return source_curl_out_of_memory(err);
	if (getpwuid_r(geteuid(), &entry, buffer, PASSWD_BYTES, &found) != 0 || !found)
		return 0;
	for (size_t i = 0; i < SOURCE_SSH_IDENTITIES_MAX; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/.ssh/%s", found->pw_dir, names[i]) < 0)
			return source_curl_out_of_memory(err);
		if (access(path, R_OK) == 0)
			ssh->identities[ssh->identity_count++] = path;
		else
			free(path);
	}
	return 0;
}

/* Only libcurl's remarks tell which methods of login the server takes. */
static int hear(CURL *handle, curl_infotype type, char *text, size_t size, void *context)
{
	struct source_ssh *ssh = context;
	size_t begin = strlen(METHODS_WORDS);

	(void)handle;
	if (type != CURLINFO_TEXT || size <= begin ||
	    memcmp(text, METHODS_WORDS, begin) != 0)
		return 0;
	size -= begin;
	if (size >= sizeof(ssh->methods))
		size = sizeof(ssh->methods) - 1;
	memcpy(ssh->methods, text + begin, size);
	ssh->methods[size] = '\0';
	ssh->methods[strcspn(ssh->methods, "\r\n")] = '\0';
	verity_text_plain(ssh->methods);
	return 0;
}

/* "password" is no "password-x" */
static bool takes(const struct source_ssh *ssh, const char *method)
{
	size_t size = strlen(method);

	for (const char *at = ssh->methods; (at = strstr(at, method)); at += size)
		if ((at == ssh->methods || at[-1] == ',') &&
		    (at[size] == ',' || at[size] == '\0'))
			return true;
	return false;
}

/* One way to send a password is enough: some servers count how often it was wrong. */
static long password_methods(const struct source_ssh *ssh)
{
	if (takes(ssh, "password"))
		return CURLSSH_AUTH_PASSWORD;
	if (ssh->methods[0])
		return CURLSSH_AUTH_KEYBOARD;
	return CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD;
}

/* Where nothing is set, libcurl would look for keys in the folder it is started in. */
int source_ssh_login_prepare(struct source_transfer *transfer, struct verity_error *err)
{
	struct source_ssh *ssh = source_ssh_of(transfer);
	long methods = CURLSSH_AUTH_HOST; /* which asks what there is, and does nothing */
	const char *identity = NULL;

	if (transfer->password)
		methods |= password_methods(ssh);
	/* An asked one is typed after all keys have been tried. */
	if (!transfer->password || !ssh->methods[0]) {
		if (ssh->identity < ssh->identity_count)
			identity = ssh->identities[ssh->identity];
		if (identity)
			methods |= CURLSSH_AUTH_PUBLICKEY;
		if (ssh->identity == 0 && getenv("SSH_AUTH_SOCK"))
			methods |= CURLSSH_AUTH_AGENT;
	}
	if (source_curl_set(transfer, SSH_AUTH_TYPES, methods) ||
	    source_curl_set(transfer, SSH_PRIVATE_KEYFILE, identity) ||
	    source_curl_set(transfer, DEBUGFUNCTION, hear) ||
	    source_curl_set(transfer, DEBUGDATA, ssh) ||
	    source_curl_set(transfer, VERBOSE, 1L))
		return source_curl_out_of_memory(err);
	return 0;
}

int source_ssh_login_explain(struct source_transfer *transfer, struct verity_error *err)
{
	const struct source_ssh *ssh = source_ssh_of(transfer);
	bool takes_password = !ssh->methods[0] || takes(ssh, "password") ||
			      takes(ssh, "keyboard-interactive");

	transfer->wants_login = takes_password && !transfer->password;
	if (!takes_password)
		return verity_fail(err, VERITY_E_LOGIN,
				   "the server lets %s in by %s alone, and knows no key "
				   "of this device (let it know one)",
				   transfer->user, ssh->methods);
	if (transfer->password)
		return verity_fail(err, VERITY_E_LOGIN,
				   "the server does not let %s in with this password",
				   transfer->user);
	return verity_fail(err, VERITY_E_LOGIN,
			   "the server does not let %s in without more", transfer->user);
}
