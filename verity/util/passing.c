/* SPDX-License-Identifier: MIT */
/* Tells failures that pass by their number. */
#include "verity/util/passing.h"

#include <errno.h>
#include <stddef.h>

bool verity_errno_passes(int r)
{
	static const int passing[] = {ENOMEM, EMFILE, ENFILE, EAGAIN, EINTR, EIO};

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (r == -passing[i])
			return true;
	return false;
}
