/* SPDX-License-Identifier: MIT */

/* `wmopkg monitor json`: an event a line, as packages, records and pending changes
 * change. */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/commands/show_json.h"
#include "installer/device/installed.h"
#include "installer/device/reset_pending.h"
#include "overlay/record/audit.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"

#define FORMAT 1

/* What one command does becomes one report: it is told when nothing more happens. */
#define SETTLED_MS 200
#define SETTLE_MAX 10 /* times that long */
/* What no folder tells, such as an unlock statement that ends with the time. */
#define LOOK_MS 60000
/* Where a folder is not there yet, or cannot be watched. */
#define LOOK_OFTEN_MS 5000

/* Not what is written to a file: a package is renamed when it is whole. */
#define STORE_EVENTS  (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB)
#define RECORD_EVENTS (STORE_EVENTS | IN_MODIFY)

#define NUMBER_MAX  INT64_MAX
#define NOTHING_YET UINT64_MAX

/* A package as it was told last. */
struct told {
	struct overlay_entry entry;
	char *event; /* owned; "" before the first */
	bool there;
};

struct monitor {
	struct told *packages; /* owned */
	size_t count;
	char *device;  /* owned; the event, as it was told last; NULL: never */
	char *error;   /* likewise; NULL: none in force */
	uint64_t told; /* number of the newest line of the audit log that was told */
	uint64_t last; /* number of the newest that there is; 0: none */
	bool begun;
	bool ready; /* all has been told once */
};

static void monitor_free(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->count; i++)
		free(monitor->packages[i].event);
	free(monitor->packages);
	free(monitor->device);
	free(monitor->error);
}

static const char *const reset_words[] = {
	[RESET_NONE] = NULL,
	[RESET_BOOT_CONFIG] = "requested",
	[RESET_REQUESTED] = "requested",
	[RESET_BEGUN] = "begun",
	[RESET_PURGE_REQUESTED] = "purge-requested",
	[RESET_PURGE_BEGUN] = "purge-begun",
};

/* Print an event, and keep it in @last, unless it is that already. */
static int tell(struct verity_json_writer *json, char **last, struct verity_error *err)
{
	char *event;
	int r = verity_json_finish(json, VERITY_JSON_COMPACT, &event, err);

	if (r < 0)
		return r;
	if (*last && strcmp(*last, event) == 0) {
		free(event);
		return 0;
	}
	puts(event);
	free(*last);
	*last = event;
	return 0;
}

static int tell_once(struct verity_json_writer *json, struct verity_error *err)
{
	cleanup_free char *event = NULL;

	return tell(json, &event, err);
}

static int tell_device(struct monitor *monitor, struct device *device,
		       const struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	verity_json_text(&json, "type", "device");
	show_json_trust(device, &json, trust);
	verity_json_some_text(&json, "factory_reset",
			      reset_words[reset_pending_read(device)]);
	show_json_waiting_set(device, &json);
	return tell(&json, &monitor->device, err);
}

/* Return: NULL: no memory. */
static struct told *find(struct monitor *monitor, const struct overlay_entry *entry)
{
	struct told *grown;

	for (size_t i = 0; i < monitor->count; i++)
		if (overlay_entry_compare(&monitor->packages[i].entry, entry) == 0)
			return &monitor->packages[i];
	grown = reallocarray(monitor->packages, monitor->count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	monitor->packages = grown;
	grown[monitor->count] = (struct told){.entry = *entry};
	return &grown[monitor->count++];
}

static int tell_gone(const struct told *told, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	verity_json_text(&json, "type", "gone");
	verity_json_text(&json, "name", told->entry.name);
	verity_json_bool(&json, "persistent", told->entry.kind == OVERLAY_PERSISTENT);
	return tell_once(&json, err);
}

static int tell_packages(struct monitor *monitor, struct device *device,
			 struct verity_error *err)
{
	cleanup_with(installed_list_free) struct installed_list list = {0};
	size_t kept = 0;
	int r = installed_list_read(device, NULL, INSTALLED_CHANGED, &list, err);

	for (size_t i = 0; i < monitor->count; i++)
		monitor->packages[i].there = false;
	for (size_t i = 0; r == 0 && i < list.count; i++) {
		cleanup_with(verity_json_end) struct verity_json_writer json = {0};
		struct told *told = find(monitor, &list.items[i].entry);

		if (!told)
			return verity_no_memory(err);
		verity_json_text(&json, "type", "package");
		verity_json_open(&json, "package");
		show_json_item(device, &json, &list.items[i]);
		verity_json_close(&json);
		r = tell(&json, &told->event, err);
		told->there = true;
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < monitor->count; i++) {
		struct told *told = &monitor->packages[i];

		if (told->there) {
			monitor->packages[kept++] = *told;
			continue;
		}
		if (r == 0)
			r = tell_gone(told, err);
		free(told->event);
	}
	monitor->count = kept;
	return r;
}

/* The lines of the log as they stand, so that their digests can be checked. */
static void tell_line(void *context, const char *line, size_t size,
		      struct json_object *object)
{
	struct monitor *monitor = context;
	struct json_object *value;
	uint64_t number;

	if (!object || !json_object_object_get_ex(object, "number", &value))
		return;
	number = json_object_get_uint64(value);
	if (number <= monitor->told || number > monitor->last)
		return;
	if (number > monitor->told + 1)
		printf("{\"type\":\"missed\",\"first\":%" PRIu64 ",\"last\":%" PRIu64
		       "}\n",
		       monitor->told + 1, number - 1);
	printf("{\"type\":\"log\",\"line\":%.*s}\n", (int)size, line);
	monitor->told = number;
}

static int tell_begin(const struct monitor *monitor, struct device *device,
		      struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	const struct overlay_state *state = device_state(device);

	verity_json_text(&json, "type", "begin");
	verity_json_int(&json, "format", FORMAT);
	if (state)
		verity_json_uint(&json, "boot", state->boot);
	if (monitor->last)
		verity_json_uint(&json, "last", monitor->last);
	return tell_once(&json, err);
}

static int tell_log(struct monitor *monitor, struct device *device,
		    struct verity_error *err)
{
	char digest[2 * VERITY_DIGEST_BYTES + 1];
	int record;
	int r = device_record_find(device, &record, err);

	if (r == 0 && record >= 0)
		r = overlay_audit_mark(record, &monitor->last, digest, err);
	if (r < 0 && r != -ENOENT)
		return r;
	r = 0;
	if (!monitor->begun) {
		r = tell_begin(monitor, device, err);
		if (monitor->told == NOTHING_YET)
			monitor->told = monitor->last;
		monitor->begun = true;
	}
	/* After a purge, the numbers begin again. */
	if (monitor->told > monitor->last)
		monitor->told = 0;
	if (r < 0 || record < 0 || monitor->told == monitor->last)
		return r;
	return overlay_audit_each(record, SIZE_MAX, false, tell_line, monitor, err);
}

static bool watch_folder(int inotify, int folder, uint32_t events)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	return folder >= 0 && inotify_add_watch(inotify, path, events) >= 0;
}

/* Before anything is read, so that no change is missed. */
static bool watch(int inotify, struct device *device, struct verity_error *err)
{
	struct overlay_store *store;
	int record = -1;

	return device_store(device, &store, err) == 0 &&
	       device_record_find(device, &record, err) == 0 &&
	       watch_folder(inotify, record, RECORD_EVENTS) &&
	       watch_folder(inotify, overlay_store_folder(store, OVERLAY_ORDINARY),
			    STORE_EVENTS) &&
	       watch_folder(inotify, overlay_store_folder(store, OVERLAY_PERSISTENT),
			    STORE_EVENTS);
}

static int tell_all(struct monitor *monitor, struct device *device,
		    struct verity_error *err)
{
	struct overlay_trust *trust;
	int r = tell_log(monitor, device, err);

	/* The boot has logged what is wrong with it. */
	if (r == 0)
		r = device_trust_quiet(device, &trust, err);
	if (r == 0)
		r = tell_device(monitor, device, trust, err);
	if (r == 0)
		r = tell_packages(monitor, device, err);
	return r;
}

/* What cannot be read now may be there again at the next look. */
static int tell_error(struct monitor *monitor, const struct verity_error *why,
		      struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	verity_json_text(&json, "type", "error");
	verity_json_reason(&json, "reason", why, NULL);
	return tell(&json, &monitor->error, err);
}

/* Return: whether somebody still reads what is printed. */
static bool wait_for_change(int inotify, int longest_ms)
{
	char events[4096] __attribute__((aligned(8)));
	struct pollfd polled[] = {{.fd = inotify, .events = POLLIN},
				  {.fd = STDOUT_FILENO}};

	for (int times = 0; times < SETTLE_MAX; times++) {
		int ready = poll(polled, 2, times ? SETTLED_MS : longest_ms);

		if (polled[1].revents & (POLLERR | POLLHUP | POLLNVAL))
			return false;
		if (ready <= 0)
			return true;
		while (read(inotify, events, sizeof(events)) > 0)
			;
	}
	return true;
}

/*
 * Nothing of the device stays open: that would keep a volume from being unmounted.
 *
 * @ret_watched: whether @inotify tells of the next change
 */
static int read_device(struct monitor *monitor, const struct device *before, int inotify,
		       bool *ret_watched, struct verity_error *err)
{
	cleanup_with(device_free_p) struct device *device = NULL;
	int r = device_open_again(before, &device, err);

	*ret_watched = r == 0 && watch(inotify, device, err);
	return r < 0 ? r : tell_all(monitor, device, err);
}

/* Return: 1: go on; 0: nobody reads it any more; -errno. */
static int look(struct monitor *monitor, const struct device *device,
		struct verity_error *err)
{
	cleanup_fd int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct verity_error why;
	bool watched;
	int r;

	if (inotify < 0)
		return verity_fail_errno(err, errno, "inotify");
	r = read_device(monitor, device, inotify, &watched, &why);
	if (r == 0) {
		free(steal_ptr(&monitor->error));
		if (!monitor->ready)
			puts("{\"type\":\"ready\"}");
		monitor->ready = true;
	} else if (r == -ENOMEM) {
		return verity_no_memory(err);
	} else {
		r = tell_error(monitor, &why, err);
		if (r < 0)
			return r;
	}
	if (fflush(stdout) != 0)
		return 0;
	return wait_for_change(inotify, watched ? LOOK_MS : LOOK_OFTEN_MS);
}

enum exit_status command_monitor(struct device *device, const struct words *words)
{
	cleanup_with(monitor_free) struct monitor monitor = {.told = NOTHING_YET};
	struct verity_error err;
	int r = words_number(words, WORD_SINCE, "monitor", 0, NUMBER_MAX, &monitor.told,
			     &err);

	if (r < 0)
		return report_error(NULL, &err);
	do
		r = look(&monitor, device, &err);
	while (r > 0);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
