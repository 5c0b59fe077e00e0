/* SPDX-License-Identifier: MIT */
/* A name service that leaves a file behind where it is loaded. */
#include <fcntl.h>
#include <unistd.h>

static __attribute__((constructor)) void leave(void)
{
	close(open("loaded", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
