/* SPDX-License-Identifier: MIT */
#pragma once

/* The steps on PERSIST. Each can be done again from its start. */

#include "factory/reset_run.h"

/**
 * factory_record_purge - delete all that is on PERSIST: the packages first, the records
 * that protect the device from them next; the journal, which says that this has begun,
 * stays
 */
int factory_record_purge(struct factory_run *run, struct verity_error *err) must_check;
int factory_record_trials(struct factory_run *run, struct verity_error *err) must_check;
int factory_record_note(struct factory_run *run, struct verity_error *err) must_check;
int factory_record_obey(struct factory_run *run, struct verity_error *err) must_check;
int factory_record_close(struct factory_run *run, struct verity_error *err) must_check;

/**
 * factory_record_line - number of the last line of the audit log; 0: none;
 * FACTORY_LINE_UNKNOWN
 */
int64_t factory_record_line(const struct factory_run *run);
