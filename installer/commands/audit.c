/* SPDX-License-Identifier: MIT */

/* `wmopkg audit`: prints or verifies the audit log. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "installer/commands/commands.h"
#include "overlay/record/audit.h"

enum exit_status command_audit(struct device *device, const struct words *words)
{
	bool json = words_has(words, WORD_JSON);
	bool verify = words_has(words, WORD_VERIFY);
	struct overlay_audit_check check;
	struct verity_error err, why;
	int record = -1;
	int r = device_record_find(device, &record, &err);

	if (r == 0 && record < 0)
		r = -ENOENT;
	else if (r == 0)
		r = verify ? overlay_audit_verify(record, &check, &err)
			   : overlay_audit_print(record, json, stdout, &err);
	if (r < 0 && r != -ENOENT)
		return report_error(NULL, &err);
	if (r == -ENOENT && !json)
		puts("There is no audit log yet.");
	if (r == 0 && verify)
		printf("Audit log: %" PRIu64 " line%s, number %" PRIu64 " to %" PRIu64
		       ", not changed.\n",
		       check.lines, check.lines == 1 ? "" : "s", check.first, check.last);
	/* Lines that were changed must not look as if they were not. */
	if (r == 0 && !verify && overlay_audit_verify(record, &check, &why) == -EBADMSG)
		report_warning("%s", why.message);
	return report_output();
}
