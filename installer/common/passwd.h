/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Users, as the file /etc/passwd has them. The functions of the C library would load the
 * name services of /etc/nsswitch.conf, which a package may bring: its code would run in
 * this program, as root.
 */

#include <stdbool.h>
#include <sys/types.h>

#define PASSWD_PATH      "/etc/passwd"
#define PASSWD_NAME_SIZE 64
#define PASSWD_HOME_SIZE 1024

struct passwd_user {
	uid_t uid;
	gid_t gid;
	char name[PASSWD_NAME_SIZE];
	char home[PASSWD_HOME_SIZE];
};

/**
 * passwd_find - the first user in a file with a name, or a number
 * @path: PASSWD_PATH, or another file of this format; up to 1 MiB
 * @name: NULL: the one with @uid
 * @ret:  set if it is found
 *
 * Lines for other services ("+", "-") are no users, and nor are those with a longer name
 * or home than fits.
 *
 * Return: whether it is found.
 */
bool passwd_find(const char *path, const char *name, uid_t uid, struct passwd_user *ret);

/**
 * passwd_login_uid - who logged in, whoever that has become since, as the kernel knows it
 *
 * Return: false if the kernel does not know such users at all; @ret is that of the
 * process then, and also where nobody logged in.
 */
bool passwd_login_uid(uid_t *ret);
