/* SPDX-License-Identifier: MIT */
#pragma once

/* Prints a plan for a person. */

#include "initramfs/plan.h"

#include <stdio.h>

void plan_text_print(FILE *out, const struct plan *plan);
