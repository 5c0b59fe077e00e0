/* SPDX-License-Identifier: MIT */
/* A list of changes, as whoever writes to a store may have left it. */
#include "tests/fuzz/fuzz.h"

#include "overlay/store/set_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct set_journal journal;

	if (set_journal_decode(data, size, OVERLAY_ORDINARY, &journal, NULL) < 0)
		return 0;
	require(journal.count <= SET_JOURNAL_MAX);
	for (size_t i = 0; i < journal.count; i++) {
		require(verity_name_valid(journal.changes[i].entry.name));
	}
	set_journal_free(&journal);
	return 0;
}
