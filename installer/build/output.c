/* SPDX-License-Identifier: MIT */
/* Files that appear whole: written without a name, or under another, and renamed. */
#include "installer/build/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

struct output {
	int folder;
	int fd;
	char *name;    /* the final one, within the folder */
	char part[64]; /* the name it has until then; "" while it has none */
	bool named;    /* it has the final one */
};

void output_free(struct output *output)
{
	if (!output)
		return;
	if (output->part[0])
		unlinkat(output->folder, output->part, 0);
	if (output->fd >= 0)
		close(output->fd);
	if (output->folder >= 0)
		close(output->folder);
	free(output->name);
	free(output);
}

int output_fd(const struct output *output)
{
	return output->fd;
}

static int open_folder(struct output *output, const char *path, struct verity_error *err)
{
	cleanup_free char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	output->name = strdup(slash ? slash + 1 : path);
	if (!folder || !output->name)
		return verity_no_memory(err);
	if (!output->name[0] || strcmp(output->name, ".") == 0 ||
	    strcmp(output->name, "..") == 0)
		return verity_fail(err, VERITY_E_USAGE, "%s: not the name of a file",
				   path);
	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	output->folder = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (output->folder < 0)
		return verity_fail_errno(err, errno, "%s", slash ? folder : ".");
	return 0;
}

/* Several may be begun in one folder. */
static void name_part(struct output *output)
{
	snprintf(output->part, sizeof(output->part), ".wmopkg-build.%ld.%d.part",
		 (long)getpid(), output->folder);
}

int output_new(const char *path, unsigned mode, struct output **ret,
	       struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = calloc(1, sizeof(*output));
	struct stat st;
	int r;

	if (!output)
		return verity_no_memory(err);
	output->folder = output->fd = -1;
	r = open_folder(output, path, err);
	if (r < 0)
		return r;
	if (fstatat(output->folder, output->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		return verity_fail(err, VERITY_E_NOT_A_FILE,
				   "%s: there is something that is not a file", path);
	/* Without a name where possible: then nothing is left even after a kill. */
	output->fd = openat(output->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (output->fd < 0 &&
	    (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		name_part(output);
		output->fd =
			openat(output->folder, output->part,
			       O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, mode);
		if (output->fd < 0)
			output->part[0] = '\0';
	}
	if (output->fd < 0)
		return verity_fail_errno(err, errno, "%s: cannot be made", path);
	*ret = steal_ptr(&output);
	return 0;
}

int output_commit(struct output *output, struct verity_error *err)
{
	char self[64];

	if (fsync(output->fd) < 0)
		return verity_fail_errno(err, errno, "%s: cannot be written",
					 output->name);
	if (!output->part[0]) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", output->fd);
		name_part(output);
		/* of a killed run with our number */
		unlinkat(output->folder, output->part, 0);
		if (linkat(AT_FDCWD, self, output->folder, output->part,
			   AT_SYMLINK_FOLLOW) < 0) {
			output->part[0] = '\0';
			return verity_fail_errno(err, errno, "%s: cannot be written",
						 output->name);
		}
	}
	if (renameat(output->folder, output->part, output->folder, output->name) < 0)
		return verity_fail_errno(err, errno, "%s: cannot be written",
					 output->name);
	output->part[0] = '\0';
	output->named = true;
	if (fsync(output->folder) < 0)
		return verity_fail_errno(err, errno, "%s: its folder cannot be synced",
					 output->name);
	return 0;
}

void output_revoke(struct output *output)
{
	if (output && output->named)
		(void)unlinkat(output->folder, output->name, 0);
}

int output_scratch(const struct output *output, int *ret, struct verity_error *err)
{
	char name[64];
	int fd = openat(output->folder, ".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC,
			0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		snprintf(name, sizeof(name), ".wmopkg-build.%ld.scratch", (long)getpid());
		fd = openat(output->folder, name,
			    O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
		if (fd >= 0)
			unlinkat(output->folder, name, 0);
	}
	if (fd < 0)
		return verity_fail_errno(err, errno, "a scratch file cannot be made");
	*ret = fd;
	return 0;
}

int output_make(const char *path, unsigned mode, const void *bytes, size_t size,
		struct output **ret, struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	int r = output_new(path, mode, &output, err);

	if (r == 0)
		r = verity_io_write(output->fd, bytes, size, 0, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&output);
	return 0;
}

int output_write(const char *path, unsigned mode, const void *bytes, size_t size,
		 struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	int r = output_make(path, mode, bytes, size, &output, err);

	return r < 0 ? r : output_commit(output, err);
}
