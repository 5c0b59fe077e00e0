/* SPDX-License-Identifier: MIT */

/*
 * ask IMAGE...: what the running kernel says to images like these, a line for each. That
 * it cannot be asked is a line of debug output.
 */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>

#include "overlay/stack/kernel_squashfs.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"

static void print(const char *line)
{
	printf("debug: %s\n", line);
}

int main(int argc, char **argv)
{
	verity_debug_start(print);
	for (int i = 1; i < argc; i++) {
		cleanup_fd int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		struct verity_error why = {.message = "yes"};

		if (fd < 0)
			err(1, "%s", argv[i]);
		(void)!overlay_kernel_check_image(fd, 0, &why);
		printf("%s\n", why.message);
	}
	return 0;
}
