/* SPDX-License-Identifier: MIT */
/* Finding the ssh keys of a user. */
#include "installer/fetch/ssh_keys.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define PASSWD_BYTES 16384

static int no_memory(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

/* From the user database, as ssh does it: the environment does not count. */
int ssh_keys_find(struct ssh_keys *keys, struct verity_error *err)
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
		char *path = NULL;

		if (asprintf(&path, "%s/.ssh/%s", found->pw_dir, names[i]) < 0)
			return no_memory(err);
		if (access(path, R_OK) == 0)
			keys->paths[keys->count++] = path;
		else
			free(path);
	}
	return 0;
}

void ssh_keys_done(struct ssh_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		free(keys->paths[i]);
	keys->count = 0;
}
