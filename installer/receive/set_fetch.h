/* SPDX-License-Identifier: MIT */
#pragma once

/* Fetches what a set wants: only the heads, or the whole packages. */

#include "installer/receive/set_plan.h"
#include "overlay/store/change_set.h"

/*
 * Where a set comes from: what its sources begin with, and what they may name. Only one
 * from a file of this device may name files of this device. Borrowed.
 */
struct set_origin {
	/* What a relative source is appended to, a path or a URL: "", or ends with '/' */
	const char *folder;
	const char *medium; /* label; @folder is a path on it; NULL: it is none */
	/* For sources that are appended to a URL; NULL: not given */
	const char *user, *password;
	/*
	 * All is judged, and the step comes next, or there is nothing to change. Return:
	 * 0; -errno: nothing is changed. May be NULL.
	 */
	int (*accepted)(void *context, struct verity_error *err);
	void *context; /* of that; borrowed */
	/* The event that is logged after those of the packages; NULL: there is none */
	const struct overlay_audit_entry *event;
};

/**
 * set_fetch_heads - fetch the head of each package that is not known to be installed as
 * the set wants it, and judge it
 * @plan:   gets what comes
 * @origin: borrowed
 *
 * Return: 0; -EINVAL (BAD_SET) where it is not what the set says; what the judge and the
 * transfer return, with the name of the package.
 */
int set_fetch_heads(struct set_plan *plan, const struct set_origin *origin,
		    struct verity_error *err) must_check;

/**
 * set_fetch_whole - fetch and judge the packages themselves, into @changes
 * @changes: borrowed until set_plan_free(), like @view
 *
 * Of a package that is installed already, only the head is fetched. Else as
 * set_fetch_heads(), and as install_prepare().
 */
int set_fetch_whole(struct set_plan *plan, const struct set_origin *origin,
		    const struct install_view *view, struct overlay_change_set *changes,
		    struct verity_error *err) must_check;
