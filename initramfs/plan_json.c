/* SPDX-License-Identifier: MIT */
#include "initramfs/plan.h"

#include <string.h>
#include <unistd.h>

#include "verity/cms/keyring.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

#define PLAN_FORMAT 1

/* Paths and messages may hold any byte; JSON may not. */
static struct json_object *text(const char *bytes)
{
	cleanup_free char *plain = strdup(bytes);

	return plain ? json_object_new_string(verity_text_plain(plain)) : NULL;
}

/* Nothing, where there is nothing to say. */
static bool put_text(struct json_object *object, const char *key, const char *bytes)
{
	return !bytes || !bytes[0] || verity_json_put(object, key, text(bytes));
}

static bool put_boolean(struct json_object *object, const char *key, bool value)
{
	return verity_json_put(object, key, json_object_new_boolean(value));
}

static bool put_reason(struct json_object *object, const char *key,
		       const struct verity_error *reason)
{
	struct json_object *child;

	if (!reason || reason->code == VERITY_OK)
		return true;
	child = json_object_new_object();
	return verity_json_put(object, key, child) &&
	       put_text(child, "code", verity_code_name(reason->code)) &&
	       put_text(child, "message", reason->message) &&
	       put_text(child, "hint", verity_code_hint(reason->code));
}

/* Set as a key of @object at once; NULL where memory is short. */
static struct json_object *put_list(struct json_object *object, const char *key)
{
	struct json_object *list = json_object_new_array();

	return verity_json_put(object, key, list) ? list : NULL;
}

static struct json_object *put_object(struct json_object *object, const char *key)
{
	struct json_object *child = json_object_new_object();

	return verity_json_put(object, key, child) ? child : NULL;
}

static struct json_object *append_object(struct json_object *list)
{
	struct json_object *child = json_object_new_object();

	return verity_json_append(list, child) ? child : NULL;
}

static bool put_words(struct json_object *object, const struct overlay_bootconf *conf)
{
	struct json_object *list = put_list(object, "words");

	for (int i = 0; list && i < OVERLAY_BOOTKEYS; i++) {
		enum overlay_bootkey key = (enum overlay_bootkey)i;
		char value[OVERLAY_BOOT_VALUE_MAX];
		struct json_object *word;

		if (conf->origin[key] == OVERLAY_BOOT_UNSET)
			continue;
		overlay_bootkey_value(conf, key, value, sizeof(value));
		word = append_object(list);
		if (!word || !put_text(word, "word", overlay_bootkey_name(key)) ||
		    !verity_json_put(word, "value", text(value)) ||
		    !put_text(word, "origin",
			      conf->origin[key] == OVERLAY_BOOT_UBOOT ? "uboot"
								      : "cmdline"))
			return false;
	}
	return list != NULL;
}

static bool put_stacking(struct json_object *object, const struct overlay_config *config)
{
	struct json_object *list = put_list(object, "hierarchies");
	char upper[VERITY_NAME_MAX + 8];

	snprintf(upper, sizeof(upper), "%s%s",
		 config->upper == OVERLAY_UPPER_NONE    ? "none"
		 : config->upper == OVERLAY_UPPER_TMPFS ? "tmpfs"
							: "DATA/",
		 config->upper_folder);
	for (size_t i = 0; list && i < config->hierarchies_count; i++)
		if (!verity_json_append(list, text(config->hierarchies[i])))
			return false;
	return list && put_text(object, "upper", upper);
}

static bool put_config(struct json_object *object, const struct boot *boot)
{
	struct json_object *config = put_object(object, "config");
	struct json_object *conf = put_object(object, "boot_configuration");

	return config && conf && put_text(config, "path", boot->config_path) &&
	       put_boolean(config, "there", access(boot->config_path, F_OK) == 0) &&
	       put_text(config, "verify",
			boot->config.verify == OVERLAY_VERIFY_LAZY ? "lazy" : "full") &&
	       put_stacking(config, &boot->config) &&
	       put_text(conf, "cmdline", boot->config.cmdline) &&
	       put_text(conf, "uboot_env", boot->config.uboot_env) &&
	       put_words(conf, &boot->conf);
}

static bool put_volume(struct json_object *object, const struct boot *boot,
		       enum overlay_store_kind kind)
{
	static const char *const states[] = {
		[OVERLAY_VOLUME_FOLDER] = "folder",
		[OVERLAY_VOLUME_MOUNTED] = "mounted",
		[OVERLAY_VOLUME_UNMOUNTED] = "not-mounted",
	};
	const struct overlay_volume_place *place = &boot->places[kind];
	bool ordinary = kind == OVERLAY_ORDINARY;
	struct json_object *volume = put_object(object, ordinary ? "data" : "persist");

	return volume &&
	       put_text(volume, "volume",
			ordinary ? boot->config.data : boot->config.persist) &&
	       put_text(volume, "state",
			place->path ? states[place->state] : "missing") &&
	       put_text(volume, "device", place->device) &&
	       put_text(volume, "path", place->path);
}

static bool put_device(struct json_object *object,
		       const struct overlay_identity *identity)
{
	struct json_object *device = put_object(object, "device");

	return device && put_text(device, "model", identity->model) &&
	       put_text(device, "serial", identity->serial) &&
	       put_text(device, "firmware", identity->firmware);
}

static bool put_unlock(struct json_object *object, const struct boot *boot)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {{VERITY_ALLOW_UNTRUSTED, "untrusted"},
		     {VERITY_ALLOW_DOWNGRADE, "downgrade"}};
	const struct verity_unlock *unlock = overlay_trust_unlock(boot->trust);
	struct json_object *child, *list;
	bool counts;

	if (!unlock)
		return true;
	counts = verity_unlock_check(unlock, boot->identity.serial,
				     overlay_trust_time(boot->trust), NULL) == 0;
	child = put_object(object, "unlock");
	list = child ? put_list(child, "allow") : NULL;
	for (size_t i = 0; list && i < sizeof(words) / sizeof(words[0]); i++)
		if (verity_unlock_allows(unlock) & words[i].bit &&
		    !verity_json_append(list, text(words[i].word)))
			return false;
	return list && put_text(child, "serial", verity_unlock_serial(unlock)) &&
	       verity_json_put(child, "not_after",
			       json_object_new_int64(verity_unlock_not_after(unlock))) &&
	       put_boolean(child, "counts", counts);
}

static bool put_trust(struct json_object *object, const struct boot *boot)
{
	const struct verity_keyring *keyring = overlay_trust_keyring(boot->trust);
	const struct verity_denylist *denylist = overlay_trust_denylist(boot->trust);
	struct json_object *trust = put_object(object, "trust");
	struct json_object *list = trust ? put_list(trust, "certificates") : NULL;
	const char *name;

	if (!list || !put_text(trust, "keys", boot->config.keys))
		return false;
	for (size_t i = 0; keyring && (name = verity_keyring_name(keyring, i)); i++)
		if (!verity_json_append(list, text(name)))
			return false;
	return put_unlock(trust, boot) &&
	       (!denylist || verity_json_put(trust, "denylist",
					     json_object_new_int64(verity_denylist_number(
						     denylist)))) &&
	       put_boolean(trust, "allow_untrusted",
			   overlay_trust_policy(boot->trust)->allow_untrusted) &&
	       put_reason(trust, "locked", overlay_trust_locked(boot->trust));
}

static bool put_notes(struct json_object *object, const struct boot *boot)
{
	struct json_object *list = put_list(object, "notes");

	for (size_t i = 0; list && i < boot->notes_count; i++)
		if (!verity_json_append(list, text(boot->notes[i])))
			return false;
	return list != NULL;
}

static bool put_trial(struct json_object *object, const struct overlay_trial *trial)
{
	static const char *const states[] = {
		[OVERLAY_TRIAL_RUNNING] = "running",
		[OVERLAY_TRIAL_PASSED] = "passed",
		[OVERLAY_TRIAL_QUARANTINED] = "quarantined",
	};
	struct json_object *child;

	if (!trial)
		return true;
	child = put_object(object, "trial");
	return child && put_text(child, "state", states[trial->state]) &&
	       verity_json_put(child, "boots", json_object_new_int64(trial->incomplete));
}

static bool put_packages(struct json_object *object, const struct plan *plan)
{
	const struct overlay_state *state = &plan->packages.state;
	struct json_object *list = put_list(object, "packages");

	for (size_t i = 0; list && i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];
		struct json_object *item = append_object(list);

		if (!item || !put_text(item, "name", entry->entry.name) ||
		    !put_boolean(item, "persistent",
				 entry->entry.kind == OVERLAY_PERSISTENT) ||
		    !put_text(item, "identity", entry->identity) ||
		    !put_text(item, "version", entry->version) ||
		    !put_text(item, "verification",
			      verity_verdict_name(entry->verdict)) ||
		    !put_boolean(item, "active", entry->active) ||
		    !put_reason(item, "reason", &entry->reason) ||
		    !put_trial(item, planning_trial(plan, entry)))
			return false;
	}
	return list != NULL;
}

static bool put_layer(struct json_object *list, const struct plan *plan, size_t index)
{
	const struct overlay_stack_plan *stack = &plan->stack;
	struct json_object *layer = append_object(list);
	const struct overlay_order_item *item;
	char path[PATH_MAX + OVERLAY_STACK_NAME_MAX + 1];
	char device[128];

	snprintf(path, sizeof(path), "%s/%s", plan->boot.layers, stack->names[index]);
	if (!layer || !put_text(layer, "path", path))
		return false;
	item = planning_package_at(plan, index);
	if (!item)
		return true;
	planning_device(&item->entry, device, sizeof(device));
	return put_text(layer, "package", item->entry.name) &&
	       put_boolean(layer, "persistent", item->entry.kind == OVERLAY_PERSISTENT) &&
	       verity_json_put(layer, "priority", json_object_new_int(item->priority)) &&
	       put_text(layer, "device", device);
}

static bool put_stack(struct json_object *object, const struct plan *plan)
{
	struct json_object *stack, *list;
	char flags[32];

	if (plan->failed.code != VERITY_OK)
		return put_reason(object, "failed", &plan->failed);
	if (!planning_stacks(plan))
		return true;
	snprintf(flags, sizeof(flags), "%s,%snodev", plan->parts.writable ? "rw" : "ro",
		 plan->stack.nosuid ? "nosuid," : "");
	stack = put_object(object, "stack");
	list = stack ? put_list(stack, "layers") : NULL;
	for (size_t i = 0; list && i < plan->stack.count; i++)
		if (!put_layer(list, plan, i))
			return false;
	return list && put_text(stack, "flags", flags) &&
	       put_text(stack, "options", plan->options);
}

static bool put_seeds(struct json_object *object, const struct plan *plan)
{
	struct json_object *list = put_list(object, "seeds");
	const struct overlay_seed *seed;

	for (size_t i = 0; list && (seed = planning_seed_at(plan, i)); i++) {
		struct json_object *item = append_object(list);

		if (!item || !put_text(item, "source", seed->source) ||
		    !put_text(item, "target", seed->target) ||
		    !put_boolean(item, "missing", planning_seeds(plan, seed)))
			return false;
	}
	return list != NULL;
}

int planning_print_json(FILE *out, const struct plan *plan, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	const struct boot *boot = &plan->boot;

	if (!object ||
	    !verity_json_put(object, "format", json_object_new_int(PLAN_FORMAT)) ||
	    !put_config(object, boot) || !put_volume(object, boot, OVERLAY_ORDINARY) ||
	    !put_volume(object, boot, OVERLAY_PERSISTENT) ||
	    !put_boolean(object, "factory_reset", boot->resets) ||
	    !put_device(object, &boot->identity) || !put_trust(object, boot) ||
	    !put_notes(object, boot) || !put_packages(object, plan) ||
	    !put_stack(object, plan) || !put_seeds(object, plan))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(object,
					       JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}
