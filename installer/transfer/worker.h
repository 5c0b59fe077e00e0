/* SPDX-License-Identifier: MIT */
#pragma once

/* The side of a transfer in a process without rights: its client is behind two pipes. */

#include "installer/request/job.h"

/**
 * worker_run - transfer_run(), with a client to which messages go
 * @in:  pipe that answers come from
 * @out: pipe that messages go to
 *
 * Return: exit status of the process.
 */
int worker_run(const struct transfer_job *job, int in, int out);
