/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where changes to a stack go: LAYERS/up, a tmpfs or a folder of DATA, with a folder
 * "upper" of what was changed and a folder "work" for the kernel. In each, a hierarchy
 * has the folder of its own path. DATA may hold anything: no link in it is followed.
 */

#include "verity/util/error.h"

#define OVERLAY_UPPER_FOLDER "up"

/**
 * overlay_upper_mount_tmpfs - make LAYERS/up a tmpfs
 */
int overlay_upper_mount_tmpfs(const char *layers, struct verity_error *err) must_check;

/**
 * overlay_upper_mount_data - make LAYERS/up a folder of DATA, which is made where it is
 * missing
 * @data_fd: -1: DATA is not there
 */
int overlay_upper_mount_data(const char *layers, int data_fd, const char *name,
			     struct verity_error *err) must_check;

/**
 * overlay_upper_give - make the folders of one hierarchy and link them into its view
 * @view:      LAYERS, or a folder in it
 * @hierarchy: "/usr"; "" is the whole root
 * @base:      what lies below; a new folder looks like it
 * @ret:       its upper folder, for the caller to close; set on success only
 */
int overlay_upper_give(const char *layers, const char *view, const char *hierarchy,
		       const char *base, int *ret, struct verity_error *err) must_check;

/**
 * overlay_upper_unmount - unmount LAYERS/up, once no stack uses it
 */
void overlay_upper_unmount(const char *layers);
