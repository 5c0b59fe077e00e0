/* SPDX-License-Identifier: MIT */
/* Reading what is connected, and why a label cannot be used. */
#include "installer/media/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/common/report.h"
#include "installer/common/similar.h"
#include "installer/fetch/fetch_user.h"
#include "installer/media/probe.h"
#include "installer/media/system.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define SYSFS     "/sys"
#define DEV       "/dev"
#define MOUNTINFO "/proc/self/mountinfo"

void media_view_done(struct media_view *view)
{
	media_list_free(&view->list);
}

/* The number of a label; -1: `external`, -2: none. */
static int find_label(const struct overlay_bootconf *bootconf, const char *label)
{
	for (size_t i = 0; i < bootconf->media_count; i++)
		if (strcmp(bootconf->media[i].label, label) == 0)
			return (int)i;
	return strcmp(label, OVERLAY_MEDIA_EXTERNAL) == 0 ? -1 : -2;
}

static int fail_label(const struct overlay_bootconf *bootconf, const char *label,
		      struct verity_error *err)
{
	struct similar similar = {.typed = label};
	char names[VERITY_MESSAGE_MAX / 2] = OVERLAY_MEDIA_EXTERNAL;
	size_t used = strlen(names);

	for (size_t i = 0; i < bootconf->media_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, ", %s",
					 bootconf->media[i].label);
	similar_offer(&similar, OVERLAY_MEDIA_EXTERNAL);
	for (size_t i = 0; i < bootconf->media_count; i++)
		similar_offer(&similar, bootconf->media[i].label);
	return verity_fail(
		err, VERITY_E_NOT_FOUND, "%.64s: no such media label (%s%s%sknown: %s%s)",
		label, similar.found ? "did you mean " : "", similar.found ?: "",
		similar.found ? "? " : "", names, used < sizeof(names) ? "" : "...");
}

/*
 * DATA and PERSIST, if the configuration has a tag for them. The tag is not enough:
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

/* @all: also what cannot be removed: else no disk is woken up */
static int read_list(const struct overlay_config *config, bool all,
		     struct media_list *ret, struct verity_error *err)
{
	struct media_system system;
	uid_t uid;
	gid_t gid;
	int r = media_system_read(MOUNTINFO, config, &system, err);

	if (r == 0)
		r = fetch_user_find(config->fetch_user, &uid, &gid, err);
	if (r == 0)
		r = media_scan(SYSFS, system.runs, system.runs_count, ret, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ret->count; i++)
		if (media_usable(&ret->items[i]) && (all || ret->items[i].plugged))
			media_probe(DEV, uid, gid, &ret->items[i]);
	mark_volume(ret, &system, config->data);
	mark_volume(ret, &system, config->persist);
	return 0;
}

int media_view_read(struct device *device, const char *label, struct media_view *ret,
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
	if (label && find_label(&view.bootconf, label) == -2)
		return fail_label(&view.bootconf, label, err);
	all = label ? find_label(&view.bootconf, label) >= 0
		    : view.bootconf.media_count > 0;
	r = read_list(config, all, &view.list, err);
	if (r < 0)
		return r;
	view.external = media_choose(&view.list, NULL, 0);
	for (size_t i = 0; i < view.bootconf.media_count; i++) {
		const struct overlay_media *media = &view.bootconf.media[i];
		const char *path;
		struct stat st;
		bool is_device =
			overlay_media_match(media, &path) == OVERLAY_MATCH_DEVICE &&
			stat(path, &st) == 0 && S_ISBLK(st.st_mode);

		view.chosen[i] =
			media_choose(&view.list, media, is_device ? st.st_rdev : 0);
	}
	*ret = view;
	return 0;
}

/* Says what is connected instead, as the label may be the wrong one. */
static int fail_absent(const struct media_view *view, const char *label,
		       const char *match, struct verity_error *err)
{
	char connected[VERITY_MESSAGE_MAX / 2] = "";
	char text[MEDIA_DESCRIPTION_MAX];
	size_t used = 0;

	if (!match)
		return verity_fail(err, VERITY_E_NO_MEDIUM,
				   "%s: no USB stick or SD card is connected", label);
	for (size_t i = 0; i < view->list.count && used < sizeof(connected); i++) {
		if (!media_external(&view->list.items[i]))
			continue;
		media_describe(&view->list.items[i], text);
		used += (size_t)snprintf(connected + used, sizeof(connected) - used,
					 "%s%s", used ? ", " : "; connected: ", text);
	}
	if (used >= sizeof(connected))
		strcpy(connected + sizeof(connected) - 4, "...");
	return verity_fail(err, VERITY_E_NO_MEDIUM,
			   "%s: no medium with %s is connected%s", label, match,
			   connected);
}

int media_view_get(const struct media_view *view, const char *label,
		   const struct media_item **ret, struct verity_error *err)
{
	int index = find_label(&view->bootconf, label);
	const struct media_item *item = index >= 0 ? view->chosen[index] : view->external;
	char text[MEDIA_DESCRIPTION_MAX], type[sizeof(item->type)];

	if (!item)
		return fail_absent(view, label,
				   index >= 0 ? view->bootconf.media[index].match : NULL,
				   err);
	media_describe(item, text);
	snprintf(type, sizeof(type), "%s", item->type);
	if (item->probed == MEDIA_KNOWN) {
		*ret = item;
		return 0;
	}
	if (item->failure == EACCES || item->failure == EPERM)
		return verity_fail(err, VERITY_E_PERMISSION,
				   "%s: %s: only root can read media", label, text);
	if (item->probed == MEDIA_UNREADABLE)
		return verity_fail_errno(err, item->failure, "%s: %s: cannot be read",
					 label, text);
	return verity_fail(err, VERITY_E_UNSUPPORTED,
			   "%s: %s: unknown file system%s%s (vfat, exfat, ext2, ext3 and "
			   "ext4 can be read)",
			   label, text, type[0] ? " " : "", verity_text_plain(type));
}
