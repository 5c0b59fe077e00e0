/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a layer adds to a hierarchy: the folder of that path in it, never what a symbolic
 * link in it points to.
 */

#include "verity/util/error.h"

enum overlay_share {
	OVERLAY_SHARE_NONE,
	OVERLAY_SHARE_OTHER, /* nothing: what it has there, or above, is not a folder */
	OVERLAY_SHARE_FOLDER,
	OVERLAY_SHARE_OPAQUE, /* and hides the same folder of the layers below */
};

/**
 * overlay_share_look - what the layer mounted at @folder adds to @hierarchy
 * @hierarchy: "/usr"
 *
 * Return: 0; -errno.
 */
int overlay_share_look(const char *folder, const char *hierarchy, enum overlay_share *ret,
		       struct verity_error *err) must_check;
