/* SPDX-License-Identifier: MIT */
#pragma once

/* Makes the installed packages what a set says, as one step. */

#include "installer/receive/set_fetch.h"

/**
 * set_check - fetch the heads of the packages of a set, and judge with them all that
 * set_apply() would, but for their images: identities, needs and conflicts, and room
 * @plan: of the set; what comes is added to it
 *
 * Changes nothing, and logs nothing.
 *
 * Return: 0; -errno.
 */
int set_check(struct set_plan *plan, const struct set_origin *origin,
	      struct verity_error *err) must_check;

/**
 * set_apply - fetch and judge the packages of a set, hold them to each other, and make
 * all changes as one step
 * @plan:   of the set; what comes is added to it
 * @origin: borrowed
 * @view:   borrowed until set_plan_free()
 *
 * install_begin() comes before it. Refuses if the stores have changed since the plan was
 * made. A failure changes nothing, or says that the next boot completes the set.
 *
 * Return: 1: changed; 0: there was nothing to change; -errno.
 */
int set_apply(struct set_plan *plan, const struct set_origin *origin,
	      const struct install_view *view, struct verity_error *err) must_check;
