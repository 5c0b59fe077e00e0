/* SPDX-License-Identifier: MIT */

/* `wmopkg audit`: prints or verifies the audit log. */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/common/describe.h"
#include "installer/common/layout.h"
#include "overlay/record/audit.h"
#include "verity/util/text.h"

#define LINES_MAX 1000000 /* more than a log can have */

/* Where lines had to make room, and what is counted and in no line yet. */
static void print_rings(const struct overlay_audit_check *check)
{
	static const char *const names[] = {"Changes", "Refusals", "Boots"};
	char first[32], dropped[32];

	for (size_t i = 0; i < check->count; i++) {
		const struct overlay_audit_checked *ring = &check->rings[i];

		if (!ring->dropped)
			continue;
		verity_text_format_time(ring->first_time, first);
		verity_text_format_time(ring->dropped_time, dropped);
		printf("%s: complete from number %" PRIu64 " (%s). Before it, %" PRIu64
		       " line%s up to number %" PRIu64 "%s%s%s made room for newer "
		       "ones.\n",
		       names[i], ring->first, first, ring->dropped,
		       ring->dropped == 1 ? "" : "s", ring->dropped_last,
		       ring->dropped_time ? " (" : "", ring->dropped_time ? dropped : "",
		       ring->dropped_time ? ")" : "");
	}
	if (check->repeats)
		printf("Refusals: %" PRIu64 " more that say the same as a line.\n",
		       check->repeats);
	if (check->lost)
		printf("Lost: %" PRIu64 " line%s that could not be written.\n",
		       check->lost, check->lost == 1 ? "" : "s");
}

enum exit_status command_audit(struct device *device, const struct words *words)
{
	bool json = words_has(words, WORD_JSON);
	bool verify = words_has(words, WORD_VERIFY);
	struct overlay_audit_check check;
	struct verity_error err, why;
	int record = -1;
	const struct overlay_state *state = device_state(device);
	uint64_t boot = state ? state->boot : 0;
	uint64_t last = SIZE_MAX;
	int r = words_number(words, WORD_LAST, "audit", 1, LINES_MAX, &last, &err);

	if (r == 0)
		r = device_record_find(device, &record, &err);
	if (r == 0 && record < 0)
		r = -ENOENT;
	else if (r == 0)
		r = verify ? overlay_audit_verify(record, boot, &check, &err)
			   : overlay_audit_print(
				     record, json, (size_t)last,
				     layout_of(STDOUT_FILENO).width ? 0 : LAYOUT_WIDTH,
				     stdout, &err);
	if (r < 0 && r != -ENOENT)
		return report_error(NULL, &err);
	if (r == -ENOENT && !json)
		puts("There is no audit log yet.");
	if (r == 0 && verify) {
		printf("Audit log: %" PRIu64 " line%s, number %" PRIu64 " to %" PRIu64
		       ", not changed.\n",
		       check.lines, check.lines == 1 ? "" : "s", check.first, check.last);
		print_rings(&check);
	}
	/* Lines that were changed must not look as if they were not. */
	if (r == 0 && !verify &&
	    overlay_audit_verify(record, boot, &check, &why) == -EBADMSG)
		report_warning("%s", why.message);
	return report_output();
}
