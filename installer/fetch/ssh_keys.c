/* SPDX-License-Identifier: MIT */
/* Reading the ssh keys of a user. */
#include "installer/fetch/ssh_keys.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define PASSWD_BYTES  16384
#define KEY_MAX_BYTES (64U << 10)

static int no_memory(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

/* From the user database, as ssh does it: the environment does not count. */
int ssh_keys_load(struct ssh_keys *keys, struct verity_error *err)
{
	static const char *const names[JOB_KEYS_MAX] = {"id_ed25519", "id_ecdsa",
							"id_rsa"};
	cleanup_free char *buffer = malloc(PASSWD_BYTES);
	struct passwd entry;
	struct passwd *found = NULL;

	if (!buffer)
		return no_memory(err);
	if (getpwuid_r(geteuid(), &entry, buffer, PASSWD_BYTES, &found) != 0 || !found)
		return 0;
	for (size_t i = 0; i < JOB_KEYS_MAX; i++) {
		struct ssh_key *key = &keys->items[keys->count];
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/.ssh/%s", found->pw_dir, names[i]);
		/* One that cannot be read is like none. */
		keys->count += verity_io_load(AT_FDCWD, path, KEY_MAX_BYTES, &key->bytes,
					      &key->size, NULL) == 0;
	}
	return 0;
}

void ssh_keys_done(struct ssh_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		explicit_bzero(keys->items[i].bytes, keys->items[i].size);
		free(keys->items[i].bytes);
	}
	keys->count = 0;
}
