/* SPDX-License-Identifier: MIT */
/* The list of changes that are one step: read, written, and the files that it names. */
#include "overlay/store/set_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/io.h"
#include "verity/util/json_table.h"
#include "verity/util/passing.h"

#define HEAD_BYTES (64 * 1024)

static const struct verity_json_field change_fields[] = {
	VERITY_JSON_TEXT("name", struct set_change, entry.name,
			 .valid = verity_name_valid),
	VERITY_JSON_BOOL("remove", struct set_change, removes),
	VERITY_JSON_INTEGER("bytes", struct set_change, file.bytes, .max = INT64_MAX),
	VERITY_JSON_HEX("head", struct set_change, file.head),
	{.key = NULL},
};

static const struct verity_json_field change_item = {.type = VERITY_JSON_IS_OBJECT,
						     .fields = change_fields};

static const struct verity_json_field journal_fields[] = {
	VERITY_JSON_WORD("type", "changes"),
	VERITY_JSON_FORMAT("format", 1),
	VERITY_JSON_BOOL("alone", struct set_journal, alone,
			 .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_HEX("other", struct set_journal, other,
			.presence = VERITY_JSON_OPTIONAL,
			.counted = offsetof(struct set_journal, other_bytes)),
	VERITY_JSON_HEX("log", struct set_journal, log, .presence = VERITY_JSON_OPTIONAL,
			.counted = offsetof(struct set_journal, log_bytes)),
	VERITY_JSON_LIST("changes", struct set_journal, changes, count, &change_item,
			 SET_JOURNAL_MAX),
	{.key = NULL},
};

void set_journal_free(struct set_journal *journal)
{
	free(journal->changes);
	*journal = (struct set_journal){.count = 0};
}

int set_journal_add(struct set_journal *journal, const struct set_change *change,
		    struct verity_error *err)
{
	struct set_change *grown;

	if (journal->count == SET_JOURNAL_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "more than %d packages in one step", SET_JOURNAL_MAX);
	grown = reallocarray(journal->changes, journal->count + 1, sizeof(*grown));
	if (!grown)
		return verity_no_memory(err);
	journal->changes = grown;
	journal->changes[journal->count++] = *change;
	return 0;
}

static int digest(const void *bytes, size_t size, struct set_journal *journal,
		  struct verity_error *err)
{
	return EVP_Digest(bytes, size, journal->digest, NULL, EVP_sha256(), NULL) == 1
		       ? 0
		       : verity_fail(err, VERITY_E_IO, "SHA-256 failed");
}

int set_journal_decode(const void *bytes, size_t size, enum overlay_store_kind kind,
		       struct set_journal *ret, struct verity_error *err)
{
	cleanup_with(set_journal_free) struct set_journal journal = {.count = 0};
	int r = verity_json_decode(bytes, size, journal_fields, VERITY_E_BAD_RECORD,
				   &journal, err);

	if (r == 0 && (journal.other_bytes % sizeof(journal.other) != 0 ||
		       journal.log_bytes % sizeof(journal.log) != 0))
		r = verity_fail(err, VERITY_E_BAD_RECORD, "other or log: not a digest");
	if (r == 0)
		r = digest(bytes, size, &journal, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < journal.count; i++)
		journal.changes[i].entry.kind = kind;
	*ret = journal;
	journal = (struct set_journal){.count = 0};
	return 0;
}

bool set_journal_is_there(int folder)
{
	return folder >= 0 &&
	       (faccessat(folder, SET_JOURNAL_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
		verity_errno_passes(-errno));
}

int set_journal_load(int folder, enum overlay_store_kind kind, struct set_journal *ret,
		     struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	struct verity_error why;
	size_t size;
	int r;

	*ret = (struct set_journal){.count = 0};
	if (!set_journal_is_there(folder))
		return 0;
	r = verity_io_load(folder, SET_JOURNAL_FILE, SET_JOURNAL_BYTES, &bytes, &size,
			   &why);
	if (r == 0)
		r = set_journal_decode(bytes, size, kind, ret, &why);
	if (r == 0)
		return 1;
	if (verity_errno_passes(r)) {
		*err = why;
		return r;
	}
	verity_debug("%s is ignored: %s", SET_JOURNAL_FILE, why.message);
	return 0;
}

int set_journal_store(int folder, struct set_journal *journal, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	int r = verity_json_encode(journal, journal_fields, VERITY_JSON_COMPACT, &text,
				   err);

	if (r == 0)
		r = digest(text, strlen(text), journal, err);
	return r < 0 ? r
		     : verity_io_replace(folder, SET_JOURNAL_FILE, 0600, text,
					 strlen(text), err);
}

int set_journal_delete(int folder, struct verity_error *err)
{
	/* a store that cannot be written need not be, where there is none */
	if (faccessat(folder, SET_JOURNAL_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno == ENOENT)
		return 0;
	if ((unlinkat(folder, SET_JOURNAL_FILE, 0) < 0 && errno != ENOENT) ||
	    fsync(folder) < 0)
		return verity_fail_errno(err, errno, SET_JOURNAL_FILE);
	return 0;
}

static int identify(int folder, const char *name, struct set_file *ret)
{
	cleanup_free uint8_t *head = NULL;
	cleanup_fd int fd = -1;
	struct stat st;
	size_t bytes;
	int r;

	*ret = (struct set_file){.bytes = 0};
	if (folder < 0)
		return 0;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	r = verity_io_open(folder, name, O_RDONLY | O_NOFOLLOW, &fd, &st, NULL);
	if (r < 0)
		return r == -EINVAL ? 1 : r; /* no file */
	bytes = st.st_size < HEAD_BYTES ? (size_t)st.st_size : HEAD_BYTES;
	head = malloc(bytes + 1);
	if (!head)
		return -ENOMEM;
	r = verity_io_read(fd, head, bytes, 0, NULL);
	if (r < 0)
		return r;
	if (EVP_Digest(head, bytes, ret->head, NULL, EVP_sha256(), NULL) != 1) {
		*ret = (struct set_file){.bytes = 0};
		return -ENOMEM;
	}
	ret->bytes = (uint64_t)st.st_size;
	return 1;
}

/* A failure of the disk that passes is not taken for a damaged file. */
int set_file_identify(int folder, const char *name, struct set_file *ret)
{
	int r = identify(folder, name, ret);

	return r == -EIO ? identify(folder, name, ret) : r;
}

bool set_file_same(const struct set_file *a, const struct set_file *b)
{
	return a->bytes == b->bytes && memcmp(a->head, b->head, sizeof(a->head)) == 0;
}
