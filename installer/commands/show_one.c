/* SPDX-License-Identifier: MIT */

/* One package in words: a note below the table, or all its details. */

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "installer/commands/show_one.h"
#include "installer/common/describe.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/trial_state.h"

#define NOTE_INDENT 4

const char *show_persistent(const struct installed *item)
{
	return item->entry.kind == OVERLAY_PERSISTENT ? "True" : "False";
}

bool show_format_note(struct device *device, const struct installed *item,
		      char ret[static SHOW_NOTE_BYTES])
{
	/* Without a boot that activated anything, this is true of all of them. */
	bool unsure = item->status == INSTALLED_UNKNOWN && device_state(device);
	bool why = item->status == INSTALLED_INACTIVE ||
		   item->status == INSTALLED_ACTIVE || unsure;
	const char *hint = why ? allow_untrusted_hint(device, item->reason.code) : NULL;
	const char *words = "";
	char until[VERITY_VERSION_MAX + 32] = "";

	if (item->status == INSTALLED_INACTIVE)
		words = item->active ? "not active after reboot" : "not active";
	else if (unsure)
		words = "not known whether it is active after reboot, this boot activated "
			"nothing";
	else if (item->status == INSTALLED_PENDING)
		words = item->moved ? "moved, active after reboot"
				    : "active after reboot";
	else if (item->status == INSTALLED_REMOVED)
		words = "removed, active until reboot";
	else if (item->status == INSTALLED_ACTIVE && item->ends)
		words = "active until reboot";
	if (!words[0])
		return false;
	if (item->running[0] && strcmp(item->running, item->version) != 0)
		snprintf(until, sizeof(until), ", until then version %s", item->running);
	else if (item->running[0])
		snprintf(until, sizeof(until), ", until then %s",
			 item->moved ? "from the other store" : "the copy it replaced");
	snprintf(ret, SHOW_NOTE_BYTES, "%s%s%s%s%s%s%s", words, until, why ? ": " : "",
		 why ? item->reason.message : "", hint ? " (" : "", hint ? hint : "",
		 hint ? ")" : "");
	return true;
}

void show_note(struct device *device, const struct layout *layout,
	       const struct installed *item)
{
	char note[SHOW_NOTE_BYTES];

	if (show_format_note(device, item, note))
		layout_printf(stdout, layout, NOTE_INDENT, "%s: %s", item->entry.name,
			      note);
}

static void print_active(const struct installed *item)
{
	static const char *const words[] = {
		[INSTALLED_UNKNOWN] = "unknown, this boot activated nothing",
		[INSTALLED_ACTIVE] = "yes",
		[INSTALLED_INACTIVE] = "no",
		[INSTALLED_PENDING] = "after reboot",
		[INSTALLED_REMOVED] = "until reboot, it is removed",
	};
	bool until = item->ends && item->status == INSTALLED_ACTIVE;

	describe_line("Active", "%s", until ? "until reboot" : words[item->status]);
	if (item->running[0])
		describe_line("Until reboot", "version %s%s", item->running,
			      item->moved ? ", from the other store" : "");
}

/* In the words of the kernel log. */
static void print_boot(struct device *device, const struct installed *item)
{
	const struct overlay_state *state = device_state(device);
	const struct overlay_state_entry *entry = item->booted;
	const struct verity_error *reason;

	if (!state)
		return;
	if (!entry && state->stack.code != VERITY_OK) {
		describe_line("This boot", "no package is active: %s",
			      state->stack.message);
		return;
	}
	if (!entry) {
		describe_line("This boot", "it was not installed");
		return;
	}
	reason = &entry->reason;
	describe_line("This boot", "%s%s%s, %s%s%s%s%s", entry->version,
		      entry->version[0] ? ": " : "", verity_verdict_name(entry->verdict),
		      entry->active ? "active" : "not active", reason->code ? ": " : "",
		      reason->code ? verity_code_name(reason->code) : "",
		      reason->code ? ": " : "", reason->code ? reason->message : "");
}

static void print_trial(struct device *device, const struct installed *item)
{
	struct trial trial;

	trial_find(device, item, &trial);
	switch (trial.state) {
	case TRIAL_NONE:
		break;
	case TRIAL_COMING:
		describe_line("Trial", "begins with the next boot");
		break;
	case TRIAL_RUNNING:
		if (trial.boots_left > 1)
			describe_line("Trial",
				      "this boot or one of the next %u must be completed",
				      trial.boots_left);
		else
			describe_line("Trial", "this boot %smust be completed",
				      trial.boots_left ? "or the next " : "");
		break;
	case TRIAL_PASSED:
		describe_line("Trial", "passed");
		break;
	case TRIAL_SUSPECT:
		describe_line("Trial",
			      "boots with it were not completed; the next boots tell it "
			      "from the other suspects");
		break;
	case TRIAL_QUARANTINED:
		describe_line("Trial", "failed, it is quarantined");
		break;
	}
}

static int print_package(struct device *device, const struct installed *item, bool detail,
			 struct verity_error *err)
{
	const struct verity_judgement *judgement =
		verity_package_judgement(item->package);
	const struct verity_manifest *manifest = judgement->manifest;
	struct overlay_trust *trust;
	uint32_t floor;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	describe_print_signers(&judgement->signatures, detail);
	if (!manifest)
		return 0;
	floor = verity_floors_epoch(overlay_trust_policy(trust)->floors, manifest->name);
	describe_print_image(manifest, &floor, detail);
	return 0;
}

int show_one(struct device *device, const struct installed *item, bool detail,
	     struct verity_error *err)
{
	const struct verity_layout *layout =
		item->package ? verity_package_layout(item->package) : NULL;
	const char *hint = allow_untrusted_hint(device, item->reason.code);
	char path[PATH_MAX];

	describe_line("Name", "%s", item->entry.name);
	if (item->identity[0]) {
		describe_line("Identity", "%s", item->identity);
		describe_line("Version", "%s", item->version);
		describe_line("Description", "%s", item->description);
	}
	print_active(item);
	describe_print_verdict(item->verdict, &item->reason);
	if (item->reason.code != VERITY_OK && hint)
		describe_line("What to do", "%s", hint);
	print_boot(device, item);
	print_trial(device, item);
	describe_line("Persistent", "%s", show_persistent(item));
	if (item->status != INSTALLED_REMOVED &&
	    installed_path(device, &item->entry, path, sizeof(path)))
		describe_line("File", "%s", path);
	if (layout)
		describe_line("File bytes", "%" PRIu64, layout->file_bytes);
	return item->package ? print_package(device, item, detail, err) : 0;
}
