/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "installer/request/known_hosts.h"

/* What libssh2 reads without fault: names, type and key, in one line that is not long. */
static void check_line(const char *line, const char *end)
{
	struct known_hosts_key key;
	char *text = strndup(line, (size_t)(end - line));
	char *key_text = text ? strrchr(text, ' ') + 1 : NULL;
	char type[KNOWN_HOSTS_TYPE_MAX + 1];

	require(text && strcspn(text, " ") > 2 && text[0] != '@' && text[0] != '#');
	require(end - line < 4090);
	require(strcspn(text, "*?!") >= strcspn(text, " "));
	require(known_hosts_key_take(key_text, 0, &key));
	known_hosts_key_type(&key, type);
	require(type[0]);
	free(text);
}

static size_t check_lines(const char *text, size_t size,
			  const struct known_hosts_filter *filter)
{
	size_t count = 0, unclear = 0;
	char *lines = known_hosts_filtered(text, size, filter, &unclear);

	require(lines && unclear <= size);
	for (const char *at = lines, *end; *at; at = end + 1, count++) {
		end = strchr(at, '\n');
		require(end);
		check_line(at, end);
	}
	free(lines);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct known_hosts_filter filters[] = {
		{.has_rsa = true},
		{.has_port = true},
		{.type = "ssh-ed25519"},
	};
	const char *text = (const char *)data;
	struct known_hosts_key key;
	char print[KNOWN_HOSTS_FINGERPRINT_BYTES];
	char *line, *rest;
	size_t count;

	rest = known_hosts_without(text, size, "name", &count);
	require(rest && strlen(rest) <= size);
	free(rest);
	/* With a type no line is left out because of its own. */
	require(check_lines(text, size, &filters[0]) <=
		check_lines(text, size, &filters[2]));
	check_lines(text, size, &filters[1]);
	if (size == 0 || !known_hosts_key_take(text, size, &key))
		return 0;
	line = known_hosts_line("name", &key);
	require(line && known_hosts_find(line, strlen(line), &key, "name") == 1);
	require(known_hosts_find(line, strlen(line), &key, NULL) == 0);
	rest = known_hosts_without(line, strlen(line), "name", &count);
	require(rest && count == 1 && rest[0] == '\0');
	free(rest);
	known_hosts_fingerprint(&key, print);
	require(strlen(print) == KNOWN_HOSTS_FINGERPRINT_BYTES - 1);
	free(line);
	return 0;
}
