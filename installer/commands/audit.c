/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "overlay/record/audit.h"

/* Lines that somebody has changed are not to be read as if nobody had. */
static void warn_of_damage(int record)
{
	struct overlay_audit_check check;
	struct verity_error why;

	if (overlay_audit_verify(record, &check, &why) == -EBADMSG)
		report_warning("%s", why.message);
}

static int show(int record, bool json, struct verity_error *err)
{
	int r = record < 0 ? -ENOENT : overlay_audit_print(record, json, stdout, err);

	if (r == 0)
		warn_of_damage(record);
	if (r != -ENOENT)
		return r;
	if (!json)
		puts("There is no audit log yet.");
	return 0;
}

static int verify(int record, struct verity_error *err)
{
	struct overlay_audit_check check;
	int r = record < 0 ? -ENOENT : overlay_audit_verify(record, &check, err);

	if (r == 0)
		printf("Audit log: %" PRIu64 " line%s, number %" PRIu64 " to %" PRIu64
		       ", whole.\n",
		       check.lines, check.lines == 1 ? "" : "s", check.first, check.last);
	if (r != -ENOENT)
		return r;
	puts("There is no audit log yet.");
	return 0;
}

enum exit_status command_audit(struct device *device, const struct words *words)
{
	struct verity_error err;
	int record;
	int r = device_record_find(device, &record, &err);

	if (r == 0)
		r = words_has(words, WORD_VERIFY)
			    ? verify(record, &err)
			    : show(record, words_has(words, WORD_JSON), &err);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
