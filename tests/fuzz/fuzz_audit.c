/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "overlay/record/audit_files.h"

/* The head, audit.log.1 and audit.log, with an empty line between them. */
static size_t take_part(const char **bytes, size_t *size)
{
	const char *end = memmem(*bytes, *size, "\n\n", 2);
	size_t taken = end ? (size_t)(end - *bytes) + 1 : *size;

	return taken;
}

/* Each good line is one that can be followed by another one of ours. */
static void go_on(const struct overlay_audit_link *last)
{
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_BOOT};
	const struct overlay_audit_stamp stamp = {last->boot, 0, "fuzz"};
	char line[OVERLAY_AUDIT_LINE_MAX + 1];
	struct overlay_audit_link link, again;

	if (last->number >= OVERLAY_AUDIT_NUMBER_MAX)
		return;
	require(overlay_audit_line_encode(&entry, &stamp, last->number + 1, last, line,
					  &link, NULL) == 0);
	require(overlay_audit_line_decode(line, strlen(line) - 1, &again, NULL) == 0);
	require(again.number == last->number + 1 && again.boot == last->boot);
	require(memcmp(again.prev, last->digest, sizeof(again.prev)) == 0);
}

static void check_scan(const struct overlay_audit_scan *scan, size_t size)
{
	require(scan->good_bytes <= size);
	require((scan->fault.code == VERITY_OK) == (scan->good_bytes == size));
	require(!scan->lines == !scan->last.number);
	if (scan->lines) {
		require(scan->last.number - scan->first.number + 1 >= scan->lines);
		go_on(&scan->last);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct overlay_audit_files files = {.names = &overlay_audit_names[0]};
	struct overlay_audit_head head = {.boot = 0};
	struct overlay_audit_end *end = &head.rings[OVERLAY_AUDIT_CHANGES];
	struct overlay_audit_link link;
	struct verity_error err;
	size_t taken = take_part(&bytes, &size);

	if (overlay_audit_head_decode(bytes, taken, &head, NULL) == 0)
		require(end->first <= end->last && end->last <= head.last);
	bytes += taken + (taken < size);
	size -= taken + (taken < size);
	taken = take_part(&bytes, &size);
	overlay_audit_scan(bytes, taken, NULL, end->last, &files.old_scan,
			   &files.last_link);
	check_scan(&files.old_scan, taken);
	bytes += taken + (taken < size);
	size -= taken + (taken < size);
	overlay_audit_scan(bytes, size,
			   files.old_scan.lines ? &files.old_scan.last : NULL, end->last,
			   &files.scan, &link);
	check_scan(&files.scan, size);
	if (link.number)
		files.last_link = link;
	if (overlay_audit_check_files(&files, end, &err) < 0)
		require(err.code == VERITY_E_AUDIT && err.message[0]);
	return 0;
}
