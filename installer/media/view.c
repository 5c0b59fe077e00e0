/* SPDX-License-Identifier: MIT */
#include "installer/media/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/common/report.h"
#include "installer/media/probe.h"
#include "installer/media/system.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define SYSFS     "/sys"
#define DEV       "/dev"
#define MOUNTINFO "/proc/self/mountinfo"

void media_view_free(struct media_view *view)
{
	media_list_free(&view->list);
}

static bool is_external(const char *label)
{
	return strcmp(label, OVERLAY_MEDIA_EXTERNAL) == 0;
}

static int check_label(const struct overlay_bootconf *bootconf, const char *label,
		       struct verity_error *err)
{
	char names[VERITY_MESSAGE_MAX / 2] = OVERLAY_MEDIA_EXTERNAL;
	size_t used = strlen(names);

	if (is_external(label))
		return 0;
	for (size_t i = 0; i < bootconf->media_count; i++)
		if (strcmp(bootconf->media[i].label, label) == 0)
			return 0;
	for (size_t i = 0; i < bootconf->media_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, ", %s",
					 bootconf->media[i].label);
	return verity_fail(err, VERITY_E_NOT_FOUND,
			   "%.64s: no such media label (there are: %s%s)", label, names,
			   used < sizeof(names) ? "" : "...");
}

/* 0: there is no such device now. */
static dev_t device_number(const struct overlay_media *media)
{
	const char *value;
	struct stat st;

	if (overlay_media_match(media, &value) != OVERLAY_MATCH_DEVICE ||
	    stat(value, &st) < 0 || !S_ISBLK(st.st_mode))
		return 0;
	return st.st_rdev;
}

/*
 * DATA and PERSIST, where the configuration has a tag for them. A tag alone says nothing:
 * anybody can give it to a stick. What is mounted as well is what the device runs from.
 */
static void mark_volume(struct media_list *list, const struct media_system *system,
			const char *spec)
{
	struct overlay_media media = {.label = ""};

	if (spec[0] == '/' || strlen(spec) >= sizeof(media.match))
		return;
	snprintf(media.match, sizeof(media.match), "%s", spec);
	for (size_t i = 0; i < list->count; i++) {
		const struct media_list one = {&list->items[i], 1};

		if (media_system_mounted(system, list->items[i].number) &&
		    media_choose(&one, &media, 0))
			media_list_mark_system(list, list->items[i].disk);
	}
}

/* What is not asked for is not read: whoever asks for a stick gets no disk woken up. */
static void probe(struct media_list *list, bool all)
{
	for (size_t i = 0; i < list->count; i++)
		if (media_usable(&list->items[i]) && (all || list->items[i].plugged))
			media_probe(DEV, &list->items[i]);
}

static int read_list(const struct overlay_config *config, bool all,
		     struct media_list *ret, struct verity_error *err)
{
	cleanup_with(media_list_free) struct media_list list = {NULL, 0};
	struct media_system system;
	int r = media_system_read(MOUNTINFO, config, &system, err);

	if (r == 0)
		r = media_scan(SYSFS, system.runs, system.runs_count, &list, err);
	if (r < 0)
		return r;
	probe(&list, all);
	mark_volume(&list, &system, config->data);
	mark_volume(&list, &system, config->persist);
	*ret = list;
	list = (struct media_list){NULL, 0};
	return 0;
}

int media_look(struct device *device, const char *label, struct media_view *ret,
	       struct verity_error *err)
{
	const struct overlay_config *config = device_config(device);
	struct media_view view = {.external = NULL};
	struct verity_error why;
	bool all;
	int r;

	if (overlay_bootconf_read(config->uboot_env, config->cmdline, &view.bootconf,
				  &why) < 0)
		report_warning("boot configuration: %s", why.message);
	r = label ? check_label(&view.bootconf, label, err) : 0;
	all = label ? !is_external(label) : view.bootconf.media_count > 0;
	if (r == 0)
		r = read_list(config, all, &view.list, err);
	if (r < 0)
		return r;
	view.external = media_choose_external(&view.list);
	for (size_t i = 0; i < view.bootconf.media_count; i++)
		view.chosen[i] = media_choose(&view.list, &view.bootconf.media[i],
					      device_number(&view.bootconf.media[i]));
	*ret = view;
	return 0;
}

/* What is connected instead, for one who has mistaken the label. */
static void list_connected(const struct media_list *list, char *ret, size_t room)
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < list->count && used < room; i++) {
		char text[MEDIA_DESCRIPTION_MAX];

		if (!media_external(&list->items[i]))
			continue;
		media_describe(&list->items[i], text);
		used += (size_t)snprintf(ret + used, room - used, "%s%s",
					 used ? ", " : "", text);
	}
	if (used >= room)
		strcpy(ret + room - 4, "...");
}

static int fail_absent(const struct media_view *view, const char *label,
		       const char *match, struct verity_error *err)
{
	char connected[VERITY_MESSAGE_MAX / 2];

	if (!match)
		return verity_fail(err, VERITY_E_NO_MEDIUM,
				   "%s: no USB stick or SD card is connected", label);
	list_connected(&view->list, connected, sizeof(connected));
	return verity_fail(err, VERITY_E_NO_MEDIUM,
			   "%s: no medium with %s is connected%s%s", label, match,
			   connected[0] ? "; connected: " : "", connected);
}

static int check_readable(const struct media_item *item, struct verity_error *err)
{
	char text[MEDIA_DESCRIPTION_MAX], type[sizeof(item->type)];

	media_describe(item, text);
	if (item->probed == MEDIA_KNOWN)
		return 0;
	if (item->failure == EACCES || item->failure == EPERM)
		return verity_fail(err, VERITY_E_PERMISSION,
				   "%s: one must be root to read media", text);
	if (item->probed == MEDIA_UNREADABLE)
		return verity_fail_errno(err, item->failure, "%s: cannot be read", text);
	snprintf(type, sizeof(type), "%s", item->type);
	return verity_fail(err, VERITY_E_UNSUPPORTED,
			   "%s: unknown file system%s%s (vfat, exfat, ext2, ext3 and "
			   "ext4 can be read)",
			   text, type[0] ? " " : "", verity_text_plain(type));
}

int media_view_get(const struct media_view *view, const char *label,
		   const struct media_item **ret, struct verity_error *err)
{
	const struct media_item *item = view->external;
	const char *match = NULL;
	int r;

	for (size_t i = 0; i < view->bootconf.media_count; i++)
		if (strcmp(view->bootconf.media[i].label, label) == 0) {
			item = view->chosen[i];
			match = view->bootconf.media[i].match;
		}
	if (!item)
		return fail_absent(view, label, match, err);
	r = check_readable(item, err);
	if (r < 0)
		return verity_context(err, r, "%s", label);
	*ret = item;
	return 0;
}
