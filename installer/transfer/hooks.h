/* SPDX-License-Identifier: MIT */
#pragma once

/* Which hooks a protocol has. */

#include "installer/transfer/protocol.h"

const struct protocol_ops *hooks_of(const struct protocol *protocol);
