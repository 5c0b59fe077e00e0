/* SPDX-License-Identifier: MIT */
#pragma once

/* Keys and their key ring, for all tests of a program; see cmocka_run_group_tests(). */

#include "tests/verity/keys.h"
#include "verity/cms/keyring.h"

extern struct keys keys;
extern struct verity_keyring *keyring; /* of keys.ring */

int ring_setup(void **state);
int ring_teardown(void **state);
