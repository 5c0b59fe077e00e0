/* SPDX-License-Identifier: MIT */
/* The lines of a step, as whoever writes to PERSIST may have left them. */
#include "tests/fuzz/fuzz.h"

#include "overlay/record/audit_step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_audit_step step;

	if (overlay_audit_step_decode(data, size, &step, NULL) < 0)
		return 0;
	require(step.count <= OVERLAY_AUDIT_STEP_MAX);
	for (size_t i = 0; i < step.count; i++) {
		const struct overlay_audit_step_line *line = &step.lines[i];

		require(overlay_audit_event_name(line->event));
		require(!line->package.name[0] || verity_name_valid(line->package.name));
		require(line->id_bytes == 0 || line->id_bytes == sizeof(line->id));
		require(verity_code_name(line->reason.code));
	}
	overlay_audit_step_free(&step);
	return 0;
}
