/* SPDX-License-Identifier: MIT */
/* A package on a medium: the file, and what to say if the medium is removed. */
#include "installer/media/open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "installer/common/layout.h"
#include "installer/common/signals.h"
#include "installer/fetch/source_file.h"
#include "installer/media/file.h"
#include "installer/media/mount.h"
#include "installer/media/view.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

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

/* Tells a failure of the sink from one of the medium. */
struct watched_sink {
	const struct source_sink *sink;
	int refused;
};

static int64_t media_bytes(const struct source *source)
{
	return source_bytes(((const struct source_media *)(const void *)source)->file);
}

static void media_free(struct source *source)
{
	source_free(((struct source_media *)(void *)source)->file);
	free(source);
}

static int take(void *context, const void *bytes, size_t count, struct verity_error *err)
{
	struct watched_sink *watched = context;

	watched->refused = watched->sink->take(watched->sink->context, bytes, count, err);
	return watched->refused;
}

/*
 * Replaces the reason @r if the medium was removed. Reading may fail some time before the
 * kernel knows that the device is gone.
 */
static int check_gone(const char *name, dev_t number, const char *description, int r,
		      struct verity_error *err)
{
	const struct timespec pause = {.tv_nsec = GONE_PAUSE_MS * 1000000L};
	bool may_come = r == -EIO || r == -ENODEV || r == -ENXIO;
	bool gone = !media_scan_connected(SYSFS, name, number);

	for (int i = 0; may_come && !gone && i < GONE_PAUSES; i++) {
		nanosleep(&pause, NULL);
		gone = !media_scan_connected(SYSFS, name, number);
	}
	return gone ? verity_fail(err, VERITY_E_NO_MEDIUM,
				  "%s was removed while it was read: nothing was "
				  "installed",
				  description)
		    : r;
}

static int media_pull(struct source *source, const struct source_sink *sink,
		      struct verity_error *err)
{
	const struct source_media *media = (struct source_media *)(void *)source;
	struct watched_sink watched = {.sink = sink};
	const struct source_sink own = {.take = take, .context = &watched};
	FILE *out = sink->out ?: stdout;
	const struct layout layout = layout_of(fileno(out));
	int r;

	layout_printf(out, &layout, LAYOUT_INDENT, "Using %s", media->description);
	fflush(out);
	r = source_pull(media->file, &own, err);
	if (r < 0 && watched.refused == 0 && signals_check(NULL) == 0)
		r = check_gone(media->device, media->number, media->description, r, err);
	return r;
}

static const struct source_kind kind_media = {
	.bytes = media_bytes,
	.pull = media_pull,
	.free = media_free,
};

int media_source_open(struct device *device, const char *label, const char *path,
		      bool any_name, struct source **ret, struct verity_error *err)
{
	cleanup_with(media_view_done) struct media_view view = {.external = NULL};
	cleanup_with(source_free_p) struct source *file = NULL;
	cleanup_free struct source_media *media = calloc(1, sizeof(*media));
	const struct media_item *item;
	cleanup_fd int root_fd = -1;
	char where[PATH_MAX], listed[PATH_MAX];
	int gone, fd = -1;
	int r = media_view_read(device, label, &view, err);

	if (r == 0 && !media)
		r = verity_no_memory(err);
	if (r == 0)
		r = media_view_get(&view, label, &item, err);
	if (r < 0)
		return r;
	media_describe(item, media->description);
	r = media_mount(item, &root_fd, err);
	if (r == 0)
		r = media_file_open(root_fd, path, &fd, listed, err);
	if (r < 0) {
		gone = check_gone(item->name, item->number, media->description, r, err);
		return gone != r ? gone
				 : verity_context(err, r, "%s", media->description);
	}
	/* With a slash: no part of the label is to be taken for the name of the file. */
	snprintf(where, sizeof(where), "%s:/%s", label, listed);
	r = source_file_new(fd, where, any_name, &file, err);
	if (r < 0)
		return r;
	media->source.where = strdup(file->where);
	if (!media->source.where)
		return verity_no_memory(err);
	media->source.kind = &kind_media;
	strcpy(media->source.name, file->name);
	strcpy(media->device, item->name);
	media->number = item->number;
	snprintf(media->source.place, sizeof(media->source.place), "%s%s%s",
		 media->description, item->uuid[0] ? ", UUID=" : "", item->uuid);
	verity_text_plain(media->source.place);
	media->file = steal_ptr(&file);
	*ret = &steal_ptr(&media)->source;
	return 0;
}
