/* SPDX-License-Identifier: MIT */
#pragma once

/* The steps that empty DATA. Each can be done again from its start. */

#include "factory/reset_run.h"

int factory_data_erase(struct factory_run *run, struct verity_error *err) must_check;
int factory_data_repair(struct factory_run *run, struct verity_error *err) must_check;
int factory_data_make(struct factory_run *run, struct verity_error *err) must_check;
int factory_data_discard(struct factory_run *run, struct verity_error *err) must_check;
