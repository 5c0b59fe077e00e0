/* SPDX-License-Identifier: MIT */
#pragma once

/* http and https: RFC 9110. */

#include "installer/fetch/protocol.h"

extern const struct protocol_ops http_ops;
