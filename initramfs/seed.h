/* SPDX-License-Identifier: MIT */
#pragma once

/* Factory configuration, once the root is as the device will see it. */

#include <stdbool.h>

#include "overlay/config/config.h"

/**
 * seeding_run - copy the factory configuration to DATA, where there is none yet, and each
 * pair of the key `seed` likewise
 * @root:    where the root is mounted, packages on top
 * @data_fd: DATA; borrowed; -1 where there is none
 *
 * What was done, left out or has failed is logged, and the boot goes on.
 *
 * Return: whether there was something to do: it was copied, or that has failed.
 */
bool seeding_run(const struct overlay_config *config, const char *root, int data_fd);
