/* SPDX-License-Identifier: MIT */
#pragma once

/* Reads what a reset must know of a device before it empties it. */

#include "factory/data_probe.h"
#include "factory/reset_run.h"
#include "factory/reset_target.h"

/**
 * factory_facts_read - find out what uses a device, and what it is
 * @reset:  root, PERSIST and the folder `run` are what must be kept
 * @number: of the device
 * @probe:  what it holds
 * @own:    path that it may be mounted at; "": none
 * @ret:    always filled; factory_target_free()
 *
 * What cannot be read is noted in @ret. PERSIST is left out where @ret is about PERSIST
 * itself: where @keeps_persist is false.
 */
void factory_facts_read(const struct factory_reset *reset, dev_t number,
			const struct factory_probe *probe, const char *own,
			bool keeps_persist, struct factory_target *ret);
