/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "overlay/fs/mkdir.h"
#include "overlay/stack/existing.h"
#include "overlay/stack/layers_dir.h"
#include "overlay/stack/stack.h"
#include "overlay/stack/upperdir.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define NOTE     "former" /* in LAYERS */
#define NOTE_MAX 262144

static void plan_free_p(struct overlay_stack_plan *plan)
{
	overlay_stack_plan_free(plan);
}

static int bind_lowers(const struct overlay_former *former, const char *layers,
		       struct verity_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < former->options.count; i++) {
		char source[64], name[OVERLAY_STACK_NAME_MAX];

		snprintf(source, sizeof(source), "/proc/self/fd/%d", former->lowers[i]);
		if (former->options.count > 1)
			snprintf(name, sizeof(name), OVERLAY_STACK_ROOT "%zu", i + 1);
		else
			snprintf(name, sizeof(name), OVERLAY_STACK_ROOT);
		r = overlay_layers_bind(layers, source, name, err);
	}
	return r;
}

/* The firmware as it is seen below packages and upper. */
static int mount_together(const struct overlay_former *former, const char *layers,
			  struct verity_error *err)
{
	const struct overlay_stack_parts parts = {.roots = former->options.count};
	cleanup_with(plan_free_p) struct overlay_stack_plan plan = {0};
	char folder[PATH_MAX];
	int r;

	if (former->options.count == 1)
		return 0;
	snprintf(folder, sizeof(folder), "%s/" OVERLAY_STACK_ROOT, layers);
	r = overlay_folder_make(folder, 0755, err);
	if (r == 0)
		r = overlay_stack_plan_make(&parts, &plan, err);
	return r < 0 ? r : overlay_stack_mount(layers, &plan, folder, err);
}

static bool is_same(int fd, const char *path)
{
	struct stat one, other;

	return fstat(fd, &one) == 0 && stat(path, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int link_folder(const char *layers, const char *name, const char *rest, int fd,
		       struct verity_error *err)
{
	char path[PATH_MAX];
	char target[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", layers, name);
	snprintf(target, sizeof(target), OVERLAY_UPPER_PLACE "%s", rest);
	if ((unlink(path) < 0 && errno != ENOENT) || symlink(target, path) < 0)
		return verity_fail_errno(err, errno, "%s", path);
	if (!is_same(fd, path))
		return verity_fail(err, VERITY_E_STACK,
				   "its upper and its work folder do not lie together");
	return 0;
}

static int path_of(int fd, char ret[static PATH_MAX])
{
	char link[64];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, ret, PATH_MAX - 1);
	if (size < 0)
		return -errno;
	ret[size] = '\0';
	return 0;
}

/* The kernel wants both in one mount: the folder that both lie in is bound. */
static int bind_upper(const struct overlay_former *former, const char *layers,
		      struct verity_error *err)
{
	char upper[PATH_MAX], work[PATH_MAX], above[PATH_MAX], place[PATH_MAX];
	size_t common = 0;
	int r;

	if (former->upper < 0)
		return 0;
	r = path_of(former->upper, upper);
	if (r == 0)
		r = path_of(former->work, work);
	if (r < 0)
		return verity_fail_errno(err, -r, "the upper of the former overlay");
	for (size_t i = 0; upper[i] && upper[i] == work[i]; i++)
		if (upper[i] == '/')
			common = i;
	snprintf(above, sizeof(above), "%.*s", common ? (int)common : 1, upper);
	snprintf(place, sizeof(place), "%s/" OVERLAY_UPPER_PLACE, layers);
	r = overlay_folder_make(place, 0700, err);
	if (r < 0)
		return r;
	if (mount(above, place, NULL, MS_BIND, NULL) < 0)
		return verity_fail_errno(err, errno, "%s", above);
	r = link_folder(layers, OVERLAY_STACK_UPPER, upper + common, former->upper, err);
	if (r == 0)
		r = link_folder(layers, OVERLAY_STACK_WORK, work + common, former->work,
				err);
	return r;
}

int overlay_former_bind(const struct overlay_former *former, const char *layers,
			struct verity_error *err)
{
	int r = bind_lowers(former, layers, err);

	if (r == 0)
		r = mount_together(former, layers, err);
	if (r == 0)
		r = bind_upper(former, layers, err);
	return r;
}

static void note_path(const char *layers, char ret[static PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/" NOTE, layers);
}

/* Whole or not at all is for a disk; LAYERS is in memory, and goes with it. */
static int write_note(const struct overlay_former *former, const char *layers)
{
	char path[PATH_MAX];
	cleanup_file FILE *file = NULL;

	note_path(layers, path);
	file = fopen(path, "we");
	if (!file ||
	    fprintf(file, "%lu %zu %d\n%s\n%s\n", former->flags, former->options.count,
		    former->upper >= 0, former->source, former->text) < 0 ||
	    fflush(file) != 0)
		return -errno;
	return 0;
}

int overlay_former_remove(const struct overlay_former *former, const char *layers,
			  const char *root, struct verity_error *err)
{
	char path[PATH_MAX];
	int r = write_note(former, layers);

	if (r < 0)
		return verity_fail_errno(err, -r, "%s/" NOTE, layers);
	if (umount2(root, UMOUNT_NOFOLLOW) == 0)
		return 0;
	r = -errno;
	note_path(layers, path);
	(void)unlink(path);
	verity_fail_errno(err, -r, "the overlay at %s is in use", root);
	if (err)
		err->code = VERITY_E_STACK;
	return r;
}

/* What the note says. */
struct note {
	unsigned long flags;
	size_t roots;
	int writable;
	char *source;
	char *text;
};

static int parse_note(char *text, struct note *ret)
{
	char *first = strsep(&text, "\n");

	ret->source = strsep(&text, "\n");
	ret->text = strsep(&text, "\n");
	if (!ret->text ||
	    sscanf(first, "%lu %zu %d", &ret->flags, &ret->roots, &ret->writable) != 3)
		return -EINVAL;
	overlay_former_decode(ret->source);
	return 0;
}

static unsigned attributes_of(unsigned long flags)
{
	static const struct {
		unsigned long flag;
		unsigned attribute;
	} all[] = {
		{MS_RDONLY, MOUNT_ATTR_RDONLY},   {MS_NOSUID, MOUNT_ATTR_NOSUID},
		{MS_NODEV, MOUNT_ATTR_NODEV},     {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
		{MS_NOATIME, MOUNT_ATTR_NOATIME}, {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
	};
	unsigned attributes = MOUNT_ATTR_RELATIME;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (flags & all[i].flag)
			attributes |= all[i].attribute;
	return attributes;
}

static int set_word(int fs, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return fsconfig(fs, FSCONFIG_SET_FLAG, word, NULL, 0);
	*value++ = '\0';
	overlay_former_decode(value);
	return fsconfig(fs, FSCONFIG_SET_STRING, word, value, 0);
}

/* With the words that it was shown with. */
static int mount_as_shown(const struct note *note, const char *root)
{
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	cleanup_free char *copy = strdup(note->text);
	cleanup_fd int mounted = -1;
	char *at = copy;
	char *word;

	if (fs < 0 || !copy ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "source", note->source, 0) < 0)
		return -errno;
	while ((word = strsep(&at, ",")))
		if (strcmp(word, "rw") != 0 && set_word(fs, word) < 0)
			return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mounted = fsmount(fs, FSMOUNT_CLOEXEC, attributes_of(note->flags));
	if (mounted < 0 ||
	    move_mount(mounted, "", AT_FDCWD, root, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/* Where its paths lead nowhere any more: by the names that they have here. */
static int mount_as_bound(const struct note *note, const char *layers, const char *root,
			  struct verity_error *err)
{
	const struct overlay_stack_parts parts = {
		.roots = note->roots,
		.writable = note->writable != 0,
		.nosuid = note->flags & MS_NOSUID,
	};
	cleanup_with(plan_free_p) struct overlay_stack_plan plan = {0};
	int r = overlay_stack_plan_make(&parts, &plan, err);

	return r < 0 ? r : overlay_stack_mount_as(note->source, layers, &plan, root, err);
}

int overlay_former_restore(const char *layers, const char *root, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	struct note note = {.text = NULL};
	char path[PATH_MAX];
	size_t size;
	int r;

	note_path(layers, path);
	r = verity_io_load(AT_FDCWD, path, NOTE_MAX, &text, &size, err);
	/* or where no folder of layers can be: that is for the stack to tell of */
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r == 0 && parse_note(text, &note) < 0)
		r = verity_fail(err, VERITY_E_IO, "%s: not readable", path);
	if (r < 0)
		return r;
	if (mount_as_shown(&note, root) < 0)
		r = mount_as_bound(&note, layers, root, err);
	if (r == 0)
		(void)unlink(path);
	return r;
}
