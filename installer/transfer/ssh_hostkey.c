/* SPDX-License-Identifier: MIT */
/* Checking the host key of an ssh server. */
#include "installer/transfer/ssh_hostkey.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "installer/transfer/url_host.h"

/*
 * Up to 1.10 libssh2 can use RSA only with SHA-1, which few servers still accept, and if
 * libcurl asks it for SHA-2 it calls memcpy() with areas that overlap.
 */
static bool has_rsa(void)
{
	const char *version = curl_version_info(CURLVERSION_NOW)->libssh_version;
	unsigned major = 0, minor = 0;

	return version && sscanf(version, "libssh2/%u.%u", &major, &minor) == 2 &&
	       (major > 1 || (major == 1 && minor > 10));
}

static int choose_lines(struct ssh_hostkey *host, enum ssh_hostkey_lines lines,
			struct verity_error *err)
{
	char type[KNOWN_HOSTS_TYPE_MAX + 1];
	const struct known_hosts_filter filter = {
		.has_port = host->name[0] == '[',
		.has_rsa = has_rsa(),
		.type = lines == SSH_HOSTKEY_ANY_TYPE ? type : NULL,
	};

	if (filter.type)
		known_hosts_key_type(&host->key, type);
	free(host->filtered);
	host->filtered = known_hosts_filtered(host->known, host->known_size, &filter,
					      &host->unclear);
	if (!host->filtered)
		return transfer_no_memory(err);
	if (lines == SSH_HOSTKEY_NONE)
		host->filtered[0] = '\0';
	host->lines = lines;
	return 0;
}

/* Takes @url apart; @ret_host with its brackets. */
static int split(const char *url, CURLU **ret, char **ret_host,
		 char ret_name[static KNOWN_HOSTS_NAME_MAX], struct verity_error *err)
{
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	cleanup_with(curl_free_p) char *host = NULL;
	cleanup_with(curl_free_p) char *port = NULL;

	/* Dots in the path stay: of a link to a folder, ".." is not what is before it. */
	if (!parts ||
	    curl_url_set(parts, CURLUPART_URL, url, CURLU_PATH_AS_IS) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return transfer_no_memory(err);
	if (!known_hosts_name(host, (unsigned)strtoul(port, NULL, 10), ret_name))
		return verity_fail(err, VERITY_E_USAGE, KNOWN_HOSTS_NO_NAME);
	*ret = steal_ptr(&parts);
	*ret_host = steal_ptr(&host);
	return 0;
}

int ssh_hostkey_begin(struct ssh_hostkey *host, struct transfer *transfer,
		      struct verity_error *err)
{
	cleanup_with(curl_url_cleanup_p) CURLU *parts = NULL;
	cleanup_with(curl_free_p) char *name = NULL;
	cleanup_with(curl_free_p) char *url = NULL;
	const struct transfer_job *job = transfer->job;
	int r;

	host->transfer = transfer;
	r = split(job->url, &parts, &name, host->name, err);
	if (r < 0 || !name)
		return r;
	/* libcurl looks for the name as it is written, and OpenSSH writes lower case. */
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	if (name[0] != '[' &&
	    (curl_url_set(parts, CURLUPART_HOST, name, 0) != CURLUE_OK ||
	     curl_url_get(parts, CURLUPART_URL, &url, 0) != CURLUE_OK ||
	     transfer_set(transfer, URL, url)))
		return transfer_no_memory(err);
	/* With a 0 at its end, which is not counted. */
	host->known = calloc(1, job->known_hosts_size + 1);
	if (!host->known)
		return transfer_no_memory(err);
	if (job->known_hosts)
		memcpy(host->known, job->known_hosts, job->known_hosts_size);
	host->known_size = job->known_hosts_size;
	return choose_lines(host, SSH_HOSTKEY_AS_WRITTEN, err);
}

void ssh_hostkey_done(struct ssh_hostkey *host)
{
	free(host->known);
	free(host->filtered);
}

/* Nobody is asked here: libcurl and the server both count the time. */
static int judge(CURL *handle, const struct curl_khkey *known,
		 const struct curl_khkey *shown, enum curl_khmatch match, void *context)
{
	struct ssh_hostkey *host = context;

	(void)handle;
	host->transfer->heard = true;
	if (!shown || !shown->key || shown->len == 0 ||
	    !known_hosts_key_take(shown->key, shown->len, &host->key))
		return CURLKHSTAT_REJECT;
	host->is_shown = true;
	host->match = match;
	host->revoked_line =
		known_hosts_find(host->known, host->known_size, &host->key, NULL);
	if (match == CURLKHMATCH_MISMATCH &&
	    (!known || !known->key ||
	     !known_hosts_key_take(known->key, known->len, &host->other)))
		return CURLKHSTAT_REJECT;
	return match == CURLKHMATCH_OK && host->revoked_line == 0 ? CURLKHSTAT_FINE
								  : CURLKHSTAT_REJECT;
}

int ssh_hostkey_prepare(struct ssh_hostkey *host, struct verity_error *err)
{
	const struct transfer_file *lines = &host->transfer->job->lines;
	struct transfer *transfer = host->transfer;
	size_t size = strlen(host->filtered);

	host->is_shown = false;
	host->other.size = 0;
	if (size >= lines->size)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "the known hosts of ssh are more than %zu bytes",
				   lines->size);
	/* A line of blanks fills the rest. */
	memcpy(lines->bytes, host->filtered, size);
	memset(lines->bytes + size, ' ', lines->size - size);
	if (transfer_set(transfer, SSH_KNOWNHOSTS, lines->path) ||
	    transfer_set(transfer, SSH_KEYFUNCTION, judge) ||
	    transfer_set(transfer, SSH_KEYDATA, host))
		return transfer_no_memory(err);
	return 0;
}

static int fail_other(const struct ssh_hostkey *host, const char *shown, const char *path,
		      struct verity_error *err)
{
	char type[KNOWN_HOSTS_TYPE_MAX + 1], other_type[KNOWN_HOSTS_TYPE_MAX + 1];
	char other[KNOWN_HOSTS_FINGERPRINT_BYTES];
	size_t line =
		known_hosts_find(host->known, host->known_size, &host->other, host->name);

	known_hosts_key_type(&host->key, type);
	known_hosts_key_type(&host->other, other_type);
	known_hosts_fingerprint(&host->other, other);
	/* Not every libssh2 can use every type: RSA with SHA-2 from 1.11 on. */
	if (strcmp(type, other_type) != 0)
		return verity_fail(
			err, VERITY_E_HOST_KEY,
			"the server shows the host key %s %s, but %s line %zu "
			"has %s %s (if both belong to the server, add the line "
			"that ssh-keyscan prints for the first)",
			known_hosts_type_name(type), shown, path, line,
			known_hosts_type_name(other_type), other);
	return verity_fail(
		err, VERITY_E_HOST_KEY,
		"THE HOST KEY OF THE SERVER HAS CHANGED, it may be another "
		"server that pretends to be this one: it shows %s %s, but %s "
		"line %zu has %s %s (find out why; if it is right: wmopkg host-key "
		"forget %s)",
		known_hosts_type_name(type), shown, path, line,
		known_hosts_type_name(other_type), other, host->name);
}

int ssh_hostkey_explain(const struct ssh_hostkey *host, struct verity_error *err)
{
	const char *path = host->transfer->job->known_hosts_path;
	char shown[KNOWN_HOSTS_FINGERPRINT_BYTES], type[KNOWN_HOSTS_TYPE_MAX + 1];
	const char *name;

	if (!host->is_shown || (host->match == CURLKHMATCH_OK && host->revoked_line == 0))
		return 0;
	known_hosts_fingerprint(&host->key, shown);
	known_hosts_key_type(&host->key, type);
	name = known_hosts_type_name(type);
	if (host->revoked_line)
		return verity_fail(err, VERITY_E_HOST_KEY,
				   "THE HOST KEY OF THE SERVER IS REVOKED: %s %s, by %s "
				   "line %zu (do not trust this server)",
				   name, shown, path, host->revoked_line);
	if (host->match == CURLKHMATCH_MISMATCH && host->other.size > 0)
		return fail_other(host, shown, path, err);
	if (host->unclear)
		return verity_fail(
			err, VERITY_E_HOST_KEY,
			"the host key of the server is not known: %s %s, and %s "
			"line %zu cannot be matched: patterns and markers are "
			"not supported (replace it by the lines that "
			"ssh-keyscan prints)",
			name, shown, path, host->unclear);
	return verity_fail(
		err, VERITY_E_HOST_KEY,
		"the host key of the server is not known: %s %s (compare it with the "
		"server's own; then answer y at a terminal, or add the line that "
		"ssh-keyscan prints for %s to %s)",
		name, shown, host->name,
		path ?: "the file that the key known_hosts of the configuration names");
}

/* From now on it is one of those that are known. */
static int add_key(struct ssh_hostkey *host, struct verity_error *err)
{
	cleanup_free char *line = known_hosts_line(host->name, &host->key);
	char *text = NULL;

	if (!line || asprintf(&text, "%s\n%s", host->known, line) < 0)
		return transfer_no_memory(err);
	free(host->known);
	host->known = text;
	host->known_size = strlen(text);
	return choose_lines(host, SSH_HOSTKEY_AS_WRITTEN, err);
}

int ssh_hostkey_amend(struct ssh_hostkey *host, struct verity_error *err)
{
	bool is_unknown = host->is_shown && host->match == CURLKHMATCH_MISSING &&
			  host->revoked_line == 0;
	const struct transfer_client *client = host->transfer->client;
	int r;

	if (!host->is_shown && host->lines == SSH_HOSTKEY_AS_WRITTEN &&
	    strstr(host->transfer->curl_words, SSH_NO_COMMON_METHOD))
		return choose_lines(host, SSH_HOSTKEY_NONE, err) ?: 1;
	if (!is_unknown)
		return 0;
	if (host->lines != SSH_HOSTKEY_ANY_TYPE) {
		r = choose_lines(host, SSH_HOSTKEY_ANY_TYPE, err);
		if (r < 0 || host->filtered[0])
			return r ?: 1;
	}
	if (host->unclear || !host->transfer->job->can_ask)
		return 0;
	r = client->accept_host_key(client->context, &host->key, err);
	if (r == 0)
		r = add_key(host, err);
	return r ?: 1;
}
