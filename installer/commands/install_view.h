/* SPDX-License-Identifier: MIT */
#pragma once

/* What a person sees of an installation. */

#include "installer/common/progress.h"
#include "installer/receive/install_run.h"

/**
 * install_view_of_terminal - progress bar, verdict and notes on standard output; without
 * a question
 * @progress: { .open = false }; borrowed
 */
struct install_view install_view_of_terminal(struct progress *progress);
