/* SPDX-License-Identifier: MIT */
/* A package read from a file. */
#include "installer/fetch/source_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/common/signals.h"
#include "verity/util/io.h"

#define PIECE_BYTES 32768

struct source_file {
	struct source source;
	int fd;
	int64_t bytes;
};

static const struct source_file *file_of(const struct source *source)
{
	return (const struct source_file *)(const void *)source;
}

static int64_t file_bytes(const struct source *source)
{
	return file_of(source)->bytes;
}

static void file_free(struct source *source)
{
	close(file_of(source)->fd);
	free(source);
}

static int file_pull(struct source *source, const struct source_sink *sink,
		     struct verity_error *err)
{
	char piece[PIECE_BYTES];

	for (;;) {
		ssize_t count = read(file_of(source)->fd, piece, sizeof(piece));
		int r = signals_check(err);

		if (r == 0 && count < 0 && errno != EINTR)
			r = verity_fail_errno(err, errno, "cannot be read");
		if (r == 0 && count > 0)
			r = sink->take(sink->context, piece, (size_t)count, err);
		if (r < 0 || count == 0)
			return r;
	}
}

static const struct source_kind kind_file = {
	.bytes = file_bytes,
	.pull = file_pull,
	.free = file_free,
};

static int fail_type(const char *where, const struct stat *st, struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NOT_A_FILE, "%s: a %s, not a file", where,
			   S_ISDIR(st->st_mode) ? "folder" : "device or pipe");
}

int source_file_new(int fd, const char *where, bool any_name, struct source **ret,
		    struct verity_error *err)
{
	cleanup_fd int owned = fd;
	cleanup_free struct source_file *file = calloc(1, sizeof(*file));
	cleanup_free char *copy = strdup(where);
	struct stat st;
	int r = 0;

	if (!file || !copy)
		return verity_no_memory(err);
	if (!any_name)
		r = verity_name_from_path(where, file->source.name, err);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "%s: cannot be read", where);
	if (!S_ISREG(st.st_mode))
		return fail_type(where, &st, err);
	file->source.kind = &kind_file;
	file->source.where = steal_ptr(&copy);
	file->fd = steal_fd(&owned);
	file->bytes = st.st_size;
	*ret = &steal_ptr(&file)->source;
	return 0;
}

int source_file_open(const char *path, bool any_name, struct source **ret,
		     struct verity_error *err)
{
	char name[VERITY_NAME_MAX + 1];
	int r = any_name ? 0 : verity_name_from_path(path, name, err);
	struct verity_error why;
	struct stat st;
	int fd;

	/* Another name would not make a package of a folder. */
	if (r < 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return fail_type(path, &st, err);
	if (r < 0)
		return r;
	r = verity_io_open(AT_FDCWD, path, O_RDONLY, &fd, &st, &why);
	if (r < 0 && why.code == VERITY_E_NOT_A_FILE)
		return fail_type(path, &st, err);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s: cannot be opened", path);
	return source_file_new(fd, path, any_name, ret, err);
}
