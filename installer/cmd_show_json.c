/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "installer/allowed.h"
#include "installer/cmd_show.h"
#include "installer/facts.h"
#include "verity/cleanup.h"
#include "verity/json_value.h"
#include "verity/text.h"

#define SHOW_FORMAT 1

static bool put_text(struct json_object *object, const char *key, const char *text)
{
	return !text[0] || verity_json_put(object, key, json_object_new_string(text));
}

/* A system's own words may hold any byte; JSON may not. */
static bool put_message(struct json_object *object, const char *message)
{
	char plain[VERITY_MESSAGE_MAX];

	snprintf(plain, sizeof(plain), "%s", message);
	return put_text(object, "message", verity_text_plain(plain));
}

static bool put_reason(struct device *device, struct json_object *object, const char *key,
		       const struct verity_error *reason)
{
	const char *hint = allowed_hint(device, reason->code);
	struct json_object *child;

	if (reason->code == VERITY_OK)
		return true;
	child = json_object_new_object();
	return verity_json_put(object, key, child) &&
	       put_text(child, "code", verity_code_name(reason->code)) &&
	       put_message(child, reason->message) &&
	       put_text(child, "hint", hint ? hint : "");
}

static bool put_package(struct json_object *object, const struct verity_package *package)
{
	struct json_object *facts;

	if (!package)
		return true;
	facts = json_object_new_object();
	return verity_json_put(object, "package", facts) &&
	       facts_add_json(facts, verity_package_judgement(package),
			      verity_package_layout(package), NULL) == 0;
}

static bool put_item(struct device *device, struct json_object *list,
		     const struct installed *item)
{
	bool persistent = item->entry.kind == OVERLAY_PERSISTENT;
	struct json_object *object = json_object_new_object();

	if (!verity_json_append(list, object))
		return false;
	return put_text(object, "name", item->entry.name) &&
	       verity_json_put(object, "persistent",
			       json_object_new_boolean(persistent)) &&
	       put_text(object, "status", installed_status_name(item->status)) &&
	       verity_json_put(object, "active", json_object_new_boolean(item->active)) &&
	       put_text(object, "verification", verity_verdict_name(item->verdict)) &&
	       put_reason(device, object, "reason", &item->reason) &&
	       put_text(object, "identity", item->identity) &&
	       put_text(object, "version", item->version) &&
	       put_text(object, "description", item->description) &&
	       put_text(object, "running_version", item->running) &&
	       put_package(object, item->package);
}

static bool put_trust(struct device *device, struct json_object *object,
		      const struct overlay_trust *trust)
{
	bool allowed = overlay_trust_policy(trust)->allow_untrusted;
	const struct verity_error *locked = overlay_trust_locked(trust);

	return verity_json_put(object, "allow_untrusted",
			       json_object_new_boolean(allowed)) &&
	       (!locked || put_reason(device, object, "locked", locked));
}

int show_json(struct device *device, const struct installed_list *list,
	      const struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	struct json_object *packages = json_object_new_array();
	bool whole = verity_json_put(object, "format", json_object_new_int(SHOW_FORMAT));

	whole = put_trust(device, object, trust) && whole;
	whole = verity_json_put(object, "packages", packages) && whole;
	for (size_t i = 0; whole && i < list->count; i++)
		whole = put_item(device, packages, &list->items[i]);
	if (!whole)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}
