/* SPDX-License-Identifier: MIT */
#pragma once

/* Where an identity is looked for; for overlay/config/identity.c and its test. */

#include "overlay/config/identity.h"

struct overlay_identity_places {
	int system_fd; /* folder that holds sys/ and proc/; borrowed */
	int root_fd;   /* the firmware's root; borrowed */
};

/**
 * overlay_identity_find - what device this is, by these places
 */
void overlay_identity_find(const struct overlay_config *config,
			   const struct overlay_identity_places *places,
			   struct overlay_identity *ret);
