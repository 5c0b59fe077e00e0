/* SPDX-License-Identifier: MIT */

/*
 * Kernel signatures without libcryptsetup and what it brings: libdevmapper, libudev,
 * libselinux, libpcre2, libm, libargon2, libuuid.
 */

#include "verity/device/set_up.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>

#include "verity/device/dm.h"
#include "verity/device/dm_table.h"
#include "verity/format/manifest.h"
#include "verity/util/sys.h"

#define KEY_TYPE   "user"
#define KEY_PREFIX "wmopkg:"

struct verity_set_up {
	int dm_control; /* borrowed */
};

/*
 * The kernel takes a signature from a key of this thread, which it finds by its
 * description.
 */
int verity_set_up_signed(struct verity_set_up *set_up,
			 const struct verity_set_up_device *device,
			 char complaint[static VERITY_COMPLAINT_MAX])
{
	const struct verity_manifest *manifest =
		verity_verified_manifest(device->verified);
	char key[sizeof(KEY_PREFIX) + VERITY_DM_NAME_MAX];
	int number, r;

	snprintf(key, sizeof(key), KEY_PREFIX "%s", device->name);
	number = sys_add_key(KEY_TYPE, key, manifest->kernel_signature,
			     manifest->kernel_signature_bytes, KEY_SPEC_THREAD_KEYRING);
	if (number < 0)
		return verity_dm_table_fail(-errno, "adding the signature of",
					    device->name, complaint);
	r = verity_dm_table_set_up(set_up->dm_control, device, key, complaint);
	(void)sys_keyctl_unlink(number, KEY_SPEC_THREAD_KEYRING);
	return r;
}

void verity_set_up_free(struct verity_set_up *set_up)
{
	free(set_up);
}

int verity_set_up_open(int dm_control, struct verity_set_up **ret)
{
	struct verity_set_up *set_up = calloc(1, sizeof(*set_up));

	if (!set_up)
		return -ENOMEM;
	set_up->dm_control = dm_control;
	*ret = set_up;
	return 0;
}
