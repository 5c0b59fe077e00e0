/* SPDX-License-Identifier: MIT */
#pragma once

/* Makes the installed packages what a set says, as one step. */

#include "installer/receive/set_plan.h"

/**
 * set_apply - fetch and judge the packages of a set, hold them to each other, and make
 * all changes as one step
 * @plan:   of the set; what comes is added to it
 * @folder: what a source that is a relative path is appended to: "", or ends with '/'
 * @view:   borrowed until set_plan_free()
 *
 * install_begin() comes before it. Refuses if the stores have changed since the plan was
 * made. A failure changes nothing, or says that the next boot completes the set.
 *
 * Return: 1: changed; 0: there was nothing to change; -errno.
 */
int set_apply(struct set_plan *plan, const char *folder, const struct install_view *view,
	      struct verity_error *err) must_check;
