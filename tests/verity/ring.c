/* SPDX-License-Identifier: MIT */
#include "tests/verity/ring.h"

#include "tests/check.h"

struct keys keys;
struct verity_keyring *keyring;

int ring_setup(void **state)
{
	struct verity_error err;

	(void)state;
	keys_make(&keys);
	check_ok(verity_keyring_load(keys.ring, &keyring, &err), &err);
	return 0;
}

int ring_teardown(void **state)
{
	(void)state;
	verity_keyring_free(keyring);
	keys_delete(&keys);
	return 0;
}
