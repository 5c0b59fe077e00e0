/* SPDX-License-Identifier: MIT */
/* Reads, writes and deletes the request for a reset, and the note that it was done. */
#include "factory/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "factory/erase.h"
#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"

#define JOURNAL_FORMAT 1
#define SWAPPED        "factory-reset.new" /* for a moment */

static const char obeyed_text[] =
	"wmopkg.factory_reset=1 was obeyed, and is not again until a boot without it\n";

/* Synced, also where there is none. */
static int remove_any(int record_fd, const char *name, struct verity_error *err)
{
	int r = factory_erase_tree(record_fd, name);

	if (r == 0 && fsync(record_fd) < 0)
		r = -errno;
	return r < 0 ? verity_fail_errno(err, -r, "%s", name) : 0;
}

static int bad(struct verity_error *err, const char *key, const char *why)
{
	return verity_fail(err, VERITY_E_BAD_STATEMENT, "%s: %s", key, why);
}

static int get(struct json_object *object, const char *key, enum json_type type,
	       struct json_object **ret, struct verity_error *err)
{
	if (!json_object_object_get_ex(object, key, ret))
		return bad(err, key, "missing");
	if (!json_object_is_type(*ret, type))
		return bad(err, key, "of the wrong type");
	return 0;
}

static int get_bool(struct json_object *object, const char *key, bool *ret,
		    struct verity_error *err)
{
	struct json_object *value;
	int r = get(object, key, json_type_boolean, &value, err);

	if (r == 0)
		*ret = json_object_get_boolean(value);
	return r;
}

static int get_integer(struct json_object *object, const char *key, int64_t least,
		       int64_t most, int64_t *ret, struct verity_error *err)
{
	struct json_object *value;
	int r = get(object, key, json_type_int, &value, err);

	if (r < 0)
		return r;
	if (json_object_get_int64(value) < least || json_object_get_int64(value) > most)
		return bad(err, key, "out of range");
	*ret = json_object_get_int64(value);
	return 0;
}

static int get_step(struct json_object *object, enum factory_step *ret,
		    struct verity_error *err)
{
	struct json_object *value;
	int r = get(object, "step", json_type_string, &value, err);

	if (r < 0)
		return r;
	for (int step = 0; step < FACTORY_STEPS; step++)
		if (strcmp(json_object_get_string(value),
			   factory_step_name((enum factory_step)step)) == 0) {
			*ret = (enum factory_step)step;
			return 0;
		}
	return bad(err, "step", "unknown");
}

static int read_journal(struct json_object *object, struct factory_journal *ret,
			struct verity_error *err)
{
	int64_t format;
	int r = get_integer(object, "format", JOURNAL_FORMAT, JOURNAL_FORMAT, &format,
			    err);

	if (r == 0)
		r = get_step(object, &ret->step, err);
	if (r == 0)
		r = get_bool(object, "by_bootloader", &ret->by_bootloader, err);
	if (r == 0)
		r = get_bool(object, "made", &ret->made, err);
	if (r == 0)
		r = get_integer(object, "line", FACTORY_LINE_UNKNOWN, INT64_MAX,
				&ret->line, err);
	return r;
}

int factory_journal_decode(const void *bytes, size_t size, struct factory_journal *ret,
			   struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct factory_journal journal = {.step = FACTORY_ASKED};
	int r = verity_json_parse(bytes, size, &object, err);

	if (r == -EBADMSG && err)
		err->code = VERITY_E_BAD_STATEMENT;
	if (r == 0)
		r = read_journal(object, &journal, err);
	if (r == 0)
		*ret = journal;
	return r;
}

int factory_journal_encode(const struct factory_journal *journal, char **ret,
			   struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	char *text = NULL;

	if (object &&
	    verity_json_put(object, "format", json_object_new_int(JOURNAL_FORMAT)) &&
	    verity_json_put(object, "step",
			    json_object_new_string(factory_step_name(journal->step))) &&
	    verity_json_put(object, "by_bootloader",
			    json_object_new_boolean(journal->by_bootloader)) &&
	    verity_json_put(object, "made", json_object_new_boolean(journal->made)) &&
	    verity_json_put(object, "line", json_object_new_int64(journal->line)))
		text = strdup(
			json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	if (!text)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = text;
	return 0;
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
	r = remove_any(record_fd, SWAPPED, err);
	if (r == 0)
		r = overlay_record_replace(record_fd, SWAPPED, text, strlen(text), err);
	if (r == 0 && (renameat2(record_fd, SWAPPED, record_fd, FACTORY_JOURNAL,
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
