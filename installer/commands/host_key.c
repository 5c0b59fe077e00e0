/* SPDX-License-Identifier: MIT */

/* `wmopkg host-key`: shows the known hosts of ssh, and forgets one. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/common/layout.h"
#include "installer/fetch/known_hosts_file.h"
#include "installer/request/address.h"

#define INDENT   4
#define SSH_PORT 22

struct shown {
	struct layout layout;
	size_t count;
};

static void show_one(void *context, const char *hosts, size_t size,
		     const struct known_hosts_key *key)
{
	char print[KNOWN_HOSTS_FINGERPRINT_BYTES], type[KNOWN_HOSTS_TYPE_MAX + 1];
	struct shown *shown = context;

	known_hosts_fingerprint(key, print);
	known_hosts_key_type(key, type);
	layout_printf(stdout, &shown->layout, INDENT, "%.*s: %s %s", (int)size, hosts,
		      known_hosts_type_name(type), print);
	shown->count++;
}

static int show(const char *path, struct verity_error *err)
{
	struct shown shown = {.layout = layout_of(STDOUT_FILENO)};
	cleanup_free char *text = NULL;
	size_t size;
	int r = known_hosts_load(path, &text, &size, err);

	if (r < 0)
		return r;
	known_hosts_list(text, size, show_one, &shown);
	if (shown.count == 0)
		puts("No host keys known.");
	return 0;
}

/* @host: as it stands in the file, or as in other commands */
static int forget(const char *path, const char *host, struct verity_error *err)
{
	char name[KNOWN_HOSTS_NAME_MAX], bare[ADDRESS_HOST_MAX + 1];
	struct address address;
	int r = known_hosts_forget(path, host, err);

	if (r == 0 && address_parse(host, &address, NULL) == 0) {
		const char *begin = address.host + (address.host[0] == '[');

		snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(begin, "]"), begin);
		if (known_hosts_name(bare,
				     address.port[0]
					     ? (unsigned)strtoul(address.port, NULL, 10)
					     : SSH_PORT,
				     name))
			r = known_hosts_forget(path, name, err);
	}
	if (r == 0)
		r = verity_fail(err, VERITY_E_NOT_FOUND,
				"%s: no host key of it is known (see 'wmopkg host-key')",
				host);
	if (r < 0)
		return r;
	printf("Forgotten... The next connection to %s asks about its key.\n", host);
	return 0;
}

enum exit_status command_host_key(struct device *device, const struct words *words)
{
	cleanup_free char *path = NULL;
	struct verity_error err;
	int r = device_known_hosts(device, &path, &err);

	if (r == 0 && !path)
		r = verity_fail(
			&err, VERITY_E_UNSUPPORTED,
			"host-key: there is no PERSIST to keep host keys on (check "
			"'persist' in the configuration)");
	if (r == 0)
		r = words_has(words, WORD_KEY_FORGET)
			    ? forget(path, words->values[WORD_KEY_FORGET], &err)
			    : show(path, &err);
	return r < 0 ? report_error(NULL, &err) : STATUS_DONE;
}
