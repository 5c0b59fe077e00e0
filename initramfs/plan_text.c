/* SPDX-License-Identifier: MIT */
/* Prints a plan as text. */
#include "initramfs/plan_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "overlay/config/uboot.h"
#include "verity/cms/keyring.h"
#include "verity/util/text.h"

#define LINE_BYTES 4096

/* A line, with nothing in it that could steer a terminal. */
static void __attribute__((format(printf, 2, 3))) line(FILE *out, const char *format, ...)
{
	char text[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(out, "%s\n", verity_text_plain(text));
}

static void print_config(FILE *out, const struct boot *boot)
{
	bool there = access(boot->config_path, F_OK) == 0;
	bool uboot = overlay_uboot_exists(boot->config.uboot_env);

	line(out, "Configuration: %s%s", boot->config_path,
	     there ? "" : " is not there: all is default");
	line(out, "Boot configuration: %s%s%s", boot->config.cmdline,
	     uboot ? ", U-Boot environment of " : "",
	     uboot ? boot->config.uboot_env : "");
	for (int i = 0; i < OVERLAY_BOOTKEYS; i++) {
		enum overlay_bootkey key = (enum overlay_bootkey)i;
		char value[OVERLAY_BOOT_VALUE_MAX];

		if (boot->conf.origin[key] == OVERLAY_BOOT_UNSET)
			continue;
		overlay_bootkey_value(&boot->conf, key, value, sizeof(value));
		line(out, "  %s=%s (%s)", overlay_bootkey_name(key), value,
		     boot->conf.origin[key] == OVERLAY_BOOT_UBOOT
			     ? "U-Boot environment"
			     : "kernel command line");
	}
}

static void print_volume(FILE *out, const struct boot *boot, enum overlay_store_kind kind)
{
	static const char *const states[] = {
		[OVERLAY_VOLUME_FOLDER] = "a folder",
		[OVERLAY_VOLUME_MOUNTED] = "mounted at",
		[OVERLAY_VOLUME_UNMOUNTED] = "would be mounted at",
	};
	const struct overlay_volume_place *place = &boot->places[kind];
	const char *spec =
		kind == OVERLAY_ORDINARY ? boot->config.data : boot->config.persist;
	const char *name = kind == OVERLAY_ORDINARY ? "data" : "persist";

	if (!place->path)
		line(out, "  %s: %s: not there", name, spec);
	else if (!place->device)
		line(out, "  %s: %s: %s", name, spec, states[place->state]);
	else
		line(out, "  %s: %s: %s, %s %s", name, spec, place->device,
		     states[place->state], place->path);
}

static const char *or_unknown(const char *text)
{
	return text[0] ? text : "not known";
}

static void print_trust(FILE *out, const struct boot *boot)
{
	const struct verity_policy *policy = overlay_trust_policy(boot->trust);
	const struct verity_unlock *unlock = overlay_trust_unlock(boot->trust);
	const struct verity_error *locked = overlay_trust_locked(boot->trust);
	const struct overlay_anchor_result *anchor = overlay_trust_anchor(boot->trust);
	char words[VERITY_UNLOCK_WORDS_MAX] = "none";
	struct verity_error why = {.message = ""};
	const char *name;

	line(out, "Trust");
	line(out, "  Key ring: %s%s", boot->config.keys,
	     policy->keyring && verity_keyring_count(policy->keyring) > 0
		     ? ""
		     : ": no certificate");
	for (size_t i = 0;
	     policy->keyring && (name = verity_keyring_name(policy->keyring, i)); i++)
		line(out, "    %s", name);
	if (policy->denylist)
		line(out, "  Deny list: number %" PRIu32,
		     verity_denylist_text(policy->denylist)->number);
	else
		line(out, "  Deny list: none");
	if (unlock) {
		verity_unlock_words(verity_unlock_text(unlock)->allows, words);
		(void)!verity_unlock_check(unlock, boot->identity.serial,
					   overlay_trust_time(boot->trust), &why);
	}
	line(out, "  Unlock statement: %s%s%s", words, why.message[0] ? ", but: " : "",
	     why.message);
	line(out, "  Hardware anchor: %s: %s", anchor->present ? "present" : "absent",
	     anchor->text);
	line(out, "  Allow Untrusted: %s%s%s",
	     !locked && policy->allow_untrusted ? "yes" : "no", locked ? ": " : "",
	     locked ? locked->message : "");
}

static void print_package(FILE *out, const struct plan *plan,
			  const struct overlay_state_entry *entry)
{
	const struct overlay_trial *trial = plan_trial(plan, entry);
	const struct verity_error *why = &entry->reason;
	bool plain = why->code == VERITY_OK;
	char text[80] = "";

	/* One that is left out is not counted in this boot. */
	if (trial && entry->active && trial->state == OVERLAY_TRIAL_RUNNING)
		snprintf(text, sizeof(text), ", on trial: boot %u of %u",
			 trial->incomplete, plan->boot.config.trials);
	else if (trial && entry->active && trial->incomplete > 1)
		snprintf(text, sizeof(text),
			 ", boot %u in a row that may not be completed",
			 trial->incomplete);
	line(out, "  %s%s%s%s: %s, %s%s%s%s%s%s", entry->entry.name,
	     entry->version[0] ? " " : "", entry->version,
	     entry->entry.kind == OVERLAY_PERSISTENT ? " (persistent)" : "",
	     verity_verdict_name(entry->verdict), entry->active ? "active" : "not active",
	     text, plain ? "" : ": ", plain ? "" : verity_code_name(why->code),
	     plain ? "" : ": ", plain ? "" : why->message);
}

static void print_layers(FILE *out, const struct plan *plan)
{
	const struct overlay_stack_plan *stack = &plan->stack;
	const char *layers = plan->boot.layers;

	line(out, "Layers, the one on top first");
	for (size_t i = 0; i < stack->count; i++) {
		const struct overlay_order_item *item = plan_package_at(plan, i);
		const char *name = stack->names[i];
		char device[128];

		if (i == 0) {
			line(out, "  %s/%s: the firmware's own /etc/wmopkg and programs",
			     layers, name);
		} else if (!item) {
			line(out, "  %s/%s: the firmware's root", layers, name);
		} else {
			plan_device(&item->entry, device, sizeof(device));
			line(out, "  %s/%s: %s, priority %d, device %s", layers, name,
			     item->entry.name, item->priority, device);
		}
	}
}

static void print_stack(FILE *out, const struct plan *plan)
{
	static const char *const uppers[] = {
		[OVERLAY_UPPER_TMPFS] = "memory",
		[OVERLAY_UPPER_DATA] = "a folder of DATA",
	};
	const struct overlay_config *config = &plan->boot.config;
	const char *root = plan->boot.root ? plan->boot.root : "the root";

	if (plan->failed.code != VERITY_OK) {
		line(out, "Stack: none: %s", plan->failed.message);
		return;
	}
	if (!plan_stacks(plan)) {
		line(out, "Stack: none, the root is not changed");
		return;
	}
	print_layers(out, plan);
	line(out, "Stack over %s: %s,%snodev", root, plan->parts.writable ? "rw" : "ro",
	     plan->stack.nosuid ? "nosuid," : "");
	for (size_t i = 0; i < config->hierarchies_count; i++)
		line(out, "  %s, with what each layer has there", config->hierarchies[i]);
	if (plan->parts.writable)
		line(out, "  changes go to %s", uppers[config->upper]);
	if (config->hierarchies_count > 0)
		return;
	if (plan->options)
		line(out, "  %s", plan->options);
	else
		line(out, "  passed layer by layer: one string has no room for %zu",
		     plan->stack.count);
}

void plan_text_print(FILE *out, const struct plan *plan)
{
	const struct overlay_identity *identity = &plan->boot.identity;
	const struct overlay_state *state = &plan->packages.state;
	const struct boot *boot = &plan->boot;
	const struct overlay_seed *seed;

	print_config(out, boot);
	line(out, "Volumes");
	print_volume(out, boot, OVERLAY_ORDINARY);
	print_volume(out, boot, OVERLAY_PERSISTENT);
	line(out, "Device: model %s, serial number %s, firmware %s",
	     or_unknown(identity->model), or_unknown(identity->serial),
	     or_unknown(identity->firmware));
	print_trust(out, boot);
	if (boot->notes_count > 0)
		line(out, "Notes");
	for (size_t i = 0; i < boot->notes_count; i++)
		line(out, "  %s", boot->notes[i]);
	line(out, "Packages, %s",
	     boot->config.verify == OVERLAY_VERIFY_LAZY
		     ? "verified as far as a boot would (verify = lazy)"
		     : "verified as a whole");
	if (state->count == 0)
		line(out, "  none");
	for (size_t i = 0; i < state->count; i++)
		print_package(out, plan, &state->entries[i]);
	print_stack(out, plan);
	line(out, "Factory configuration");
	for (size_t i = 0; (seed = plan_seed_at(plan, i)); i++)
		line(out, "  %s: %s", seed->source,
		     plan->failed.code != VERITY_OK ? "not seeded, without a stack"
		     : plan_seeds(plan, seed)       ? "seeded if the stack has it"
		     : boot->data < 0               ? "not seeded, without DATA"
						    : "not seeded: DATA has it already");
}
