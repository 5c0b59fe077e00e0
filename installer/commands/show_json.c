/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>

#include "installer/commands/show.h"
#include "installer/common/describe.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/trial_state.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

#define SHOW_FORMAT 1

static bool put_text(struct json_object *object, const char *key, const char *text)
{
	return !text[0] || verity_json_put(object, key, json_object_new_string(text));
}

static bool put_reason(struct device *device, struct json_object *object, const char *key,
		       const struct verity_error *reason)
{
	return describe_put_reason(object, key, reason,
				   allowed_hint(device, reason->code));
}

static bool put_boolean(struct json_object *object, const char *key, bool value)
{
	return verity_json_put(object, key, json_object_new_boolean(value));
}

static bool put_trial(struct device *device, struct json_object *object,
		      const struct installed *item)
{
	struct json_object *child;
	struct trial trial;

	trial_find(device, item, &trial);
	if (trial.state == TRIAL_NONE)
		return true;
	child = json_object_new_object();
	return verity_json_put(object, "trial", child) &&
	       put_text(child, "state", trial_state_name(trial.state)) &&
	       (trial.state != TRIAL_RUNNING ||
		verity_json_put(child, "boots_left",
				json_object_new_int64(trial.boots_left)));
}

/* What this boot did with what lay there then. */
static bool put_booted(struct device *device, struct json_object *object,
		       const struct overlay_state_entry *entry)
{
	struct json_object *child;

	if (!entry)
		return true;
	child = json_object_new_object();
	return verity_json_put(object, "this_boot", child) &&
	       put_boolean(child, "active", entry->active) &&
	       put_text(child, "verification", verity_verdict_name(entry->verdict)) &&
	       put_text(child, "version", entry->version) &&
	       put_reason(device, child, "reason", &entry->reason);
}

static bool put_file(struct device *device, struct json_object *object,
		     const struct installed *item)
{
	char path[PATH_MAX];

	if (item->status == INSTALLED_REMOVED ||
	    !installed_path(device, &item->entry, path, sizeof(path)))
		return true;
	return put_text(object, "file", verity_text_plain(path));
}

static bool put_floor(struct json_object *object, const struct overlay_trust *trust,
		      const char *identity)
{
	uint32_t floor =
		verity_floors_epoch(overlay_trust_policy(trust)->floors, identity);

	return !identity[0] ||
	       verity_json_put(object, "epoch_floor", json_object_new_int64(floor));
}

/* All that is known of one alone. */
static bool put_details(struct device *device, struct json_object *object,
			const struct overlay_trust *trust, const struct installed *item)
{
	struct json_object *facts;

	if (!put_file(device, object, item) ||
	    !put_booted(device, object, item->booted) ||
	    !put_trial(device, object, item) || !put_floor(object, trust, item->identity))
		return false;
	if (!item->package)
		return true;
	facts = json_object_new_object();
	return verity_json_put(object, "package", facts) &&
	       describe_add_json(facts, verity_package_judgement(item->package),
				 verity_package_layout(item->package), NULL) == 0;
}

static bool put_item(struct device *device, struct json_object *object,
		     const struct installed *item)
{
	bool persistent = item->entry.kind == OVERLAY_PERSISTENT;

	return put_text(object, "name", item->entry.name) &&
	       put_boolean(object, "persistent", persistent) &&
	       put_text(object, "status", installed_status_name(item->status)) &&
	       put_boolean(object, "active", item->active) &&
	       (!item->ends || put_boolean(object, "ends", true)) &&
	       (!item->moved || put_boolean(object, "moved", true)) &&
	       put_text(object, "verification", verity_verdict_name(item->verdict)) &&
	       put_reason(device, object, "reason", &item->reason) &&
	       put_text(object, "identity", item->identity) &&
	       put_text(object, "version", item->version) &&
	       put_text(object, "description", item->description) &&
	       put_text(object, "running_version", item->running);
}

static bool put_packages(struct device *device, struct json_object *object,
			 const struct overlay_trust *trust,
			 const struct installed_list *list, bool details)
{
	struct json_object *packages = json_object_new_array();

	if (!verity_json_put(object, "packages", packages))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		struct json_object *item = json_object_new_object();

		if (!verity_json_append(packages, item) ||
		    !put_item(device, item, &list->items[i]) ||
		    (details && !put_details(device, item, trust, &list->items[i])))
			return false;
	}
	return true;
}

static bool put_trust(struct device *device, struct json_object *object,
		      const struct overlay_trust *trust)
{
	bool allowed = overlay_trust_policy(trust)->allow_untrusted;
	const struct verity_error *locked = overlay_trust_locked(trust);

	return put_boolean(object, "allow_untrusted", allowed) &&
	       (!locked || put_reason(device, object, "locked", locked));
}

int show_json(struct device *device, const struct installed_list *list, bool details,
	      const struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();

	if (!object ||
	    !verity_json_put(object, "format", json_object_new_int(SHOW_FORMAT)) ||
	    !put_trust(device, object, trust) ||
	    !put_packages(device, object, trust, list, details))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}
