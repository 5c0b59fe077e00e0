/* SPDX-License-Identifier: MIT */

/* Prints packages as JSON. */

#include <limits.h>
#include <stdio.h>

#include "installer/commands/show_json.h"
#include "installer/common/describe.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/trial_state.h"
#include "installer/device/waiting_set.h"

#define SHOW_FORMAT 1

static const char *const status_words[] = {
	[INSTALLED_UNKNOWN] = "unknown",   [INSTALLED_ACTIVE] = "active",
	[INSTALLED_INACTIVE] = "inactive", [INSTALLED_PENDING] = "pending",
	[INSTALLED_REMOVED] = "removed",
};

static const char *const trial_words[] = {
	[TRIAL_NONE] = "none",
	[TRIAL_COMING] = "coming",
	[TRIAL_RUNNING] = "running",
	[TRIAL_PASSED] = "passed",
	[TRIAL_QUARANTINED] = "quarantined",
	[TRIAL_SUSPECT] = "suspect",
};

static void put_reason(struct device *device, struct verity_json_writer *json,
		       const char *key, const struct verity_error *reason)
{
	if (reason)
		verity_json_reason(json, key, reason,
				   allow_untrusted_hint(device, reason->code));
}

/* What is known of one package only. */
static void put_details(struct device *device, struct verity_json_writer *json,
			const struct overlay_trust *trust, const struct installed *item)
{
	const struct verity_floors *floors = overlay_trust_policy(trust)->floors;
	const struct overlay_state_entry *booted = item->booted;
	char path[PATH_MAX];
	struct trial trial;

	if (item->status != INSTALLED_REMOVED &&
	    installed_path(device, &item->entry, path, sizeof(path)))
		verity_json_some_text(json, "file", path);
	if (booted) {
		verity_json_open(json, "this_boot");
		verity_json_bool(json, "active", booted->active);
		verity_json_text(json, "verification",
				 verity_verdict_name(booted->verdict));
		verity_json_some_text(json, "version", booted->version);
		put_reason(device, json, "reason", &booted->reason);
		verity_json_close(json);
	}
	trial_find(device, item, &trial);
	if (trial.state != TRIAL_NONE) {
		verity_json_open(json, "trial");
		verity_json_text(json, "state", trial_words[trial.state]);
		if (trial.state == TRIAL_RUNNING)
			verity_json_int(json, "boots_left", trial.boots_left);
		verity_json_close(json);
	}
	if (item->identity[0])
		verity_json_uint(json, "epoch_floor",
				 verity_floors_epoch(floors, item->identity));
	if (item->package) {
		verity_json_open(json, "package");
		describe_put_judgement(json, verity_package_judgement(item->package),
				       verity_package_layout(item->package));
		verity_json_close(json);
	}
}

void show_json_trust(struct device *device, struct verity_json_writer *json,
		     const struct overlay_trust *trust)
{
	verity_json_bool(json, "allow_untrusted",
			 overlay_trust_policy(trust)->allow_untrusted);
	put_reason(device, json, "locked", overlay_trust_locked(trust));
}

void show_json_waiting_set(struct device *device, struct verity_json_writer *json)
{
	put_reason(device, json, "waiting_set", waiting_set_find(device));
}

void show_json_item(struct device *device, struct verity_json_writer *json,
		    const struct installed *item)
{
	verity_json_text(json, "name", item->entry.name);
	verity_json_bool(json, "persistent", item->entry.kind == OVERLAY_PERSISTENT);
	verity_json_text(json, "status", status_words[item->status]);
	verity_json_bool(json, "active", item->active);
	if (item->ends)
		verity_json_bool(json, "ends", true);
	if (item->moved)
		verity_json_bool(json, "moved", true);
	verity_json_text(json, "verification", verity_verdict_name(item->verdict));
	put_reason(device, json, "reason", &item->reason);
	verity_json_some_text(json, "identity", item->identity);
	verity_json_some_text(json, "version", item->version);
	verity_json_some_text(json, "description", item->description);
	verity_json_some_text(json, "running_version", item->running);
}

static void put_unlisted(struct verity_json_writer *json, const char *key,
			 const struct overlay_unlisted *unlisted)
{
	verity_json_open(json, key);
	verity_json_uint(json, "junk", unlisted->junk);
	verity_json_uint(json, "links", unlisted->links);
	verity_json_uint(json, "over", unlisted->over);
	verity_json_close(json);
}

static bool has_unlisted(const struct overlay_unlisted *unlisted)
{
	return unlisted->junk + unlisted->links + unlisted->over > 0;
}

int show_json(struct device *device, const struct installed_list *list, bool details,
	      const struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	verity_json_int(&json, "format", SHOW_FORMAT);
	show_json_trust(device, &json, trust);
	show_json_waiting_set(device, &json);
	verity_json_open_list(&json, "packages");
	for (size_t i = 0; i < list->count; i++) {
		verity_json_open(&json, NULL);
		show_json_item(device, &json, &list->items[i]);
		if (details)
			put_details(device, &json, trust, &list->items[i]);
		verity_json_close(&json);
	}
	verity_json_close(&json);
	if (!details && (has_unlisted(&list->unlisted[OVERLAY_ORDINARY]) ||
			 has_unlisted(&list->unlisted[OVERLAY_PERSISTENT]))) {
		verity_json_open(&json, "unlisted");
		put_unlisted(&json, "data", &list->unlisted[OVERLAY_ORDINARY]);
		put_unlisted(&json, "persist", &list->unlisted[OVERLAY_PERSISTENT]);
		verity_json_close(&json);
	}
	return verity_json_print(&json, stdout, err);
}
