/* SPDX-License-Identifier: MIT */
#pragma once

/* Devices of a folder each, and statements for them, for the tests of trust. */

#include <stdbool.h>
#include <stdint.h>

#include "overlay/record/record.h"
#include "overlay/record/trust.h"
#include "tests/verity/statements.h"

#define BUILT INT64_C(1000000000)
#define NOW   INT64_C(2000000000) /* after the statements of this test are signed */

extern struct keys trusts_keys; /* between trusts_enter() and trusts_leave() */

/* A device, as it is put together for each look at it. */
struct device {
	struct overlay_config config;
	struct overlay_bootconf bootconf;
	struct overlay_identity identity;
	int record_fd;
	int64_t clock;
};

struct device device_new(void);
void device_close_p(struct device *device);
struct overlay_trust *look(const struct device *device);
struct statement_file make_denylist(unsigned number, const char *deny);
int put_denylist(struct overlay_trust *trust, const struct statement_file *file,
		 struct verity_error *err);
int set_denylist(struct overlay_trust *trust, unsigned number, struct verity_error *err);
int set_unlock(struct overlay_trust *trust, const char *serial, int64_t until,
	       struct verity_error *err);
void keep_file(const struct device *device, const char *name, const void *bytes,
	       size_t size);
void drop_file(const struct device *device, const char *name);

/* What a package begins with; its image is nowhere. Free the bytes. */
struct statement_file make_preamble(const struct keys *keys, const char *name,
				    uint32_t epoch, int64_t when);
bool is_kept(const struct device *device, const char *name);

int trusts_enter(void **state);
int trusts_leave(void **state);
