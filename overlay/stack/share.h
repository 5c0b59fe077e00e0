/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a layer has to give to a hierarchy: the folder of that path in it, and nothing
 * that a link in it leads to.
 */

#include "verity/util/error.h"

enum overlay_share {
	OVERLAY_SHARE_NONE,
	OVERLAY_SHARE_OTHER, /* none: what it has there, or above, is no folder */
	OVERLAY_SHARE_FOLDER,
	OVERLAY_SHARE_OPAQUE, /* and nothing of the layers below shows in it */
};

/**
 * overlay_share_look - what the layer mounted at @folder has for @hierarchy
 * @hierarchy: "/usr"
 *
 * Return: 0; -errno.
 */
int overlay_share_look(const char *folder, const char *hierarchy, enum overlay_share *ret,
		       struct verity_error *err) must_check;
