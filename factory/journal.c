/* SPDX-License-Identifier: MIT */
/* Reads, writes and deletes the request for a reset, and the note that it was done. */
#include "factory/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/fs/erase.h"
#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_table.h"
#include "verity/util/sys.h"

#define JOURNAL_FORMAT 1
#define SWAPPED        "factory-reset.new" /* for a moment */

static const char obeyed_text[] =
	"wmopkg.factory_reset=1 was obeyed, and is not again until a boot without it\n";

/* Synced, also where there is none. */
static int remove_any(int record_fd, const char *name, struct verity_error *err)
{
	int r = overlay_erase_tree(record_fd, name, true);

	if (r == 0 && fsync(record_fd) < 0)
		r = -errno;
	return r < 0 ? verity_fail_errno(err, -r, "%s", name) : 0;
}

static const struct verity_json_field journal_fields[] = {
	VERITY_JSON_FORMAT("format", JOURNAL_FORMAT),
	VERITY_JSON_NAME("step", struct factory_journal, step, factory_steps),
	VERITY_JSON_BOOL("by_bootloader", struct factory_journal, by_bootloader),
	VERITY_JSON_BOOL("made", struct factory_journal, made),
	VERITY_JSON_INTEGER("line", struct factory_journal, line,
			    .min = FACTORY_LINE_UNKNOWN, .max = INT64_MAX - 1),
	VERITY_JSON_BOOL("purge", struct factory_journal, purge,
			 .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_INTEGER("purges", struct factory_journal, purges,
			    .presence = VERITY_JSON_OPTIONAL, .max = FACTORY_PURGES_MAX),
	VERITY_JSON_INTEGER("tries", struct factory_journal, tries,
			    .presence = VERITY_JSON_OPTIONAL, .max = FACTORY_TRIES_MAX),
	{.key = NULL},
};

int factory_journal_decode(const void *bytes, size_t size, struct factory_journal *ret,
			   struct verity_error *err)
{
	struct factory_journal journal = {.step = FACTORY_ASKED};
	int r = verity_json_decode(bytes, size, journal_fields, VERITY_E_BAD_RECORD,
				   &journal, err);

	if (r == 0)
		*ret = journal;
	return r;
}

int factory_journal_encode(const struct factory_journal *journal, char **ret,
			   struct verity_error *err)
{
	return verity_json_encode(journal, journal_fields, VERITY_JSON_COMPACT, ret, err);
}

/* Whatever it holds, it was put there to ask for a reset. */
int factory_journal_load(int record_fd, struct factory_journal *ret, bool *ret_there,
			 struct verity_error *err)
{
	cleanup_free char *text = NULL;
	struct factory_journal journal = {.step = FACTORY_ASKED};
	struct stat st;
	size_t size;

	if (fstatat(record_fd, FACTORY_JOURNAL, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return verity_fail_errno(err, errno, FACTORY_JOURNAL);
		*ret_there = false;
		return 0;
	}
	if (overlay_record_load(record_fd, FACTORY_JOURNAL, FACTORY_JOURNAL_BYTES_MAX,
				&text, &size, NULL) == 0)
		(void)!factory_journal_decode(text, size, &journal, NULL);
	*ret = journal;
	*ret_there = true;
	return 0;
}

/*
 * At no point is there nothing of that name, or the request would be lost. A folder
 * cannot be replaced by a file, only exchanged with one.
 */
int factory_journal_store(int record_fd, const struct factory_journal *journal,
			  struct verity_error *err)
{
	cleanup_free char *text = NULL;
	struct stat st;
	bool folder;
	int r = factory_journal_encode(journal, &text, err);

	if (r < 0)
		return r;
	folder = fstatat(record_fd, FACTORY_JOURNAL, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		 S_ISDIR(st.st_mode);
	if (!folder)
		return overlay_record_replace(record_fd, FACTORY_JOURNAL, text,
					      strlen(text), err);
	overlay_record_unprotect(record_fd, FACTORY_JOURNAL);
	r = remove_any(record_fd, SWAPPED, err);
	if (r == 0)
		r = overlay_record_replace(record_fd, SWAPPED, text, strlen(text), err);
	if (r == 0 && (sys_renameat2(record_fd, SWAPPED, record_fd, FACTORY_JOURNAL,
				     RENAME_EXCHANGE) < 0 ||
		       fsync(record_fd) < 0))
		r = verity_fail_errno(err, errno, FACTORY_JOURNAL);
	return r == 0 ? remove_any(record_fd, SWAPPED, err) : r;
}

int factory_journal_close(int record_fd, struct verity_error *err)
{
	int r = remove_any(record_fd, SWAPPED, err);

	return r < 0 ? r : remove_any(record_fd, FACTORY_JOURNAL, err);
}

bool factory_obeyed(int record_fd)
{
	/* on any other error, yes: nothing is deleted on a suspicion */
	return faccessat(record_fd, FACTORY_OBEYED, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       errno != ENOENT;
}

int factory_obeyed_set(int record_fd, bool obeyed, struct verity_error *err)
{
	if (obeyed == factory_obeyed(record_fd))
		return 0;
	if (obeyed)
		return overlay_record_replace(record_fd, FACTORY_OBEYED, obeyed_text,
					      sizeof(obeyed_text) - 1, err);
	return remove_any(record_fd, FACTORY_OBEYED, err);
}

bool factory_journal_due(int record_fd, bool by_bootloader, struct factory_journal *ret)
{
	bool there = false;

	*ret = (struct factory_journal){.by_bootloader = by_bootloader};
	if (record_fd >= 0 && factory_journal_load(record_fd, ret, &there, NULL) == 0 &&
	    there)
		return true;
	return by_bootloader && (record_fd < 0 || !factory_obeyed(record_fd));
}
