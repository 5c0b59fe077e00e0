/* SPDX-License-Identifier: MIT */

/*
 * stack [string] [writable] COUNT LAYERS TARGET: stack COUNT folders of LAYERS over
 * TARGET; "string": with all options in one string, on whatever kernel.
 */

#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/stack/stack.h"

int main(int argc, char **argv)
{
	struct overlay_stack_parts parts = {.engine = true, .root = true};
	struct overlay_stack_plan plan = {0};
	struct verity_error why = {0};
	bool string = false, writable = false;
	char root[PATH_MAX];

	for (; argc > 4; argc--, argv++) {
		string |= strcmp(argv[1], "string") == 0;
		writable |= strcmp(argv[1], "writable") == 0;
	}
	if (argc != 4)
		errx(2, "usage: stack [string] [writable] COUNT LAYERS TARGET");
	parts.packages = (size_t)atoi(argv[1]);
	snprintf(root, sizeof(root), "%s/" OVERLAY_STACK_ROOT, argv[2]);
	if (overlay_stack_check_depth(root, &why) < 0)
		errx(1, "%s", why.message);
	if (overlay_stack_plan_make(&parts, &plan, &why) < 0)
		errx(1, "%s", why.message);
	plan.by_string = string;
	plan.writable = writable;
	if (overlay_stack_mount(argv[2], &plan, argv[3], &why) < 0)
		errx(1, "%s", why.message);
	overlay_stack_plan_free(&plan);
	return 0;
}
