/* SPDX-License-Identifier: MIT */
#pragma once

/* tftp: RFC 1350, 2347-2349. */

#include "installer/transfer/protocol.h"

extern const struct protocol_ops tftp_ops;
