/* SPDX-License-Identifier: MIT */
#include "overlay/image/tar.h"

#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (256 * 1024)

int image_tar_fail(const struct image_tar *tar, const char *path,
		   struct verity_error *err)
{
	const char *why = archive_error_string(tar->archive);
	char shown[IMAGE_PATH_SHOWN], place[IMAGE_PATH_SHOWN + 2] = "";
	char reason[IMAGE_PATH_SHOWN];
	int saved = archive_errno(tar->archive);

	if (saved == ENOMEM)
		return verity_fail_errno(err, ENOMEM, "tree");
	if (path)
		snprintf(place, sizeof(place), "%s: ", image_path_show(path, shown));
	/* The archive's own words may hold names from it. */
	image_path_show(why ? why : "unknown error", reason);
	return verity_fail(err, VERITY_E_BAD_TREE, "%s%s", place, reason);
}

/* Before the first entry. */
static int begin_fail(const struct image_tar *tar, struct verity_error *err)
{
	if (archive_errno(tar->archive) == ENOMEM || archive_format(tar->archive) != 0)
		return image_tar_fail(tar, NULL, err);
	return verity_fail(err, VERITY_E_BAD_TREE,
			   "neither a directory nor a tar archive");
}

/* In the C locale libarchive cannot hold names outside ASCII. */
static int locale_enter(struct image_tar *tar, struct verity_error *err)
{
	tar->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!tar->locale)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "tar archives need the locale C.UTF-8");
	tar->previous = uselocale(tar->locale);
	return 0;
}

void image_tar_close_p(struct image_tar *tar)
{
	if (tar->archive)
		archive_read_free(tar->archive);
	tar->archive = NULL;
	if (!tar->locale)
		return;
	uselocale(tar->previous);
	freelocale(tar->locale);
	tar->locale = (locale_t)0;
}

static int archive_begin(struct archive *archive, int fd)
{
	/* A warning: it would call a program for what it was built without. */
	if (archive_read_support_filter_gzip(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(archive) != ARCHIVE_OK ||
	    archive_read_support_format_tar(archive) != ARCHIVE_OK)
		return ARCHIVE_FATAL;
	return archive_read_open_fd(archive, fd, READ_BYTES);
}

int image_tar_open(int fd, struct image_tar *ret, struct verity_error *err)
{
	cleanup_with(image_tar_close_p) struct image_tar tar = {.entry = UINT64_MAX};
	int r = locale_enter(&tar, err);

	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return verity_fail_errno(err, errno, "cannot read it");
	tar.archive = archive_read_new();
	if (!tar.archive)
		return verity_fail_errno(err, ENOMEM, "tree");
	if (archive_begin(tar.archive, fd) != ARCHIVE_OK)
		return begin_fail(&tar, err);
	*ret = tar;
	tar = (struct image_tar){0};
	return 0;
}

int image_tar_next(struct image_tar *tar, struct archive_entry **ret,
		   struct verity_error *err)
{
	int r = archive_read_next_header(tar->archive, ret);

	if (r == ARCHIVE_EOF && archive_format(tar->archive) != 0)
		return 0;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
		return tar->entry == UINT64_MAX ? begin_fail(tar, err)
						: image_tar_fail(tar, NULL, err);
	}
	tar->entry++;
	return 1;
}
