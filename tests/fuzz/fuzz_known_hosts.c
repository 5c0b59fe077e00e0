/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "installer/fetch/known_hosts.h"

#define NAME "[192.0.2.1]:2222"

/* A line that was read is written such that it is read as the same. */
static void check_entry(const struct known_hosts_entry *entry)
{
	char print[KNOWN_HOSTS_FINGERPRINT_BYTES];
	char *line = known_hosts_line(NAME, &entry->key);
	struct known_hosts_entry again;
	size_t place = 0;
	size_t lines = 0;

	require(line);
	require(known_hosts_next(line, strlen(line), NAME, &place, &lines, &again) ||
		strlen(line) > KNOWN_HOSTS_LINE_MAX);
	require(again.key.size == entry->key.size &&
		memcmp(again.key.bytes, entry->key.bytes, again.key.size) == 0);
	known_hosts_fingerprint(&entry->key, print);
	require(strlen(print) == KNOWN_HOSTS_FINGERPRINT_BYTES - 1);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct known_hosts_entry entry, decided;
	const char *text = (const char *)data;
	size_t place = 0;
	size_t lines = 0;

	while (known_hosts_next(text, size, NAME, &place, &lines, &entry)) {
		require(place <= size && entry.line == lines);
		check_entry(&entry);
		require(known_hosts_judge(text, size, NAME, &entry.key, &decided) !=
				KNOWN_HOSTS_OTHER &&
			(entry.is_revoked ||
			 known_hosts_judge(text, size, NAME, &entry.key, &decided) !=
				 KNOWN_HOSTS_UNKNOWN));
	}
	require(place == size);
	return 0;
}
