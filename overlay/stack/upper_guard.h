/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What keeps an upper from changing what the engine is (overlay/fs/protect.h). It lies on
 * top of the engine's own layer, and it may be of a disk that anybody could write to. So
 * it is not used where it has anything in the place of a protected path, or anything but
 * a plain folder above one; and while it is used, the firmware's own copies are mounted
 * over those paths, read-only, so that nothing can come to be there.
 */

#include "overlay/fs/protect.h"
#include "verity/util/error.h"

/**
 * overlay_guard_check - whether an upper may be used
 * @engine:    the engine's layer, mounted
 * @upper_fd:  what was changed in @hierarchy; borrowed
 * @hierarchy: "/usr"; "" is the whole root
 * @own:       what the engine's layer was made with; may be NULL
 *
 * Return: 0; -EIO (STACK), and the message has the path; -errno.
 */
int overlay_guard_check(const char *engine, int upper_fd, const char *hierarchy,
			const struct overlay_protect *own,
			struct verity_error *err) must_check;

/**
 * overlay_guard_mount - mount the copies over what is protected within @hierarchy
 * @engine: likewise
 * @own:    likewise
 * @target: the root of the file system that the stack is part of
 *
 * Return: 0; -EIO (STACK); what was mounted goes with the stack.
 */
int overlay_guard_mount(const char *engine, const char *target, const char *hierarchy,
			const struct overlay_protect *own,
			struct verity_error *err) must_check;
