/* SPDX-License-Identifier: MIT */
#pragma once

/* Seeds factory configuration once the root is as the device will see it. */

#include <stdbool.h>

#include "overlay/config/config.h"

/**
 * seed_run - copy the factory configuration to DATA, if it has none yet, and likewise
 * each pair of the key `seed`
 * @root:    where the root is mounted, packages on top
 * @data_fd: DATA; borrowed; -1 where there is none
 *
 * What was done, left out or failed is logged, and the boot goes on.
 *
 * Return: whether there was something to do: it was copied, or that failed.
 */
bool seed_run(const struct overlay_config *config, const char *root, int data_fd);
