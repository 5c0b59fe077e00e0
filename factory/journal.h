/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * PERSIST/wmopkg/factory-reset: the request for a factory reset, and from then on its
 * journal. Anything of that name is a request, even an empty file: one that cannot be
 * read as a journal is a request of which nothing was done yet. It lies where the reset
 * deletes nothing, is replaced as a whole, and is deleted last.
 */

#include "factory/reset_plan.h"
#include "verity/util/error.h"

#include <stdint.h>

#define FACTORY_JOURNAL           "factory-reset"
#define FACTORY_JOURNAL_BYTES_MAX 4096

/*
 * Exists while the bootloader keeps wmopkg.factory_reset=1 set after the reset: a setting
 * that is never cleared means one reset, not one at each boot.
 */
#define FACTORY_OBEYED "factory-reset.done"

#define FACTORY_LINE_UNKNOWN (-1)

/* So often is tried to empty PERSIST: each try empties DATA again before. */
#define FACTORY_PURGES_MAX 3

/*
 * So often is tried to empty DATA, by what each boot begins with, and then again with a
 * new file system: the folders of a crafted one have no end.
 */
#define FACTORY_TRIES     3
#define FACTORY_TRIES_MAX (2 * FACTORY_TRIES)

/* Plain data. { 0 } is a request of which nothing was done yet. */
struct factory_journal {
	enum factory_step step; /* that was begun last */
	bool by_bootloader;     /* requested by it, not by a file */
	bool made;              /* the file system is a new one */
	bool purge; /* PERSIST is emptied, too; only a file can ask for that */
	/* How often FACTORY_PURGE was begun, up to FACTORY_PURGES_MAX. */
	unsigned purges;
	/*
	 * Boots in a row that did not get through emptying DATA, up to FACTORY_TRIES_MAX;
	 * FACTORY_TRIES after one in which it could not be mounted.
	 */
	unsigned tries;
	/* In FACTORY_NOTE: the last line of the audit log before it. */
	int64_t line;
};

/**
 * factory_journal_decode - read JSON text
 *
 * Return: 0; -EBADMSG (BAD_RECORD); -ENOMEM.
 */
int factory_journal_decode(const void *bytes, size_t size, struct factory_journal *ret,
			   struct verity_error *err) must_check;

/**
 * factory_journal_encode - write JSON text
 * @ret: 0-terminated, set on success only; free()
 */
int factory_journal_encode(const struct factory_journal *journal, char **ret,
			   struct verity_error *err) must_check;

/**
 * factory_journal_load - read the request or journal, if there is one
 * @record_fd: PERSIST/wmopkg
 * @ret_there: whether a reset is requested; otherwise @ret is not filled
 *
 * Return: 0, also where its content cannot be read; -errno where it cannot be found out
 * whether it exists.
 */
int factory_journal_load(int record_fd, struct factory_journal *ret, bool *ret_there,
			 struct verity_error *err) must_check;

/**
 * factory_journal_store - write it, synced when this returns 0; whatever else has its
 * name, even a folder, is replaced
 */
int factory_journal_store(int record_fd, const struct factory_journal *journal,
			  struct verity_error *err) must_check;

/**
 * factory_journal_close - the reset is done: delete it, synced when this returns 0
 */
int factory_journal_close(int record_fd, struct verity_error *err) must_check;

/**
 * factory_obeyed - whether the bootloader's request was carried out already
 */
bool factory_obeyed(int record_fd);

/**
 * factory_obeyed_set - remember or forget that, synced when this returns 0
 */
int factory_obeyed_set(int record_fd, bool obeyed, struct verity_error *err) must_check;

/**
 * factory_journal_due - whether a boot has to reset, by a file or by the bootloader
 * @record_fd:     PERSIST/wmopkg; -1: there is none
 * @by_bootloader: it asks for one in this boot
 * @ret:           the request; { 0 } and .by_bootloader where there is no file
 */
bool factory_journal_due(int record_fd, bool by_bootloader, struct factory_journal *ret);
