/* SPDX-License-Identifier: MIT */
/* Configuration, boot configuration and policy of a boot. */
#include "initramfs/boot_context.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/debug.h"

void boot_tell(struct boot *boot, enum log_level level, const char *format, ...)
{
	char text[BOOT_NOTE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (boot->mode == BOOT_DOES)
		log_line(level, "%s", text);
	else if (boot->notes_count < BOOT_NOTES_MAX)
		memcpy(boot->notes[boot->notes_count++], text, sizeof(text));
}

bool boot_has_state(const struct overlay_config *config)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" OVERLAY_STATE_FILE, config->run);
	return access(path, F_OK) == 0;
}

int boot_begin(const char *config_path, const char *root, enum boot_mode mode,
	       struct boot *ret, struct verity_error *err)
{
	struct verity_error why;
	unsigned at = 0;
	int r;

	*ret = (struct boot){
		.mode = mode,
		.config_path = config_path ? config_path : OVERLAY_CONFIG_PATH,
		.root = root,
		.data = -1,
		.persist = -1,
		.record = -1,
	};
	overlay_span_begin(&ret->steps[OVERLAY_STEP_PREPARE]);
	r = overlay_config_load(config_path, &ret->config, err);
	if (r < 0)
		return r;
	if (snprintf(ret->layers, sizeof(ret->layers), "%s/layers", ret->config.run) >=
	    (int)sizeof(ret->layers) - 16)
		return verity_fail(err, VERITY_E_CONFIG, "run: the path is too long");
	ret->budget =
		boot_budget_new(ret->config.package_seconds, ret->config.boot_seconds);
	ret->conf_unread =
		overlay_bootconf_read(ret->config.uboot_env, ret->config.cmdline,
				      &ret->conf, &why) < 0;
	if (ret->conf_unread)
		boot_tell(ret, LOG_LEVEL_WARNING, "boot configuration: %s", why.message);
	while (overlay_bootconf_unused(&ret->conf, &at, &why))
		boot_tell(ret, LOG_LEVEL_WARNING, "boot configuration: %s", why.message);
	if (ret->conf.debug && mode == BOOT_DOES)
		verity_debug_start(log_debug);
	if (ret->conf.safe)
		boot_tell(ret, LOG_LEVEL_WARNING, "safe mode: no package will be active");
	return 0;
}

struct verity_policy boot_policy(const struct boot *boot)
{
	struct verity_policy policy = *overlay_trust_policy(boot->trust);

	policy.refuse_early = true;
	policy.lazy = boot->config.verify == OVERLAY_VERIFY_LAZY || boot->conf.safe;
	return policy;
}

void boot_describe(const struct boot *boot, struct overlay_state *state)
{
	const struct verity_error *locked =
		boot->trust ? overlay_trust_locked(boot->trust) : NULL;
	const struct verity_denylist *denylist =
		boot->trust ? overlay_trust_policy(boot->trust)->denylist : NULL;

	state->safe = boot->conf.safe;
	state->identity = boot->identity;
	state->boot = boot->number;
	if (boot->trust) {
		state->allow_untrusted =
			overlay_trust_policy(boot->trust)->allow_untrusted;
		state->anchor = *overlay_trust_anchor(boot->trust);
	} else {
		overlay_anchor_find(boot->config.anchor, &state->anchor);
	}
	if (locked)
		state->locked = *locked;
	if (denylist)
		state->denylist = verity_denylist_text(denylist)->number;
	for (size_t i = 0; i < OVERLAY_STEPS; i++)
		if (overlay_span_took_place(&boot->steps[i]))
			state->steps[i] = boot->steps[i];
}

void boot_free(struct boot *boot)
{
	hints_free(&boot->hints);
	overlay_trust_free(boot->trust);
	overlay_store_free(boot->store);
	cleanup_fd_p(&boot->record);
	cleanup_fd_p(&boot->persist);
	cleanup_fd_p(&boot->data);
	overlay_volume_place_free(&boot->places[OVERLAY_ORDINARY]);
	overlay_volume_place_free(&boot->places[OVERLAY_PERSISTENT]);
	overlay_config_free(&boot->config);
}
