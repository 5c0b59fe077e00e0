/* SPDX-License-Identifier: MIT */
/* Reading the ssh keys of a user. */
#include "installer/fetch/ssh_keys.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/passwd.h"
#include "verity/util/io.h"

#define KEY_MAX_BYTES (64U << 10)

/* From the user database, as ssh does it: the environment does not count. */
void ssh_keys_load(struct ssh_keys *keys)
{
	static const struct {
		const char *name;
		bool is_rsa;
	} files[JOB_KEYS_MAX] = {
		{"id_ed25519", false}, {"id_ecdsa", false}, {"id_rsa", true}};
	struct passwd_user user;

	if (!passwd_find(PASSWD_PATH, NULL, geteuid(), &user))
		return;
	for (size_t i = 0; i < JOB_KEYS_MAX; i++) {
		struct ssh_key *key = &keys->items[keys->count];
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/.ssh/%s", user.home, files[i].name);
		/* One that cannot be read is like none. */
		if (verity_io_load(AT_FDCWD, path, KEY_MAX_BYTES, &key->bytes, &key->size,
				   NULL) < 0)
			continue;
		keys->count++;
		keys->has_rsa |= files[i].is_rsa;
	}
}

void ssh_keys_done(struct ssh_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		explicit_bzero(keys->items[i].bytes, keys->items[i].size);
		free(keys->items[i].bytes);
	}
	keys->count = 0;
}
