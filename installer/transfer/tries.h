/* SPDX-License-Identifier: MIT */
#pragma once

/* A transfer with all its tries: after a lost connection, with a password, and so on. */

#include "installer/request/job.h"

/**
 * transfer_run - fetch what @job says, and give it to @client
 *
 * After a lost connection it continues where it ended, if the protocol can and the file
 * is the same; the client gets each byte once. If the job wants the first bytes, the
 * client is asked which parts come after them, all on one connection, if the server can.
 *
 * Return: 0 at the end of the file; what the client returned; -ENOENT if the server has
 * no such file; -ECOMM (TRANSFER, LOST, LOGIN, CERTIFICATE, HOST_KEY, CLOCK); -errno.
 */
int transfer_run(const struct transfer_job *job, const struct transfer_client *client,
		 struct verity_error *err) must_check;
