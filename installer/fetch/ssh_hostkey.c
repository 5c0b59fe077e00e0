/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "installer/common/prompt.h"
#include "installer/common/report.h"
#include "installer/common/signals.h"
#include "installer/fetch/credentials.h"
#include "installer/fetch/ssh_private.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

static bool is_same(const struct known_hosts_key *one,
		    const struct known_hosts_key *other)
{
	return one->size == other->size &&
	       memcmp(one->bytes, other->bytes, one->size) == 0;
}

/* Nobody is asked here: libcurl counts the time, and the server does. */
static int judge(CURL *handle, const struct curl_khkey *known,
		 const struct curl_khkey *found, enum curl_khmatch match, void *context)
{
	struct source_transfer *transfer = context;
	struct source_ssh *ssh = source_ssh_of(transfer);

	(void)handle, (void)known, (void)match;
	transfer->heard = true;
	if (!found || !found->key ||
	    !known_hosts_key_take(found->key, found->len, &ssh->key))
		return CURLKHSTAT_REJECT;
	ssh->is_shown = true;
	ssh->verdict = known_hosts_judge(ssh->known, ssh->known_size, ssh->name,
					 &ssh->key, &ssh->entry);
	if (ssh->verdict == KNOWN_HOSTS_UNKNOWN && ssh->is_accepted &&
	    is_same(&ssh->key, &ssh->accepted))
		ssh->verdict = KNOWN_HOSTS_SAME;
	return ssh->verdict == KNOWN_HOSTS_SAME ? CURLKHSTAT_FINE : CURLKHSTAT_REJECT;
}

/*
 * Up to 1.10 libssh2 speaks RSA with SHA-1 alone, which few servers still do, and asked
 * for the rest by libcurl it copies between places that overlap.
 */
static bool can_ask_for(const struct known_hosts_key *key)
{
	const char *version = curl_version_info(CURLVERSION_NOW)->libssh_version;
	const char *kind = known_hosts_key_kind(key);
	unsigned major = 0;
	unsigned minor = 0;

	if (strcmp(kind, "RSA") != 0)
		return strcmp(kind, "unknown") != 0;
	if (!version || sscanf(version, "libssh2/%u.%u", &major, &minor) != 2)
		return false;
	return major > 1 || (major == 1 && minor > 10);
}

/* The key that the server should show; false where none is known. */
static bool find_wanted(const struct source_ssh *ssh, struct known_hosts_key *ret)
{
	struct known_hosts_entry entry;
	size_t place = 0;
	size_t line = 0;

	if (ssh->is_accepted && can_ask_for(&ssh->accepted)) {
		*ret = ssh->accepted;
		return true;
	}
	while (known_hosts_next(ssh->known, ssh->known_size, ssh->name, &place, &line,
				&entry)) {
		if (entry.is_revoked || !can_ask_for(&entry.key))
			continue;
		*ret = entry.key;
		return true;
	}
	return false;
}

/*
 * A server has keys of several types, and shows the one that is asked for. What libcurl
 * is given to read has the known one, in the words that it understands.
 */
static int write_wanted(struct source_ssh *ssh, char *ret_path, size_t size,
			struct verity_error *err)
{
	cleanup_free char *line = NULL;
	struct known_hosts_key wanted;

	if (ssh->type_fd >= 0)
		close(ssh->type_fd);
	ssh->type_fd = memfd_create("known_hosts", MFD_CLOEXEC);
	if (ssh->type_fd < 0)
		return verity_fail_errno(err, errno, "known_hosts");
	snprintf(ret_path, size, "/proc/self/fd/%d", ssh->type_fd);
	if (ssh->is_any_type || !find_wanted(ssh, &wanted))
		return 0;
	line = known_hosts_line(ssh->name, &wanted);
	if (!line)
		return source_curl_out_of_memory(err);
	return verity_io_write(ssh->type_fd, line, strlen(line), 0, err);
}

int source_ssh_host_prepare(struct source_transfer *transfer, struct verity_error *err)
{
	struct source_ssh *ssh = source_ssh_of(transfer);
	char path[64];
	int r = write_wanted(ssh, path, sizeof(path), err);

	if (r < 0)
		return r;
	ssh->is_shown = false;
	ssh->verdict = KNOWN_HOSTS_UNKNOWN;
	if (source_curl_set(transfer, SSH_KNOWNHOSTS, path) ||
	    source_curl_set(transfer, SSH_KEYFUNCTION, judge) ||
	    source_curl_set(transfer, SSH_KEYDATA, transfer))
		return source_curl_out_of_memory(err);
	return 0;
}

static int fail_known(const struct source_ssh *ssh, const char *path,
		      struct verity_error *err)
{
	char shown[KNOWN_HOSTS_FINGERPRINT_BYTES];
	char known[KNOWN_HOSTS_FINGERPRINT_BYTES];

	known_hosts_fingerprint(&ssh->key, shown);
	known_hosts_fingerprint(&ssh->entry.key, known);
	if (ssh->verdict == KNOWN_HOSTS_REVOKED)
		return verity_fail(err, VERITY_E_HOST_KEY,
				   "THE HOST KEY OF THE SERVER IS REVOKED: %s %s, by %s "
				   "line %zu (do not trust this server)",
				   known_hosts_key_kind(&ssh->key), shown, path,
				   ssh->entry.line);
	/* Not every libssh2 speaks the language of every key: RSA with SHA-2 from 1.11
	 * on. */
	if (!known_hosts_same_type(&ssh->key, &ssh->entry.key))
		return verity_fail(err, VERITY_E_HOST_KEY,
				   "the server shows the host key %s %s, but %s line %zu "
				   "has %s %s (if both are the server's, have "
				   "ssh-keyscan's line for it there too)",
				   known_hosts_key_kind(&ssh->key), shown, path,
				   ssh->entry.line, known_hosts_key_kind(&ssh->entry.key),
				   known);
	return verity_fail(
		err, VERITY_E_HOST_KEY,
		"THE HOST KEY OF THE SERVER HAS CHANGED, this may be another one that "
		"poses as it: it shows %s %s, but %s line %zu has %s %s (find out why; if "
		"it is right, delete that line)",
		known_hosts_key_kind(&ssh->key), shown, path, ssh->entry.line,
		known_hosts_key_kind(&ssh->entry.key), known);
}

int source_ssh_host_explain(const struct source_transfer *transfer,
			    struct verity_error *err)
{
	const struct source_ssh *ssh = source_ssh_of(transfer);
	const char *path = transfer->request->known_hosts;
	char shown[KNOWN_HOSTS_FINGERPRINT_BYTES];

	if (!ssh->is_shown || ssh->verdict == KNOWN_HOSTS_SAME)
		return 0;
	if (ssh->verdict != KNOWN_HOSTS_UNKNOWN)
		return fail_known(ssh, path, err);
	known_hosts_fingerprint(&ssh->key, shown);
	return verity_fail(
		err, VERITY_E_HOST_KEY,
		"the host key of the server is not known: %s %s (compare it with "
		"the server's own; then answer y at a terminal, or have "
		"ssh-keyscan's line for %s in %s)",
		known_hosts_key_kind(&ssh->key), shown, ssh->name,
		path ? path
		     : "the file that the key known_hosts of the "
		       "configuration names");
}

static bool ask(const struct source_ssh *ssh)
{
	char shown[KNOWN_HOSTS_FINGERPRINT_BYTES];

	known_hosts_fingerprint(&ssh->key, shown);
	fflush(stdout);
	fputs("The host key of ", stderr);
	report_plain(stderr, ssh->name);
	fprintf(stderr, " is not known yet:\n%s %s\n", known_hosts_key_kind(&ssh->key),
		shown);
	return prompt_yes("Is it the right one (y/N)?");
}

/* What cannot be remembered is asked for again: no reason not to go on. */
static void remember(const struct source_ssh *ssh, const char *path)
{
	struct verity_error why;

	if (!path)
		report_warning("the host key is not remembered: there is no file for it");
	else if (known_hosts_add(path, ssh->name, &ssh->key, &why) < 0)
		report_warning("the host key is not remembered: %s", why.message);
}

int source_ssh_host_amend(struct source_transfer *transfer, struct verity_error *err)
{
	struct source_ssh *ssh = source_ssh_of(transfer);

	if (!ssh->is_shown || ssh->verdict != KNOWN_HOSTS_UNKNOWN ||
	    !credentials_can_ask())
		return 0;
	if (signals_check(err) < 0)
		return -EINTR;
	if (!ask(ssh))
		return verity_fail(err, VERITY_E_HOST_KEY,
				   "the host key of the server is not the right one");
	ssh->is_accepted = true;
	ssh->accepted = ssh->key;
	remember(ssh, transfer->request->known_hosts);
	return 1;
}
