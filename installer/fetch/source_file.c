/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/common/signals.h"
#include "installer/fetch/source_private.h"
#include "verity/util/cleanup.h"

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
	if (file_of(source)->fd >= 0)
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

static void source_file_free_p(struct source_file **file)
{
	if (*file)
		source_free(&(*file)->source);
}

static int check_kind(struct source_file *file, const char *where,
		      struct verity_error *err)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return verity_fail_errno(err, errno, "%s: cannot be read", where);
	if (!S_ISREG(st.st_mode))
		return verity_fail(err, VERITY_E_NOT_A_FILE, "%s: a %s, not a file",
				   where,
				   S_ISDIR(st.st_mode) ? "folder" : "device or pipe");
	file->bytes = st.st_size;
	return 0;
}

int source_of_file(int fd, const char *where, struct source **ret,
		   struct verity_error *err)
{
	cleanup_with(source_file_free_p) struct source_file *file =
		calloc(1, sizeof(*file));
	int r;

	if (!file) {
		close(fd);
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	}
	file->source.kind = &kind_file;
	file->fd = fd;
	file->source.where = strdup(where);
	if (!file->source.where)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = verity_name_from_path(where, file->source.name, err);
	if (r == 0)
		r = check_kind(file, where, err);
	if (r < 0)
		return r;
	*ret = &steal_ptr(&file)->source;
	return 0;
}

/* O_NONBLOCK: a pipe must not make the technician wait for a writer. */
int source_file_open(const char *path, struct source **ret, struct verity_error *err)
{
	char name[VERITY_NAME_MAX + 1];
	int r = verity_name_from_path(path, name, err);
	int fd;

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s: cannot be opened", path);
	return source_of_file(fd, path, ret, err);
}
