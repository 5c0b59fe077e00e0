/* SPDX-License-Identifier: MIT */
/* Finding the account of what talks to servers. */
#include "installer/fetch/fetch_user.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/passwd.h"

#define NOBODY     65534 /* of the kernel: what has no number */
#define NUMBER_MAX 0xfffffffeUL

int fetch_user_find(const char *name, uid_t *ret_uid, gid_t *ret_gid,
		    struct verity_error *err)
{
	struct passwd_user user = {.uid = NOBODY, .gid = NOBODY};

	name = name ?: FETCH_USER_DEFAULT;
	if (geteuid() != 0) {
		*ret_uid = geteuid();
		*ret_gid = getegid();
		return 0;
	}
	if (name[strspn(name, "0123456789")] == '\0') {
		unsigned long number = strtoul(name, NULL, 10);

		user.uid = user.gid = number < NUMBER_MAX ? (uid_t)number : 0;
	} else if (!passwd_find(PASSWD_PATH, name, 0, &user) &&
		   strcmp(name, FETCH_USER_DEFAULT) != 0) {
		return verity_fail(err, VERITY_E_CONFIG,
				   "fetch_user: there is no user %s", name);
	}
	if (user.uid == 0 || user.gid == 0)
		return verity_fail(err, VERITY_E_CONFIG,
				   "fetch_user: %s has the rights of root", name);
	*ret_uid = user.uid;
	*ret_gid = user.gid;
	return 0;
}
