/* SPDX-License-Identifier: MIT */
#pragma once

/* scp and sftp. */

#include "installer/transfer/protocol.h"

extern const struct protocol_ops ssh_ops;
