/* SPDX-License-Identifier: MIT */

/* dm_verity.require_signatures, and what the kernel says of a signature. */

#include "verity/device/kernel_requirement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

/* Exists only where the kernel was built to check signatures. */
#define PARAMETER "/sys/module/dm_verity/parameters/require_signatures"

bool verity_kernel_requires_signature(void)
{
	cleanup_fd int fd = open(PARAMETER, O_RDONLY | O_CLOEXEC);
	char answer;

	return fd >= 0 && read(fd, &answer, 1) == 1 && answer == 'Y';
}

/*
 * libcryptsetup 2.6 returns -ENODEV for every answer of the kernel; only its message has
 * the answer: "device-mapper: reload ioctl on … failed: Required key not available".
 */
static const char *answer_in(const char *complaint)
{
	static const char mark[] = " failed: ";
	const char *answer = strstr(complaint, mark);

	return answer ? answer + strlen(mark) : complaint;
}

static bool is_unknown_key(const char *complaint)
{
	char why[128];

	return strcmp(answer_in(complaint),
		      verity_errno_text(ENOKEY, why, sizeof(why))) == 0;
}

#define REQUIRES                                                                         \
	"the kernel requires a signature of the root hash "                              \
	"(dm_verity.require_signatures) "

int verity_kernel_fail_signature(const char *complaint, struct verity_error *err)
{
	if (!complaint)
		return verity_fail(err, VERITY_E_KERNEL_SIGNATURE,
				   REQUIRES "and the package has none");
	if (is_unknown_key(complaint))
		return verity_fail(
			err, VERITY_E_KERNEL_SIGNATURE,
			REQUIRES "and does not know the key of the package's signature");
	return verity_fail(err, VERITY_E_KERNEL_SIGNATURE,
			   REQUIRES "and does not accept the package's: %s",
			   answer_in(complaint));
}

void verity_kernel_note(const char *complaint, char *ret, size_t size)
{
	if (access(PARAMETER, F_OK) < 0)
		snprintf(ret, size,
			 "the kernel cannot check its kernel signature "
			 "(CONFIG_DM_VERITY_VERIFY_ROOTHASH_SIG), and requires none");
	else if (is_unknown_key(complaint))
		snprintf(ret, size,
			 "the kernel does not know the key of its kernel signature, and "
			 "requires none");
	else
		snprintf(ret, size,
			 "the kernel does not accept its kernel signature, and requires "
			 "none: %s",
			 answer_in(complaint));
}
