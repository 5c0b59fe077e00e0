/* SPDX-License-Identifier: MIT */
#include "overlay/record/allowance.h"
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/statements.h"

#define NOW INT64_C(1800000000)

/* What is kept on the device; "": no statement at all. */
enum kept { NONE, UNTRUSTED, DOWNGRADE, BOTH, LATE, FOREIGN, KEPT };

static struct verity_unlock *unlocks[KEPT];

static void make(enum kept kept, const struct keys *keys, struct verity_keyring *ring,
		 const char *serial, const char *allow, int64_t until)
{
	struct statement_file file;
	struct verity_error err;
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"type\":\"unlock\",\"format\":1,\"serial\":\"%s\",\"allow\":[%s],"
		 "\"not_after\":%lld}",
		 serial, allow, (long long)until);
	file = statement_make(keys, text, "unlock");
	check_ok(verity_unlock_read(file.bytes, file.size, ring, NULL, &unlocks[kept],
				    &err),
		 &err);
	free(file.bytes);
}

static int make_all(void **state)
{
	struct verity_keyring *ring;
	struct keys keys;

	(void)state;
	keys_make(&keys);
	ring = statement_ring(&keys);
	make(UNTRUSTED, &keys, ring, "SN1", "\"untrusted\"", NOW);
	make(DOWNGRADE, &keys, ring, "SN1", "\"downgrade\"", NOW);
	make(BOTH, &keys, ring, "SN1", "\"untrusted\",\"downgrade\"", NOW);
	make(LATE, &keys, ring, "SN1", "\"untrusted\",\"downgrade\"", NOW - 1);
	make(FOREIGN, &keys, ring, "SN2", "\"untrusted\",\"downgrade\"", NOW);
	verity_keyring_free(ring);
	keys_delete(&keys);
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEPT; i++)
		verity_unlock_free(unlocks[i]);
	return 0;
}

#define LOCKED   "Allow Untrusted does not count on this device"
#define NOT_OURS "the unlock statement is for serial number SN2, and this device is SN1"
#define OVER                                                                             \
	"the unlock statement was good until 2027-01-15 07:59:59 UTC, and by this "      \
	"device it is 2027-01-15 08:00:00 UTC"

/* Anchor x boot configuration x what is kept, all of it. */
static void test_table(void **state)
{
	static const struct {
		enum kept kept;
		bool asked, anchored;
		bool untrusted, downgrade;
		const char *why; /* NULL: not locked */
	} cases[] = {
		{NONE, false, false, false, false, NULL},
		{NONE, true, false, true, false, NULL},
		{NONE, false, true, false, false, NULL},
		{NONE, true, true, false, false,
		 LOCKED " without an unlock statement (serial number: SN1): the reason"},
		{UNTRUSTED, false, false, false, false, NULL},
		{UNTRUSTED, true, false, true, false, NULL},
		{UNTRUSTED, false, true, false, false, NULL},
		{UNTRUSTED, true, true, true, false, NULL},
		{DOWNGRADE, false, false, false, true, NULL},
		{DOWNGRADE, true, false, true, true, NULL},
		{DOWNGRADE, false, true, false, true, NULL},
		{DOWNGRADE, true, true, false, true,
		 LOCKED ": its unlock statement does not allow it"},
		{BOTH, false, false, false, true, NULL},
		{BOTH, true, false, true, true, NULL},
		{BOTH, false, true, false, true, NULL},
		{BOTH, true, true, true, true, NULL},
		{LATE, false, false, false, false, NULL},
		{LATE, true, false, true, false, NULL},
		{LATE, false, true, false, false, NULL},
		{LATE, true, true, false, false, LOCKED ": " OVER},
		{FOREIGN, false, false, false, false, NULL},
		{FOREIGN, true, false, true, false, NULL},
		{FOREIGN, false, true, false, false, NULL},
		{FOREIGN, true, true, false, false, LOCKED ": " NOT_OURS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct overlay_anchor_result anchor = {.present = cases[i].anchored,
							     .text = "the reason"};
		const struct overlay_allowance_inputs inputs = {
			.asked = cases[i].asked,
			.anchor = &anchor,
			.unlock = unlocks[cases[i].kept],
			.serial = "SN1",
			.now = NOW,
		};
		struct overlay_allowance allowance;

		overlay_allowance_decide(&inputs, &allowance);
		if (allowance.untrusted != cases[i].untrusted ||
		    allowance.downgrade != cases[i].downgrade ||
		    allowance.locked != (cases[i].why != NULL))
			fail_msg("case %zu", i);
		if (cases[i].why)
			check_error(&allowance.why, VERITY_E_LOCKED, cases[i].why);
		assert_int_equal(allowance.unlock_fault.code,
				 cases[i].kept == LATE      ? VERITY_E_EXPIRED
				 : cases[i].kept == FOREIGN ? VERITY_E_WRONG_DEVICE
							    : VERITY_OK);
	}
}

/* No statement is for a device that does not know who it is. */
static void test_no_serial(void **state)
{
	const struct overlay_anchor_result anchor = {.present = true,
						     .text = "the reason"};
	struct overlay_allowance_inputs inputs = {
		.asked = true, .anchor = &anchor, .serial = "", .now = NOW};
	struct overlay_allowance allowance;

	(void)state;
	overlay_allowance_decide(&inputs, &allowance);
	check_error(
		&allowance.why, VERITY_E_LOCKED,
		LOCKED
		" without an unlock statement (serial number: not known): the reason");
	inputs.unlock = unlocks[BOTH];
	overlay_allowance_decide(&inputs, &allowance);
	assert_false(allowance.untrusted || allowance.downgrade);
	check_error(&allowance.why, VERITY_E_LOCKED,
		    LOCKED ": the unlock statement is for serial number SN1, and that of "
			   "this device is not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_no_serial),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
