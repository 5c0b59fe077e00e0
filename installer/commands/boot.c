/* SPDX-License-Identifier: MIT */

/* `wmopkg boot`: shows, sets and clears the boot configuration. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/commands/factory_reset.h"
#include "installer/common/similar.h"
#include "installer/common/table.h"
#include "installer/device/audit.h"
#include "installer/device/installed.h"
#include "installer/device/next_boot.h"
#include "installer/device/reset_allowed.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_write.h"
#include "verity/util/text.h"

#define BOOT_FORMAT 1

static const struct table_column columns[] = {
	{"KEY", NULL, 0},
	{"VALUE", "Value", 8},
	{"SOURCE", "Source", 0},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct values {
	char texts[OVERLAY_BOOTKEYS][OVERLAY_BOOT_VALUE_MAX];
};

/* What cannot be read sets nothing, at boot as here. */
static int read_bootconf(struct device *device, struct overlay_bootconf *ret)
{
	const struct overlay_config *config = device_config(device);
	struct verity_error why;
	unsigned at = 0;
	int r = overlay_bootconf_read(config->uboot_env, config->cmdline, ret, &why);

	if (r < 0)
		report_warning("%s", why.message);
	while (overlay_bootconf_unused(ret, &at, &why))
		report_warning("%s", why.message);
	return r;
}

static int show(const struct overlay_bootconf *conf, const struct values *values)
{
	static const char *const sources[] = {
		[OVERLAY_BOOT_UNSET] = "-",
		[OVERLAY_BOOT_UBOOT] = "U-Boot environment",
		[OVERLAY_BOOT_CMDLINE] = "kernel command line",
	};
	const char *cells[OVERLAY_BOOTKEYS * COLUMNS];
	const struct table table = {"Boot configuration", columns, COLUMNS, cells,
				    OVERLAY_BOOTKEYS};
	const struct layout layout = layout_of(STDOUT_FILENO);

	for (size_t key = 0; key < OVERLAY_BOOTKEYS; key++) {
		const char **row = cells + key * COLUMNS;

		row[0] = overlay_bootkey_name((enum overlay_bootkey)key);
		row[1] = values->texts[key][0] ? values->texts[key] : "-";
		row[2] = sources[conf->origin[key]];
	}
	table_print(stdout, &layout, &table);
	return 0;
}

static int show_json(const struct overlay_bootconf *conf, const struct values *values,
		     struct verity_error *err)
{
	static const char *const origins[] = {
		[OVERLAY_BOOT_UBOOT] = "uboot",
		[OVERLAY_BOOT_CMDLINE] = "cmdline",
	};
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	verity_json_int(&json, "format", BOOT_FORMAT);
	verity_json_open_list(&json, "words");
	for (size_t key = 0; key < OVERLAY_BOOTKEYS; key++) {
		verity_json_open(&json, NULL);
		verity_json_text(&json, "word",
				 overlay_bootkey_name((enum overlay_bootkey)key));
		if (conf->origin[key]) {
			verity_json_text(&json, "value", values->texts[key]);
			verity_json_text(&json, "origin", origins[conf->origin[key]]);
		}
		verity_json_close(&json);
	}
	verity_json_close(&json);
	return verity_json_print(&json, stdout, err);
}

/* A name that is mistyped disables nothing. */
static void warn_unknown(struct device *device, const char *list)
{
	cleanup_free char *names = strdup(list);
	struct overlay_store *store;
	struct overlay_entry found;
	struct verity_error why;
	char *rest = NULL;

	if (!names || device_store(device, &store, &why) < 0)
		return;
	for (char *name = strtok_r(names, ",", &rest); name;
	     name = strtok_r(NULL, ",", &rest))
		if (overlay_store_find(store, name, &found, NULL) < 0 &&
		    installed_fail_unknown(store, name, &why) == -ENOENT)
			report_warning("%s", why.message);
}

/* Who may ask for a reset, and whether it is meant: as of the command. 1: go on. */
static int ask_for_reset(struct device *device, bool yes, struct verity_error *err)
{
	bool purge = false;
	int r = reset_allowed(device_config(device), err);

	return r < 0 ? r
		     : reset_question(device, "boot set factory_reset", yes, &purge, err);
}

/* An anchor may keep it from counting. */
static void warn_anchor(struct device *device)
{
	struct overlay_trust *trust;
	struct verity_error unused;

	if (device_trust_quiet(device, &trust, &unused) == 0 &&
	    overlay_trust_anchor(trust)->present)
		report_warning(
			"this device has a hardware anchor: Allow Untrusted counts "
			"only with an unlock statement that allows it (see: "
			"wmopkg unlock)");
}

/* The labels of media are read when they are used, the other keys at boot. */
static const char *when_applied(enum overlay_bootkey key,
				const struct overlay_bootconf *conf)
{
	return key == OVERLAY_BOOT_MEDIA && conf->origin[key] != OVERLAY_BOOT_CMDLINE
		       ? "This applies now, without a reboot."
		       : "Changes are applied after reboot.";
}

/* What was written, and how long it counts. */
static void print_set(struct device *device, enum overlay_bootkey key, const char *value,
		      const char *word, const char *before)
{
	char instead[OVERLAY_BOOT_VALUE_MAX + 32];
	struct next_boot next;

	snprintf(instead, sizeof(instead), ", in place of %s", before);
	if (!before[0] || strcmp(before, value) == 0)
		instead[0] = '\0';
	next_boot_read(device, &next);
	if (key == OVERLAY_BOOT_FACTORY_RESET && next.rules.resets)
		report_line("%s=%s%s, until the factory reset at the next reboot (to "
			    "cancel it: wmopkg factory-reset cancel).",
			    overlay_bootkey_name(key), value, instead);
	else
		report_line("%s=%s%s, until 'wmopkg boot clear %s'. %s",
			    overlay_bootkey_name(key), value, instead, word,
			    when_applied(key, &next.bootconf));
	if (next.bootconf.factory_reset && !next.rules.resets &&
	    key == OVERLAY_BOOT_FACTORY_RESET)
		report_warning("nothing is reset at the next reboot: PERSIST is missing, "
			       "or the boot configuration requested a reset that was "
			       "carried out already (use: wmopkg factory-reset)");
}

/* Which key was meant. */
static void add_similar(const char *word, struct verity_error *err)
{
	struct similar similar = {.typed = word};

	for (int key = 0; key < OVERLAY_BOOTKEYS; key++)
		similar_offer(&similar, overlay_bootkey_short((enum overlay_bootkey)key));
	if (similar.found)
		verity_text_append(err->message, sizeof(err->message),
				   " (did you mean %s?)", similar.found);
}

/* @value: NULL to delete it. Returns 0 where the person declined, otherwise 1. */
static int set(struct device *device, const char *word, const char *value, bool yes,
	       struct verity_error *err)
{
	char detail[256], other[OVERLAY_BOOT_VALUE_MAX], before[OVERLAY_BOOT_VALUE_MAX];
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_BOOT_SET,
						  .detail = detail};
	const struct overlay_config *config = device_config(device);
	struct overlay_bootconf conf;
	enum overlay_bootkey key;
	bool counts;
	int r = overlay_bootkey_find(word, &key, err);

	if (r < 0)
		add_similar(word, err);
	if (r == 0 && value)
		r = overlay_bootkey_check(key, value, err);
	if (r < 0)
		return r;
	if (value && key == OVERLAY_BOOT_FACTORY_RESET && strcmp(value, "1") == 0) {
		r = ask_for_reset(device, yes, err);
		if (r <= 0)
			return r;
	}
	(void)!overlay_bootconf_read(config->uboot_env, config->cmdline, &conf, NULL);
	before[0] = '\0';
	if (conf.origin[key] == OVERLAY_BOOT_UBOOT)
		overlay_bootkey_value(&conf, key, before, sizeof(before));
	r = overlay_bootconf_set(config->uboot_env, key, value, &counts, err);
	snprintf(detail, sizeof(detail), "%s%s%s", overlay_bootkey_name(key),
		 value ? "=" : " deleted", value ? value : "");
	if (counts)
		audit_add(device, &entry);
	if (r < 0)
		return r;
	if (value && key == OVERLAY_BOOT_DISABLE)
		warn_unknown(device, value);
	if (value && key == OVERLAY_BOOT_ALLOW_UNTRUSTED && strcmp(value, "1") == 0)
		warn_anchor(device);
	/* The kernel command line takes precedence over the U-Boot environment. */
	if (read_bootconf(device, &conf) == 0 &&
	    conf.origin[key] == OVERLAY_BOOT_CMDLINE) {
		overlay_bootkey_value(&conf, key, other, sizeof(other));
		report_warning(
			"the kernel command line of this boot sets %s=%s and takes "
			"precedence: if the bootloader sets it again, nothing "
			"changes",
			overlay_bootkey_name(key), other);
	}
	if (value)
		print_set(device, key, value, word, before);
	else
		report_line("%s is cleared. %s", overlay_bootkey_name(key),
			    when_applied(key, &conf));
	return 1;
}

enum exit_status command_boot(struct device *device, const struct words *words)
{
	cleanup_free struct values *values = calloc(1, sizeof(*values));
	struct overlay_bootconf conf;
	struct verity_error err;
	int r;

	if (words_has(words, WORD_BOOT_SET)) {
		r = set(device, words->values[WORD_BOOT_SET],
			words->values[WORD_BOOT_VALUE], words_has(words, WORD_YES), &err);
		if (r == 0)
			return STATUS_FAILED;
	} else if (words_has(words, WORD_BOOT_CLEAR)) {
		r = set(device, words->values[WORD_BOOT_CLEAR], NULL, true, &err);
	} else if (!values) {
		r = verity_no_memory(&err);
	} else {
		(void)read_bootconf(device, &conf);
		for (int key = 0; key < OVERLAY_BOOTKEYS; key++)
			overlay_bootkey_value(&conf, (enum overlay_bootkey)key,
					      values->texts[key],
					      sizeof(values->texts[key]));
		r = words_has(words, WORD_JSON) ? show_json(&conf, values, &err)
						: show(&conf, values);
	}
	return r < 0 ? report_error(NULL, &err) : report_output();
}
