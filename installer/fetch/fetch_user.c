/* SPDX-License-Identifier: MIT */
/* Finding the account of what talks to servers. */
#include "installer/fetch/fetch_user.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define PASSWD_BYTES 16384
#define NOBODY       65534 /* of the kernel: what has no number */
#define NUMBER_MAX   0xfffffffeUL

int fetch_user_find(const char *name, uid_t *ret_uid, gid_t *ret_gid,
		    struct verity_error *err)
{
	cleanup_free char *buffer = malloc(PASSWD_BYTES);
	struct passwd entry = {.pw_uid = NOBODY, .pw_gid = NOBODY};
	struct passwd *found = NULL;

	if (!buffer)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	name = name ?: FETCH_USER_DEFAULT;
	if (geteuid() != 0) {
		*ret_uid = geteuid();
		*ret_gid = getegid();
		return 0;
	}
	if (name[strspn(name, "0123456789")] == '\0') {
		unsigned long number = strtoul(name, NULL, 10);

		entry.pw_uid = entry.pw_gid = number < NUMBER_MAX ? (uid_t)number : 0;
	} else if (getpwnam_r(name, &entry, buffer, PASSWD_BYTES, &found) != 0 ||
		   !found) {
		if (strcmp(name, FETCH_USER_DEFAULT) != 0)
			return verity_fail(err, VERITY_E_CONFIG,
					   "fetch_user: there is no user %s", name);
		entry.pw_uid = entry.pw_gid = NOBODY;
	}
	if (entry.pw_uid == 0 || entry.pw_gid == 0)
		return verity_fail(err, VERITY_E_CONFIG,
				   "fetch_user: %s has the rights of root", name);
	*ret_uid = entry.pw_uid;
	*ret_gid = entry.pw_gid;
	return 0;
}
