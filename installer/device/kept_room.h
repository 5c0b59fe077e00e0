/* SPDX-License-Identifier: MIT */
#pragma once

/* The room of what is kept for an undo. */

#include "installer/device/device.h"
#include "overlay/store/store.h"

#define KEPT_ROOM_SHARE 16 /* of a volume, one part stays free of what is kept */

/**
 * kept_room_free - delete the oldest file that is kept in a store, but for what is
 * active, whose room becomes free with the reboot only
 *
 * Return: whether there was one.
 */
bool kept_room_free(struct device *device, enum overlay_store_kind kind) must_check;

/**
 * kept_room_bytes - what kept_room_free() could free in a store, as far as is known
 */
uint64_t kept_room_bytes(struct device *device, enum overlay_store_kind kind);

/**
 * kept_room_limit - after a change: what is kept leaves room for others on DATA, and for
 * the records on PERSIST
 */
void kept_room_limit(struct device *device);
