/* SPDX-License-Identifier: MIT */
/* Reads users of a passwd file, without the name services of the C library. */
#include "installer/common/passwd.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define FILE_MAX_BYTES (1U << 20)
#define UID_UNSET      4294967295UL /* of a process without a login */

static bool is_wanted(const struct passwd *entry, const char *name, uid_t uid)
{
	if (entry->pw_name[0] == '+' || entry->pw_name[0] == '-')
		return false;
	if (strlen(entry->pw_name) >= PASSWD_NAME_SIZE ||
	    strlen(entry->pw_dir) >= PASSWD_HOME_SIZE)
		return false;
	return name ? strcmp(entry->pw_name, name) == 0 : entry->pw_uid == uid;
}

bool passwd_find(const char *path, const char *name, uid_t uid, struct passwd_user *ret)
{
	cleanup_free char *text = NULL;
	const struct passwd *entry;
	bool found = false;
	FILE *file = NULL;
	size_t size;

	if (verity_io_load(AT_FDCWD, path, FILE_MAX_BYTES, &text, &size, NULL) == 0 &&
	    size > 0)
		file = fmemopen(text, size, "r");
	while (file && !found && (entry = fgetpwent(file))) {
		found = is_wanted(entry, name, uid);
		if (!found)
			continue;
		*ret = (struct passwd_user){.uid = entry->pw_uid, .gid = entry->pw_gid};
		strcpy(ret->name, entry->pw_name);
		strcpy(ret->home, entry->pw_dir);
	}
	if (file)
		fclose(file);
	return found;
}

bool passwd_login_uid(uid_t *ret)
{
	cleanup_free char *text = NULL;
	unsigned long uid = UID_UNSET;
	size_t size = 0;
	bool known = verity_io_load(AT_FDCWD, "/proc/self/loginuid", 32, &text, &size,
				    NULL) == 0 &&
		     size > 0;

	if (known)
		uid = strtoul(text, NULL, 10);
	*ret = uid == UID_UNSET ? getuid() : (uid_t)uid;
	return known;
}
