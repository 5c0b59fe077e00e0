/* SPDX-License-Identifier: MIT */
#pragma once

/* Factory configuration, once the root is as the device will see it. */

/**
 * seeding_run - copy the factory configuration to DATA, where there is none yet
 * @root:    where the root is mounted, packages on top
 * @data_fd: DATA; borrowed; -1 where there is none
 *
 * What was done, left out or has failed is logged, and the boot goes on.
 */
void seeding_run(const char *root, int data_fd);
