/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/config/config_private.h"
#include "overlay/config/identity.h"
#include "overlay/record/audit.h"
#include "overlay/record/trials.h"
#include "verity/cms/keyring.h"
#include "verity/statement/floors.h"
#include "verity/util/name.h"
#include "verity/util/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *value_of(cfg_opt_t *opt)
{
	const char *value = cfg_opt_getstr(opt);

	return value ? value : "";
}

static int check_path(cfg_t *cfg, cfg_opt_t *opt)
{
	if (value_of(opt)[0] == '/')
		return 0;
	cfg_error(cfg, "%s: '%s' is not an absolute path", cfg_opt_name(opt),
		  value_of(opt));
	return -1;
}

static int check_volume(cfg_t *cfg, cfg_opt_t *opt)
{
	static const char *const tags[] = {"LABEL=", "UUID=", "PARTLABEL=", "PARTUUID="};
	const char *value = value_of(opt);

	if (value[0] == '/')
		return 0;
	for (size_t i = 0; i < COUNT(tags); i++)
		if (strncmp(value, tags[i], strlen(tags[i])) == 0 &&
		    value[strlen(tags[i])] != '\0')
			return 0;
	cfg_error(cfg,
		  "%s: '%s' is neither an absolute path nor LABEL=, UUID=, PARTLABEL= or "
		  "PARTUUID=",
		  cfg_opt_name(opt), value);
	return -1;
}

static int check_fact(cfg_t *cfg, cfg_opt_t *opt, size_t most)
{
	const char *value = value_of(opt);

	if (value[0] == '/' ||
	    (strlen(value) <= most && verity_text_printable(value, strlen(value))))
		return 0;
	cfg_error(cfg, "%s: neither an absolute path nor up to %zu printable bytes",
		  cfg_opt_name(opt), most);
	return -1;
}

static int check_serial(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_fact(cfg, opt, VERITY_SERIAL_MAX);
}

static int check_model(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_fact(cfg, opt, OVERLAY_MODEL_MAX);
}

static int check_version(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_fact(cfg, opt, VERITY_VERSION_MAX);
}

static int take_number(cfg_t *cfg, cfg_opt_t *opt, int64_t least, int64_t most,
		       int64_t *ret)
{
	const char *value = value_of(opt);
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (value[0] >= '0' && value[0] <= '9' && !*end && !errno && number >= least &&
	    number <= most) {
		*ret = number;
		return 0;
	}
	cfg_error(cfg, "%s: '%s' is not a number from %" PRId64 " to %" PRId64,
		  cfg_opt_name(opt), value, least, most);
	return -1;
}

static int take_built(cfg_t *cfg, cfg_opt_t *opt)
{
	struct overlay_config *config = &overlay_config_reading(cfg)->config;

	return take_number(cfg, opt, 0, VERITY_TIME_MAX, &config->firmware_built);
}

static int take_audit_bytes(cfg_t *cfg, cfg_opt_t *opt)
{
	int64_t bytes;
	int r = take_number(cfg, opt, OVERLAY_AUDIT_BYTES_MIN, OVERLAY_AUDIT_BYTES_MAX,
			    &bytes);

	if (r == 0)
		overlay_config_reading(cfg)->config.audit_bytes = (size_t)bytes;
	return r;
}

static int take_trials(cfg_t *cfg, cfg_opt_t *opt)
{
	int64_t boots;
	int r = take_number(cfg, opt, 0, OVERLAY_TRIALS_BOOTS_MAX, &boots);

	if (r == 0)
		overlay_config_reading(cfg)->config.trials = (unsigned)boots;
	return r;
}

static int take_seconds(cfg_t *cfg, cfg_opt_t *opt, unsigned *ret)
{
	int64_t seconds;
	int r = take_number(cfg, opt, 0, OVERLAY_SECONDS_MAX, &seconds);

	if (r == 0)
		*ret = (unsigned)seconds;
	return r;
}

static int take_package_seconds(cfg_t *cfg, cfg_opt_t *opt)
{
	return take_seconds(cfg, opt,
			    &overlay_config_reading(cfg)->config.package_seconds);
}

static int take_boot_seconds(cfg_t *cfg, cfg_opt_t *opt)
{
	return take_seconds(cfg, opt, &overlay_config_reading(cfg)->config.boot_seconds);
}

static int take_anchor(cfg_t *cfg, cfg_opt_t *opt)
{
	static const char *const words[] = {
		[OVERLAY_ANCHOR_NONE] = "none",
		[OVERLAY_ANCHOR_EFI] = "efi",
		[OVERLAY_ANCHOR_ALWAYS] = "always",
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcmp(words[i], value_of(opt)) == 0) {
			overlay_config_reading(cfg)->config.anchor =
				(enum overlay_anchor)i;
			return 0;
		}
	cfg_error(cfg, "anchor: '%s' is neither none, efi nor always", value_of(opt));
	return -1;
}

/* One of two words. */
static int take_either(cfg_t *cfg, cfg_opt_t *opt, const char *plain, const char *other,
		       bool *ret_other)
{
	bool is_other = strcmp(value_of(opt), other) == 0;

	if (!is_other && strcmp(value_of(opt), plain) != 0) {
		cfg_error(cfg, "%s: '%s' is neither %s nor %s", cfg_opt_name(opt),
			  value_of(opt), plain, other);
		return -1;
	}
	*ret_other = is_other;
	return 0;
}

static int take_signers_needed(cfg_t *cfg, cfg_opt_t *opt)
{
	return take_either(cfg, opt, "one", "all",
			   &overlay_config_reading(cfg)->config.all_signers);
}

static int take_verify(cfg_t *cfg, cfg_opt_t *opt)
{
	bool lazy = false;
	int r = take_either(cfg, opt, "full", "lazy", &lazy);

	if (r == 0)
		overlay_config_reading(cfg)->config.verify =
			lazy ? OVERLAY_VERIFY_LAZY : OVERLAY_VERIFY_FULL;
	return r;
}

static int take_factory_reset(cfg_t *cfg, cfg_opt_t *opt)
{
	return take_either(cfg, opt, "any", "console",
			   &overlay_config_reading(cfg)->config.console_only);
}

static int take_discard(cfg_t *cfg, cfg_opt_t *opt)
{
	return take_either(cfg, opt, "no", "yes",
			   &overlay_config_reading(cfg)->config.discard);
}

/* What the key ring would not read could never be found in it. */
static bool is_ring_file(const char *name)
{
	size_t size = strlen(name);
	const char *suffix = size > 4 ? name + size - 4 : "";

	return name[0] != '.' && !strchr(name, '/') && size <= VERITY_KEYRING_NAME_MAX &&
	       verity_text_printable(name, size) &&
	       (strcmp(suffix, ".pem") == 0 || strcmp(suffix, ".crt") == 0);
}

static int check_signers(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned count = cfg_opt_size(opt);

	if (count > OVERLAY_SIGNERS_MAX) {
		cfg_error(cfg, "signers: over %d names", OVERLAY_SIGNERS_MAX);
		return -1;
	}
	for (unsigned i = 0; i < count; i++) {
		const char *name = cfg_opt_getnstr(opt, i);

		if (is_ring_file(name ? name : ""))
			continue;
		cfg_error(cfg,
			  "signers: '%s' is not the name of a .pem or .crt file of the "
			  "key ring",
			  name ? name : "");
		return -1;
	}
	return 0;
}

/* What is ours on DATA already, or would be. */
bool overlay_config_is_taken(const char *target)
{
	static const char *const names[] = {"config", "packages", "lost+found"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], target) == 0)
			return true;
	return false;
}

/* Of the root: from its top, and no part of it ".", ".." or empty. */
static bool is_source(const char *path, size_t size)
{
	const char *part = path + 1;

	if (size < 2 || path[0] != '/' || !verity_text_printable(path, size))
		return false;
	while (part <= path + size) {
		size_t length = strcspn(part, "/:");

		/* "." is a part of "..", so both are meant */
		if (length == 0 || strncmp(part, "..", length) == 0)
			return false;
		part += length + 1;
	}
	return true;
}

static bool is_pair(const char *text)
{
	const char *colon = strchr(text, ':');
	const char *target = colon ? colon + 1 : "";

	return colon && is_source(text, (size_t)(colon - text)) &&
	       verity_name_valid(target) && !overlay_config_is_taken(target);
}

static int check_seeds(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned count = cfg_opt_size(opt);

	if (count > OVERLAY_SEEDS_MAX) {
		cfg_error(cfg, "seed: over %d pairs", OVERLAY_SEEDS_MAX);
		return -1;
	}
	for (unsigned i = 0; i < count; i++) {
		const char *pair = cfg_opt_getnstr(opt, i);

		if (!is_pair(pair ? pair : "")) {
			cfg_error(cfg,
				  "seed: '%s' is not /FOLDER:NAME, a folder of the root "
				  "and a name on DATA that is not in use already",
				  pair ? pair : "");
			return -1;
		}
		for (unsigned other = 0; other < i; other++)
			if (strcmp(strchr(cfg_opt_getnstr(opt, other), ':'),
				   strchr(pair, ':')) == 0) {
				cfg_error(cfg, "seed: two pairs have the name '%s'",
					  strchr(pair, ':') + 1);
				return -1;
			}
	}
	return 0;
}

void overlay_config_check(cfg_t *cfg)
{
	static const struct {
		const char *key;
		cfg_validate_callback_t check;
	} checks[] = {
		{"data", check_volume},
		{"persist", check_volume},
		{"keys", check_path},
		{"run", check_path},
		{"cmdline", check_path},
		{"uboot_env", check_path},
		{"authorities", check_path},
		{"known_hosts", check_path},
		{"serial", check_serial},
		{"model", check_model},
		{"firmware_version", check_version},
		{"firmware_built", take_built},
		{"anchor", take_anchor},
		{"signers", check_signers},
		{"signers_needed", take_signers_needed},
		{"verify", take_verify},
		{"factory_reset", take_factory_reset},
		{"discard", take_discard},
		{"seed", check_seeds},
		{"hierarchies", overlay_config_check_hierarchies},
		{"upper", overlay_config_take_upper},
		{"audit_bytes", take_audit_bytes},
		{"trials", take_trials},
		{"package_seconds", take_package_seconds},
		{"boot_seconds", take_boot_seconds},
	};

	for (size_t i = 0; i < COUNT(checks); i++)
		cfg_set_validate_func(cfg, checks[i].key, checks[i].check);
}
