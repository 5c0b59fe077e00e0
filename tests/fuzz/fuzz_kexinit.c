/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "installer/transfer/ssh_kexinit.h"

static const struct ssh_names none;

/* The whole input is a server; the device offers one list of it, and nothing else. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[SSH_DISAGREEMENT_MAX], settings[SSH_SETTINGS_MAX];
	struct ssh_kexinit server, device;

	if (ssh_kexinit_decode(data, size, &server) != 0)
		return 0;
	for (enum ssh_list list = 0; list < SSH_LISTS; list++)
		require((const uint8_t *)server.lists[list].text >= data &&
			server.lists[list].size <=
				(size_t)(data + size -
					 (const uint8_t *)server.lists[list].text));
	for (enum ssh_list list = 0; list < SSH_LISTS; list++)
		device.lists[list] = none;
	for (enum ssh_list list = 0; list < SSH_LISTS; list++) {
		device.lists[list] = server.lists[list];
		if (!ssh_kexinit_disagreement(&device, &server, text, settings))
			continue;
		require(memchr(text, '\0', sizeof(text)));
		require(memchr(settings, '\0', sizeof(settings)));
		for (const char *at = text; *at; at++)
			require(*at >= ' ' && *at < 0x7f);
	}
	return 0;
}
