/* SPDX-License-Identifier: MIT */
#pragma once

/* The ssh keys of the user that runs this program. */

#include "installer/request/job.h"

/* { 0 } at first. */
struct ssh_keys {
	struct ssh_key {
		char *bytes; /* owned; wiped */
		size_t size;
	} items[JOB_KEYS_MAX];
	size_t count;
	bool has_rsa; /* the last of them is of RSA */
};

/**
 * ssh_keys_load - read those that there are; ssh_keys_done()
 */
void ssh_keys_load(struct ssh_keys *keys);

void ssh_keys_done(struct ssh_keys *keys);
