/* SPDX-License-Identifier: MIT */

/* stack COUNT LAYERS TARGET: stack COUNT folders of LAYERS over TARGET. */

#include <err.h>
#include <stdlib.h>

#include "overlay/stack.h"

int main(int argc, char **argv)
{
	struct overlay_stack_plan plan = {0};
	struct verity_error why = {0};

	if (argc != 4)
		errx(2, "usage: stack COUNT LAYERS TARGET");
	if (overlay_stack_plan_new((size_t)atoi(argv[1]), false, &plan, &why) < 0 ||
	    overlay_stack_mount(argv[2], &plan, argv[3], &why) < 0)
		errx(1, "%s", why.message);
	overlay_stack_plan_free(&plan);
	return 0;
}
