/* SPDX-License-Identifier: MIT */
#pragma once

/* The command `update`; as those of installer/commands/commands.h. */

#include "installer/common/report.h"
#include "installer/device/device.h"
#include "installer/grammar/grammar.h"

enum exit_status command_update(struct device *device, const struct words *words);
