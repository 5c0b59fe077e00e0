/* SPDX-License-Identifier: MIT */
#include "tests/overlay/record/trusts.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/format/manifest.h"
#include "verity/package/preamble.h"
#include "verity/util/cleanup.h"

struct keys trusts_keys;

struct device device_new(void)
{
	struct device device = {
		.config = {.keys = trusts_keys.ring,
			   .anchor = OVERLAY_ANCHOR_ALWAYS,
			   .firmware_built = BUILT,
			   .firmware_years = 30},
		.bootconf = {.allow_untrusted = true},
		.identity = {.model = "Switch", .serial = "SN1", .firmware = "1.2"},
		.clock = NOW,
	};
	static unsigned number;
	char folder[32];

	snprintf(folder, sizeof(folder), "record%u", number++);
	assert_int_equal(mkdir(folder, 0700), 0);
	device.record_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(device.record_fd >= 0);
	return device;
}

void device_close_p(struct device *device)
{
	cleanup_fd_p(&device->record_fd);
}

struct overlay_trust *look(const struct device *device)
{
	const struct overlay_trust_inputs inputs = {&device->config, &device->bootconf,
						    &device->identity, device->record_fd,
						    device->clock};
	struct overlay_trust *trust;
	struct verity_error err;

	check_ok(overlay_trust_load(&inputs, &trust, &err), &err);
	return trust;
}

struct statement_file make_denylist(unsigned number, const char *deny)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"type\":\"denylist\",\"format\":1,\"number\":%u,\"deny\":[%s]}",
		 number, deny);
	return statement_make(&trusts_keys, text, "signer");
}

int put_denylist(struct overlay_trust *trust, const struct statement_file *file,
		 struct verity_error *err)
{
	struct verity_error replaced;

	return overlay_trust_set_denylist(trust, file->bytes, file->size, &replaced, err);
}

void keep_file(const struct device *device, const char *name, const void *bytes,
	       size_t size)
{
	struct verity_error err;

	check_ok(overlay_record_replace(device->record_fd, name, bytes, size, &err),
		 &err);
}

void drop_file(const struct device *device, const char *name)
{
	struct verity_error err;

	check_ok(overlay_record_remove(device->record_fd, name, &err), &err);
}

struct statement_file make_preamble(const struct keys *keys, const char *name,
				    uint32_t epoch, int64_t when)
{
	struct verity_manifest manifest = {
		.built = -1, .image_bytes = VERITY_BLOCK, .epoch = epoch};
	cleanup_free uint8_t *signature = NULL;
	cleanup_free char *text = NULL;
	struct verity_head head;
	struct statement_file file;
	struct verity_error err;
	size_t bytes;

	snprintf(manifest.name, sizeof(manifest.name), "%s", name);
	strcpy(manifest.version, "1.0");
	check_ok(verity_manifest_encode(&manifest, &text, &err), &err);
	statement_sign(keys, text, "signer", when, &signature, &bytes);
	head = (struct verity_head){(uint32_t)strlen(text), (uint32_t)bytes};
	file.size = verity_preamble_bytes(&head);
	file.bytes = calloc(1, file.size);
	assert_non_null(file.bytes);
	verity_head_encode(&head, file.bytes);
	memcpy(file.bytes + VERITY_HEAD_BYTES, text, head.manifest_bytes);
	memcpy(file.bytes + VERITY_HEAD_BYTES + head.manifest_bytes, signature, bytes);
	return file;
}

int set_denylist(struct overlay_trust *trust, unsigned number, struct verity_error *err)
{
	struct statement_file file =
		make_denylist(number, "{\"name\":\"pkg\",\"epoch_below\":2}");
	int r = put_denylist(trust, &file, err);

	free(file.bytes);
	return r;
}

int set_unlock(struct overlay_trust *trust, const char *serial, int64_t until,
	       struct verity_error *err)
{
	struct statement_file file;
	char text[256];
	int r;

	snprintf(text, sizeof(text),
		 "{\"type\":\"unlock\",\"format\":1,\"serial\":\"%s\",\"allow\":["
		 "\"untrusted\",\"downgrade\"],\"not_after\":%lld}",
		 serial, (long long)until);
	file = statement_make(&trusts_keys, text, "unlock");
	r = overlay_trust_set_unlock(trust, file.bytes, file.size, err);
	free(file.bytes);
	return r;
}

bool is_kept(const struct device *device, const char *name)
{
	return faccessat(device->record_fd, name, F_OK, 0) == 0;
}

int trusts_enter(void **state)
{
	keys_make(&trusts_keys);
	return scratch_enter(state);
}

int trusts_leave(void **state)
{
	keys_delete(&trusts_keys);
	return scratch_leave(state);
}
