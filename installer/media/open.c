/* SPDX-License-Identifier: MIT */
#include "installer/media/open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "installer/common/signals.h"
#include "installer/fetch/source_file.h"
#include "installer/media/file.h"
#include "installer/media/mount.h"
#include "installer/media/view.h"
#include "verity/util/cleanup.h"

#define SYSFS         "/sys"
#define GONE_PAUSE_MS 100
#define GONE_PAUSES   15

struct source_media {
	struct source source;
	struct source *file; /* owned; it keeps the medium mounted */
	char device[MEDIA_NAME_MAX];
	dev_t number;
	char description[MEDIA_DESCRIPTION_MAX];
};

/* Tells what the sink says from what the medium does. */
struct sink_watch {
	const struct source_sink *sink;
	int refused;
};

static struct source_media *media_of(struct source *source)
{
	return (struct source_media *)(void *)source;
}

static int64_t media_bytes(const struct source *source)
{
	return source_bytes(((const struct source_media *)(const void *)source)->file);
}

static void media_free(struct source *source)
{
	source_free(media_of(source)->file);
	free(source);
}

static int take(void *context, const void *bytes, size_t count, struct verity_error *err)
{
	struct sink_watch *watch = context;

	watch->refused = watch->sink->take(watch->sink->context, bytes, count, err);
	return watch->refused;
}

/*
 * A medium that is pulled out fails to be read a moment before the kernel has noticed
 * what has become of it.
 */
static bool is_gone(const char *name, dev_t number, int failure)
{
	const struct timespec pause = {.tv_nsec = GONE_PAUSE_MS * 1000000L};

	if (failure != -EIO && failure != -ENODEV && failure != -ENXIO)
		return !media_scan_connected(SYSFS, name, number);
	for (int i = 0; i < GONE_PAUSES; i++) {
		if (!media_scan_connected(SYSFS, name, number))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int fail_gone(const char *description, struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NO_MEDIUM,
			   "%s was pulled out while it was read: nothing was installed",
			   description);
}

static int media_pull(struct source *source, const struct source_sink *sink,
		      struct verity_error *err)
{
	const struct source_media *media = media_of(source);
	struct sink_watch watch = {.sink = sink};
	const struct source_sink own = {.take = take, .context = &watch};
	int r;

	printf("Using %s\n", media->description);
	fflush(stdout);
	r = source_pull(media->file, &own, err);
	if (r < 0 && watch.refused == 0 && signals_check(NULL) == 0 &&
	    is_gone(media->device, media->number, r))
		return fail_gone(media->description, err);
	return r;
}

static const struct source_kind kind_media = {
	.bytes = media_bytes,
	.pull = media_pull,
	.free = media_free,
};

/* The medium, mounted, and the file on it. */
static int open_file(const struct media_item *item, const char *path, int *ret,
		     struct verity_error *err)
{
	cleanup_fd int root_fd = -1;
	char description[MEDIA_DESCRIPTION_MAX];
	int r;

	media_describe(item, description);
	r = media_mount(item, &root_fd, err);
	if (r == 0)
		r = media_file_open(root_fd, path, ret, err);
	if (r < 0 && is_gone(item->name, item->number, r))
		return fail_gone(description, err);
	return r < 0 ? verity_context(err, r, "%s", description) : 0;
}

static int source_new(const struct media_item *item, struct source *file,
		      struct source **ret, struct verity_error *err)
{
	cleanup_with(source_free_p) struct source *owned = file;
	cleanup_free struct source_media *media = calloc(1, sizeof(*media));

	if (!media)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	media->source.kind = &kind_media;
	media->source.where = strdup(file->where);
	if (!media->source.where)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	snprintf(media->source.name, sizeof(media->source.name), "%s", file->name);
	snprintf(media->device, sizeof(media->device), "%s", item->name);
	media->number = item->number;
	media_describe(item, media->description);
	media->file = steal_ptr(&owned);
	*ret = &steal_ptr(&media)->source;
	return 0;
}

int media_source_open(struct device *device, const char *label, const char *path,
		      struct source **ret, struct verity_error *err)
{
	cleanup_with(media_view_free) struct media_view view = {.external = NULL};
	const struct media_item *item;
	char where[PATH_MAX];
	struct source *file;
	int fd = -1;
	int r = media_look(device, label, &view, err);

	if (r == 0)
		r = media_view_get(&view, label, &item, err);
	if (r == 0)
		r = open_file(item, path, &fd, err);
	if (r < 0)
		return r;
	/* the slash: no part of the label is to be taken for the file's name */
	snprintf(where, sizeof(where), "%s:/%s", label, path + strspn(path, "/"));
	r = source_file_new(fd, where, &file, err);
	return r < 0 ? r : source_new(item, file, ret, err);
}
