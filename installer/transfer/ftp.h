/* SPDX-License-Identifier: MIT */
#pragma once

/* ftp, passive: RFC 959, 1738, 2428, 3659. */

#include "installer/transfer/protocol.h"

extern const struct protocol_ops ftp_ops;
