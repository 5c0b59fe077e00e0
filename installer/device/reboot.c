/* SPDX-License-Identifier: MIT */

/* Runs the reboot program of the firmware. */

#include "installer/device/reboot.h"

#include <stdio.h>

#include "factory/filesystem.h"

int reboot_device(struct verity_error *err)
{
	static const char *const paths[] = {"/sbin/reboot", "/usr/sbin/reboot", NULL};
	const struct factory_program reboot = {
		.paths = paths, .words = {"reboot"}, .common = true};
	int r;

	fflush(stdout);
	r = factory_program_run(&reboot, err);
	return r > 0 ? -1 : r;
}
