/* SPDX-License-Identifier: MIT */
#pragma once

/* http and https: RFC 9110. */

#include "installer/transfer/protocol.h"

extern const struct protocol_ops http_ops;
