/* SPDX-License-Identifier: MIT */
/* Reads a compressed archive to its end, where the checksums are. */
#include "overlay/image/compressed.h"
#include "overlay/image/file_tree.h"
#include "overlay/image/notes.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define READ_BYTES (256 * 1024)

/*
 * What libarchive was built without is not ARCHIVE_OK, and would call a program: that is
 * known only after it was added, so it is added to another archive first.
 */
int image_filters_add(struct archive *archive)
{
	static int (*const filters[])(struct archive *) = {
		archive_read_support_filter_gzip, archive_read_support_filter_xz,
		archive_read_support_filter_zstd, archive_read_support_filter_bzip2,
		archive_read_support_filter_lz4,  archive_read_support_filter_lzma,
		archive_read_support_filter_lzip,
	};
	struct archive *trial = archive_read_new();
	int r = trial ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sizeof(filters) / sizeof(filters[0]); i++)
		if (filters[i](trial) == ARCHIVE_OK && filters[i](archive) != ARCHIVE_OK)
			r = -ENOMEM;
	archive_read_free(trial);
	return r;
}

static int damaged_fail(const char *why, struct verity_error *err)
{
	char shown[IMAGE_PATH_SHOWN];

	return verity_fail(err, VERITY_E_BAD_TREE,
			   "its compressed data is damaged or incomplete: %s",
			   image_path_show(why ? why : "unknown error", shown));
}

/* libarchive does not look at the checksum of gzip. */
static int gzip_check(int fd, void *buffer, struct verity_error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	gzFile file = copy < 0 ? NULL : gzdopen(copy, "r");
	int code = Z_OK, r = 0;
	const char *why;

	if (!file) {
		if (copy >= 0)
			close(copy);
		return verity_fail_errno(err, errno, "cannot read it");
	}
	while (gzread(file, buffer, READ_BYTES) > 0)
		;
	why = gzerror(file, &code); /* with the name of the file before it */
	if (code == Z_ERRNO || code == Z_MEM_ERROR)
		r = verity_fail_errno(err, code == Z_ERRNO ? errno : ENOMEM,
				      "cannot read it");
	else if (code != Z_OK && code != Z_STREAM_END)
		r = damaged_fail(strstr(why, ": ") ? strstr(why, ": ") + 2 : why, err);
	gzclose_r(file);
	return r;
}

/* What is not compressed is not read. */
static int filters_check(int fd, struct archive *archive, void *buffer,
			 struct verity_error *err)
{
	struct archive_entry *entry;
	la_ssize_t n = 0;
	int r = ARCHIVE_FATAL;

	if (image_filters_add(archive) == 0 &&
	    archive_read_support_format_raw(archive) == ARCHIVE_OK &&
	    archive_read_support_format_empty(archive) == ARCHIVE_OK)
		r = archive_read_open_fd(archive, fd, READ_BYTES);
	if (r == ARCHIVE_OK && archive_filter_count(archive) < 2)
		return 0;
	if (r == ARCHIVE_OK)
		r = archive_read_next_header(archive, &entry);
	while (r == ARCHIVE_OK &&
	       (n = archive_read_data(archive, buffer, READ_BYTES)) > 0)
		;
	if (archive_errno(archive) == ENOMEM)
		return verity_fail_errno(err, ENOMEM, "tree");
	if (n < 0 || (r != ARCHIVE_OK && r != ARCHIVE_WARN && r != ARCHIVE_EOF))
		return damaged_fail(archive_error_string(archive), err);
	return 0;
}

int image_compressed_check(int fd, struct verity_error *err)
{
	cleanup_free void *buffer = malloc(READ_BYTES);
	struct archive *archive;
	uint8_t magic[2];
	int r;

	if (!buffer)
		return verity_fail_errno(err, ENOMEM, "tree");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return verity_fail_errno(err, errno, "cannot read it");
	if (pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b)
		return gzip_check(fd, buffer, err);
	archive = archive_read_new();
	if (!archive)
		return verity_fail_errno(err, ENOMEM, "tree");
	r = filters_check(fd, archive, buffer, err);
	archive_read_free(archive);
	return r;
}
