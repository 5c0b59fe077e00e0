/* SPDX-License-Identifier: MIT */
#include "tests/overlay/record/audits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

static char folder[64];
static int descriptor = -1;

static const char *const files[] = {
	OVERLAY_AUDIT_LOG,
	OVERLAY_AUDIT_OLD,
	OVERLAY_AUDIT_HEAD,
	OVERLAY_AUDIT_LOG OVERLAY_AUDIT_ASIDE,
	OVERLAY_AUDIT_OLD OVERLAY_AUDIT_ASIDE,
	OVERLAY_AUDIT_HEAD OVERLAY_AUDIT_ASIDE,
	OVERLAY_AUDIT_REFUSED,
	OVERLAY_AUDIT_REFUSED OVERLAY_AUDIT_OLDER,
	OVERLAY_AUDIT_REFUSED OVERLAY_AUDIT_ASIDE,
	OVERLAY_AUDIT_REFUSED OVERLAY_AUDIT_OLDER OVERLAY_AUDIT_ASIDE,
	OVERLAY_AUDIT_BOOTED,
	OVERLAY_AUDIT_BOOTED OVERLAY_AUDIT_OLDER,
	OVERLAY_AUDIT_BOOTED OVERLAY_AUDIT_ASIDE,
	OVERLAY_AUDIT_BOOTED OVERLAY_AUDIT_OLDER OVERLAY_AUDIT_ASIDE,
	OVERLAY_RECORD_AUDIT_STEP,
	OVERLAY_RECORD_TRIALS,
	".audit.head.new",
	".lock",
};

#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

int audits_set_up(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/wmopkg-audit.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &descriptor;
	return descriptor < 0 ? -1 : 0;
}

int audits_tear_down(void **state)
{
	(void)state;
	audits_empty(descriptor);
	close(descriptor);
	return rmdir(folder);
}

void audits_empty(int record)
{
	for (size_t i = 0; i < FILE_COUNT; i++)
		if (unlinkat(record, files[i], 0) < 0)
			(void)unlinkat(record, files[i], AT_REMOVEDIR);
}

struct overlay_audit *audits_open(int record)
{
	struct overlay_audit *audit;
	struct verity_error err;

	check_ok(overlay_audit_open(record, 2 * AUDITS_BYTES, AUDITS_TIME, "tester",
				    &audit, &err),
		 &err);
	return audit;
}

void audits_boot(struct overlay_audit *audit)
{
	const struct overlay_audit_boot boot = {.count = 0};
	struct verity_error err;

	check_ok(overlay_audit_begin_boot(audit, &err), &err);
	check_ok(overlay_audit_end_boot(audit, &boot, &err), &err);
}

int audits_append_one(int record, const char *detail, struct verity_error *err)
{
	const struct overlay_entry package = {.name = "pkgname",
					      .kind = OVERLAY_PERSISTENT};
	const struct overlay_audit_entry entry = {
		.event = OVERLAY_AUDIT_INSTALL,
		.package = &package,
		.version = "1.0",
		.verdict = "Signed",
		.source = "http://192.0.2.1/pkgname.wmopkg",
		.detail = detail,
	};
	struct overlay_audit *audit = audits_open(record);
	int r = overlay_audit_append(audit, &entry, 1, err);

	overlay_audit_free(audit);
	return r;
}

void audits_append(int record, size_t count)
{
	struct verity_error err;

	for (size_t i = 0; i < count; i++)
		check_ok(audits_append_one(record, NULL, &err), &err);
}

int audits_verify(int record, struct verity_error *err)
{
	struct overlay_audit_check check;

	return overlay_audit_verify(record, 0, &check, err);
}

void audits_check(int record, uint64_t first, uint64_t last)
{
	struct overlay_audit_check check;
	struct verity_error err;

	check_ok(overlay_audit_verify(record, 0, &check, &err), &err);
	assert_int_equal(check.first, first);
	assert_int_equal(check.last, last);
	assert_int_equal(check.lines, last - first + 1);
}

char *audits_load(int record, const char *name, size_t *ret_size)
{
	struct verity_error err;
	char *text = NULL;
	int r = verity_io_load(record, name, 1 << 20, &text, ret_size, &err);

	if (r == -ENOENT) {
		*ret_size = SIZE_MAX;
		return NULL;
	}
	check_ok(r, &err);
	return text;
}

void audits_store(int record, const char *name, const char *bytes, size_t size)
{
	int fd;

	if (!bytes) {
		(void)unlinkat(record, name, 0);
		return;
	}
	fd = openat(record, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

void audits_save(int record, struct audits_copy *ret)
{
	for (size_t i = 0; i < FILE_COUNT; i++)
		ret->bytes[i] = audits_load(record, files[i], &ret->size[i]);
}

void audits_restore(int record, const struct audits_copy *copy)
{
	for (size_t i = 0; i < FILE_COUNT; i++)
		audits_store(record, files[i], copy->bytes[i], copy->size[i]);
}

void audits_drop(struct audits_copy *copy)
{
	for (size_t i = 0; i < FILE_COUNT; i++)
		free(copy->bytes[i]);
}
