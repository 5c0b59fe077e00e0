/* SPDX-License-Identifier: MIT */
#pragma once

/* The insides of a store, for the two files that work on it. */

#include "overlay/store.h"

#define OVERLAY_KINDS        2
#define OVERLAY_STORE_FOLDER "packages"

struct overlay_store {
	int base[OVERLAY_KINDS];   /* DATA and PERSIST; -1: not there */
	int folder[OVERLAY_KINDS]; /* `packages` within them; -1: not made yet */
};
