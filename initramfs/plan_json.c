/* SPDX-License-Identifier: MIT */
/* Prints a plan as JSON. */
#include "initramfs/plan_json.h"

#include <limits.h>
#include <unistd.h>

#include "overlay/config/uboot.h"
#include "verity/cms/keyring.h"
#include "verity/util/json_write.h"

#define PLAN_FORMAT 1

static void put_reason(struct verity_json_writer *json, const char *key,
		       const struct verity_error *reason)
{
	verity_json_reason(json, key, reason,
			   reason ? verity_code_hint(reason->code) : NULL);
}

static void put_config(struct verity_json_writer *json, const struct boot *boot)
{
	const struct overlay_config *config = &boot->config;
	char upper[VERITY_NAME_MAX + 8];

	snprintf(upper, sizeof(upper), "%s%s",
		 config->upper == OVERLAY_UPPER_NONE    ? "none"
		 : config->upper == OVERLAY_UPPER_TMPFS ? "tmpfs"
							: "DATA/",
		 config->upper_folder);
	verity_json_open(json, "config");
	verity_json_some_text(json, "path", boot->config_path);
	verity_json_bool(json, "there", access(boot->config_path, F_OK) == 0);
	verity_json_text(json, "verify",
			 config->verify == OVERLAY_VERIFY_LAZY ? "lazy" : "full");
	verity_json_open_list(json, "hierarchies");
	for (size_t i = 0; i < config->hierarchies_count; i++)
		verity_json_text(json, NULL, config->hierarchies[i]);
	verity_json_close(json);
	verity_json_text(json, "upper", upper);
	verity_json_close(json);
}

static void put_boot_configuration(struct verity_json_writer *json,
				   const struct boot *boot)
{
	char value[OVERLAY_BOOT_VALUE_MAX];

	verity_json_open(json, "boot_configuration");
	verity_json_some_text(json, "cmdline", boot->config.cmdline);
	if (overlay_uboot_exists(boot->config.uboot_env))
		verity_json_some_text(json, "uboot_env", boot->config.uboot_env);
	verity_json_open_list(json, "words");
	for (int i = 0; i < OVERLAY_BOOTKEYS; i++) {
		enum overlay_bootkey key = (enum overlay_bootkey)i;
		enum overlay_boot_origin origin = boot->conf.origin[key];

		if (origin == OVERLAY_BOOT_UNSET)
			continue;
		overlay_bootkey_value(&boot->conf, key, value, sizeof(value));
		verity_json_open(json, NULL);
		verity_json_text(json, "word", overlay_bootkey_name(key));
		verity_json_text(json, "value", value);
		verity_json_text(json, "origin",
				 origin == OVERLAY_BOOT_UBOOT ? "uboot" : "cmdline");
		verity_json_close(json);
	}
	verity_json_close(json);
	verity_json_close(json);
}

static void put_volume(struct verity_json_writer *json, const struct boot *boot,
		       enum overlay_store_kind kind)
{
	static const char *const states[] = {
		[OVERLAY_VOLUME_FOLDER] = "folder",
		[OVERLAY_VOLUME_MOUNTED] = "mounted",
		[OVERLAY_VOLUME_UNMOUNTED] = "not-mounted",
	};
	const struct overlay_volume_place *place = &boot->places[kind];
	bool ordinary = kind == OVERLAY_ORDINARY;

	verity_json_open(json, ordinary ? "data" : "persist");
	verity_json_some_text(json, "volume",
			      ordinary ? boot->config.data : boot->config.persist);
	verity_json_text(json, "state", place->path ? states[place->state] : "missing");
	verity_json_some_text(json, "device", place->device);
	verity_json_some_text(json, "path", place->path);
	verity_json_close(json);
}

static void put_trust(struct verity_json_writer *json, const struct boot *boot)
{
	const struct verity_keyring *keyring = overlay_trust_policy(boot->trust)->keyring;
	const struct verity_denylist *denylist =
		overlay_trust_policy(boot->trust)->denylist;
	const struct verity_unlock *unlock = overlay_trust_unlock(boot->trust);
	const char *name;

	verity_json_open(json, "trust");
	verity_json_open_list(json, "certificates");
	for (size_t i = 0; keyring && (name = verity_keyring_name(keyring, i)); i++)
		verity_json_text(json, NULL, name);
	verity_json_close(json);
	verity_json_some_text(json, "keys", boot->config.keys);
	if (unlock) {
		verity_json_open(json, "unlock");
		verity_unlock_put(json, verity_unlock_text(unlock));
		verity_json_bool(json, "counts",
				 verity_unlock_check(unlock, boot->identity.serial,
						     overlay_trust_time(boot->trust),
						     NULL) == 0);
		verity_json_close(json);
	}
	if (denylist)
		verity_json_uint(json, "denylist",
				 verity_denylist_text(denylist)->number);
	verity_json_bool(json, "allow_untrusted",
			 overlay_trust_policy(boot->trust)->allow_untrusted);
	put_reason(json, "locked", overlay_trust_locked(boot->trust));
	verity_json_open(json, "anchor");
	verity_json_put_fields(json, overlay_anchor_fields,
			       overlay_trust_anchor(boot->trust));
	verity_json_close(json);
	verity_json_close(json);
}

static void put_package(struct verity_json_writer *json, const struct plan *plan,
			const struct overlay_state_entry *entry)
{
	static const char *const states[] = {
		[OVERLAY_TRIAL_RUNNING] = "running",
		[OVERLAY_TRIAL_PASSED] = "passed",
		[OVERLAY_TRIAL_QUARANTINED] = "quarantined",
	};
	const struct overlay_trial *trial = plan_trial(plan, entry);

	verity_json_open(json, NULL);
	verity_json_text(json, "name", entry->entry.name);
	verity_json_bool(json, "persistent", entry->entry.kind == OVERLAY_PERSISTENT);
	verity_json_some_text(json, "identity", entry->identity);
	verity_json_some_text(json, "version", entry->version);
	verity_json_text(json, "verification", verity_verdict_name(entry->verdict));
	verity_json_bool(json, "active", entry->active);
	put_reason(json, "reason", &entry->reason);
	if (trial) {
		verity_json_open(json, "trial");
		verity_json_text(json, "state", states[trial->state]);
		verity_json_uint(json, "boots", trial->incomplete);
		verity_json_close(json);
	}
	verity_json_close(json);
}

static void put_stack(struct verity_json_writer *json, const struct plan *plan)
{
	const struct overlay_stack_plan *stack = &plan->stack;
	char path[PATH_MAX + OVERLAY_STACK_NAME_MAX + 1], device[128], flags[32];

	verity_json_open(json, "stack");
	verity_json_open_list(json, "layers");
	for (size_t i = 0; i < stack->count; i++) {
		const struct overlay_order_item *item = plan_package_at(plan, i);

		snprintf(path, sizeof(path), "%s/%s", plan->boot.layers, stack->names[i]);
		verity_json_open(json, NULL);
		verity_json_text(json, "path", path);
		if (item) {
			plan_device(&item->entry, device, sizeof(device));
			verity_json_text(json, "package", item->entry.name);
			verity_json_bool(json, "persistent",
					 item->entry.kind == OVERLAY_PERSISTENT);
			verity_json_int(json, "priority", item->priority);
			verity_json_some_text(json, "device", device);
		}
		verity_json_close(json);
	}
	verity_json_close(json);
	snprintf(flags, sizeof(flags), "%s,%snodev", plan->parts.writable ? "rw" : "ro",
		 stack->nosuid ? "nosuid," : "");
	verity_json_text(json, "flags", flags);
	verity_json_some_text(json, "options", plan->options);
	verity_json_close(json);
}

int plan_json_print(FILE *out, const struct plan *plan, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	const struct overlay_state *state = &plan->packages.state;
	const struct boot *boot = &plan->boot;
	const struct overlay_seed *seed;

	verity_json_int(&json, "format", PLAN_FORMAT);
	put_config(&json, boot);
	put_boot_configuration(&json, boot);
	put_volume(&json, boot, OVERLAY_ORDINARY);
	put_volume(&json, boot, OVERLAY_PERSISTENT);
	verity_json_bool(&json, "factory_reset", boot->resets);
	verity_json_open(&json, "device");
	verity_json_some_text(&json, "model", boot->identity.model);
	verity_json_some_text(&json, "serial", boot->identity.serial);
	verity_json_some_text(&json, "firmware", boot->identity.firmware);
	verity_json_close(&json);
	put_trust(&json, boot);
	verity_json_open_list(&json, "notes");
	for (size_t i = 0; i < boot->notes_count; i++)
		verity_json_text(&json, NULL, boot->notes[i]);
	verity_json_close(&json);
	verity_json_open_list(&json, "packages");
	for (size_t i = 0; i < state->count; i++)
		put_package(&json, plan, &state->entries[i]);
	verity_json_close(&json);
	put_reason(&json, "failed", &plan->failed);
	if (plan->failed.code == VERITY_OK && plan_stacks(plan))
		put_stack(&json, plan);
	verity_json_open_list(&json, "seeds");
	for (size_t i = 0; (seed = plan_seed_at(plan, i)); i++) {
		verity_json_open(&json, NULL);
		verity_json_some_text(&json, "source", seed->source);
		verity_json_some_text(&json, "target", seed->target);
		verity_json_bool(&json, "missing", plan_seeds(plan, seed));
		verity_json_close(&json);
	}
	verity_json_close(&json);
	return verity_json_print(&json, out, err);
}
