/* SPDX-License-Identifier: MIT */
#include "overlay/record/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/mkdir.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define NEW_FILE "." OVERLAY_STATE_FILE ".new"

void overlay_file_id_take(const struct stat *st, struct overlay_file_id *ret)
{
	ret->inode = st->st_ino;
	ret->bytes = (uint64_t)st->st_size;
	ret->changed_ns = st->st_ctim.tv_sec * INT64_C(1000000000) + st->st_ctim.tv_nsec;
}

int overlay_file_id_get(int fd, struct overlay_file_id *ret, struct verity_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "package file");
	overlay_file_id_take(&st, ret);
	return 0;
}

bool overlay_file_id_equal(const struct overlay_file_id *a,
			   const struct overlay_file_id *b)
{
	return a->inode == b->inode && a->bytes == b->bytes &&
	       a->changed_ns == b->changed_ns;
}

void overlay_state_free(struct overlay_state *state)
{
	free(state->entries);
	state->entries = NULL;
	state->count = 0;
}

const struct overlay_state_entry *overlay_state_find(const struct overlay_state *state,
						     const struct overlay_entry *entry)
{
	for (size_t i = 0; i < state->count; i++)
		if (state->entries[i].entry.kind == entry->kind &&
		    strcmp(state->entries[i].entry.name, entry->name) == 0)
			return &state->entries[i];
	return NULL;
}

static int write_new(int folder, const char *text, struct verity_error *err)
{
	cleanup_fd int fd = -1;
	int r;

	unlinkat(folder, NEW_FILE, 0);
	fd = openat(folder, NEW_FILE,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return verity_fail_errno(err, errno, NEW_FILE);
	r = verity_io_write(fd, text, strlen(text), 0, err);
	if (r == 0)
		r = verity_io_write(fd, "\n", 1, strlen(text), err);
	return r;
}

int overlay_state_write(const char *run, const struct overlay_state *state,
			struct verity_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_fd int folder = -1;
	int r = overlay_state_encode(state, &text, err);

	if (r == 0)
		r = overlay_folder_make(run, 0755, err);
	if (r < 0)
		return r;
	folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return verity_fail_errno(err, errno, "%s", run);
	r = write_new(folder, text, err);
	if (r == 0 && renameat(folder, NEW_FILE, folder, OVERLAY_STATE_FILE) < 0)
		r = verity_fail_errno(err, errno, OVERLAY_STATE_FILE);
	if (r < 0)
		unlinkat(folder, NEW_FILE, 0);
	return r < 0 ? verity_context(err, r, "%s", run) : 0;
}

int overlay_state_read(const char *run, struct overlay_state *ret,
		       struct verity_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_fd int folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t size;
	int r;

	if (folder < 0)
		return verity_fail_errno(err, errno, "%s", run);
	r = verity_io_load(folder, OVERLAY_STATE_FILE, OVERLAY_STATE_MAX, &text, &size,
			   err);
	if (r == 0)
		r = overlay_state_decode(text, size, ret, err);
	return r < 0 ? verity_context(err, r, "%s", run) : 0;
}
