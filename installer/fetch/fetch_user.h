/* SPDX-License-Identifier: MIT */
#pragma once

/* The user that what talks to servers runs as, if it is started by root. */

#include "verity/util/error.h"

#include <sys/types.h>

#define FETCH_USER_DEFAULT "nobody"

/**
 * fetch_user_find - user and group of the key fetch_user of the configuration
 * @name: of an account, or a number; NULL: FETCH_USER_DEFAULT
 *
 * Nothing is looked up without root: then there is no other user.
 *
 * Return: 0; -EINVAL (CONFIG) if there is no such account, or it is root.
 */
int fetch_user_find(const char *name, uid_t *ret_uid, gid_t *ret_gid,
		    struct verity_error *err) must_check;
