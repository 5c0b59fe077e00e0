/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * scp and sftp, and what stands in source_protocol.h. The server's key is checked by
 * known_hosts.h and a person, not by libssh2; a login is tried with the keys of who runs
 * this, then with a password.
 */

#include "installer/fetch/transfer.h"

int source_ssh_prepare(struct source_transfer *transfer,
		       struct verity_error *err) must_check;
int source_sftp_check(struct source_transfer *transfer,
		      struct verity_error *err) must_check;
int source_ssh_explain(struct source_transfer *transfer, CURLcode code,
		       struct verity_error *err) must_check;
int source_ssh_amend(struct source_transfer *transfer,
		     struct verity_error *err) must_check;
void source_ssh_done(struct source_transfer *transfer);
