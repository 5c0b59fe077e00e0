/* SPDX-License-Identifier: MIT */
#include "overlay/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "overlay/config/config_private.h"
#include "overlay/record/audit.h"
#include "overlay/record/trials.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

static void cfg_free_p(cfg_t **cfg)
{
	if (*cfg)
		cfg_free(*cfg);
}

static void reading_free_p(struct overlay_config_reading *reading)
{
	overlay_config_free(&reading->config);
}

void overlay_config_free(struct overlay_config *config)
{
	char *const strings[] = {
		config->data,        config->persist,     config->keys,
		config->run,         config->cmdline,     config->uboot_env,
		config->serial,      config->model,       config->firmware_version,
		config->authorities, config->known_hosts, config->upper_folder,
	};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		free(strings[i]);
	for (size_t i = 0; i < config->signers_count; i++)
		free((void *)(uintptr_t)config->signers[i]);
	for (size_t i = 0; i < config->hierarchies_count; i++)
		free((void *)(uintptr_t)config->hierarchies[i]);
	for (size_t i = 0; i < config->seeds_count; i++)
		free((void *)(uintptr_t)config->seeds[i].source); /* and the target */
	memset(config, 0, sizeof(*config));
}

static void __attribute__((format(printf, 2, 0)))
report(cfg_t *cfg, const char *format, va_list args)
{
	struct overlay_config_reading *reading = overlay_config_reading(cfg);
	char why[VERITY_MESSAGE_MAX];

	if (reading->told)
		return;
	reading->told = true;
	vsnprintf(why, sizeof(why), format, args);
	verity_fail(reading->err, VERITY_E_CONFIG, "%s:%d: %s", reading->path, cfg->line,
		    why);
}

static int set_defaults(struct overlay_config *config)
{
	const struct {
		char **place;
		const char *value;
	} defaults[] = {
		{&config->data, "LABEL=wmopkg-data"},
		{&config->persist, "LABEL=wmopkg-persist"},
		{&config->keys, "/etc/wmopkg/keys"},
		{&config->run, "/run/wmopkg"},
		{&config->cmdline, "/proc/cmdline"},
		{&config->uboot_env, "/etc/fw_env.config"},
		{&config->authorities, ""},
		{&config->known_hosts, ""},
		{&config->serial, ""},
		{&config->model, ""},
		{&config->firmware_version, ""},
		{&config->upper_folder, ""},
	};

	config->firmware_built = WMOPKG_TIME_EPOCH;
	config->audit_bytes = OVERLAY_AUDIT_BYTES;
	config->trials = OVERLAY_TRIALS_BOOTS;
	config->package_seconds = OVERLAY_PACKAGE_SECONDS;
	config->boot_seconds = OVERLAY_BOOT_SECONDS;
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		*defaults[i].place = strdup(defaults[i].value);
		if (!*defaults[i].place)
			return -ENOMEM;
	}
	return 0;
}

static int take_signers(cfg_t *cfg, struct overlay_config *config)
{
	for (unsigned i = 0; i < cfg_size(cfg, "signers"); i++) {
		char *name = strdup(cfg_getnstr(cfg, "signers", i));

		if (!name)
			return -ENOMEM;
		config->signers[config->signers_count++] = name;
	}
	return 0;
}

/* Checked already: there is a colon in each. */
static int take_seeds(cfg_t *cfg, struct overlay_config *config)
{
	for (unsigned i = 0; i < cfg_size(cfg, "seed"); i++) {
		char *pair = strdup(cfg_getnstr(cfg, "seed", i));
		char *colon = pair ? strchr(pair, ':') : NULL;

		if (!colon)
			return -ENOMEM;
		*colon = '\0';
		config->seeds[config->seeds_count++] =
			(struct overlay_seed){pair, colon + 1};
	}
	return 0;
}

/* "/" alone is what there is without any. */
static int take_hierarchies(cfg_t *cfg, struct overlay_config *config)
{
	for (unsigned i = 0; i < cfg_size(cfg, "hierarchies"); i++) {
		const char *folder = cfg_getnstr(cfg, "hierarchies", i);
		char *copy = folder[1] ? strdup(folder) : NULL;

		if (folder[1] && !copy)
			return -ENOMEM;
		if (copy)
			config->hierarchies[config->hierarchies_count++] = copy;
	}
	return 0;
}

static int check_together(const struct overlay_config_reading *reading)
{
	const struct overlay_config *config = &reading->config;

	for (size_t i = 0; i < config->seeds_count; i++)
		if (strcmp(config->seeds[i].target, config->upper_folder) == 0)
			return verity_fail(reading->err, VERITY_E_CONFIG,
					   "%s: upper: DATA/%s is what `seed` makes",
					   reading->path, config->upper_folder);
	return 0;
}

static int parse(const char *text, struct overlay_config_reading *reading)
{
	struct overlay_config *config = &reading->config;
	cfg_opt_t opts[] = {
		CFG_SIMPLE_STR("data", &config->data), /* overlay_config_reading() */
		CFG_SIMPLE_STR("persist", &config->persist),
		CFG_SIMPLE_STR("keys", &config->keys),
		CFG_SIMPLE_STR("run", &config->run),
		CFG_SIMPLE_STR("cmdline", &config->cmdline),
		CFG_SIMPLE_STR("uboot_env", &config->uboot_env),
		CFG_SIMPLE_STR("authorities", &config->authorities),
		CFG_SIMPLE_STR("known_hosts", &config->known_hosts),
		CFG_SIMPLE_STR("serial", &config->serial),
		CFG_SIMPLE_STR("model", &config->model),
		CFG_SIMPLE_STR("firmware_version", &config->firmware_version),
		CFG_STR("firmware_built", NULL, CFGF_NONE),
		CFG_STR("anchor", NULL, CFGF_NONE),
		CFG_STR_LIST("signers", NULL, CFGF_NONE),
		CFG_STR("signers_needed", NULL, CFGF_NONE),
		CFG_STR("verify", NULL, CFGF_NONE),
		CFG_STR("factory_reset", NULL, CFGF_NONE),
		CFG_STR("discard", NULL, CFGF_NONE),
		CFG_STR_LIST("seed", NULL, CFGF_NONE),
		CFG_STR_LIST("hierarchies", NULL, CFGF_NONE),
		CFG_STR("upper", NULL, CFGF_NONE),
		CFG_STR("audit_bytes", NULL, CFGF_NONE),
		CFG_STR("trials", NULL, CFGF_NONE),
		CFG_STR("package_seconds", NULL, CFGF_NONE),
		CFG_STR("boot_seconds", NULL, CFGF_NONE),
		CFG_END(),
	};
	cleanup_with(cfg_free_p) cfg_t *cfg = cfg_init(opts, CFGF_NONE);

	if (!cfg)
		return verity_fail(reading->err, VERITY_E_NO_MEMORY, "out of memory");
	cfg_set_error_function(cfg, report);
	overlay_config_check(cfg);
	verity_fail(reading->err, VERITY_E_CONFIG, "%s: cannot be read", reading->path);
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		return -EINVAL;
	if (take_signers(cfg, config) < 0 || take_seeds(cfg, config) < 0 ||
	    take_hierarchies(cfg, config) < 0)
		return verity_fail(reading->err, VERITY_E_NO_MEMORY, "out of memory");
	return check_together(reading);
}

/*
 * Read here and not by libconfuse, whose scanner ends the program where reading fails.
 * @ret stays NULL where there is no file and none needs to be.
 */
static int load(const char *path, char **ret, struct verity_error *err)
{
	const char *file = path ? path : OVERLAY_CONFIG_PATH;
	size_t size = 0;
	int r = verity_io_load(AT_FDCWD, file, OVERLAY_CONFIG_MAX, ret, &size, err);

	if (r == -ENOENT && !path)
		return 0;
	if (r == -EINVAL && err)
		err->code = VERITY_E_CONFIG;
	if (r == 0 && strlen(*ret) != size)
		return verity_fail(err, VERITY_E_CONFIG, "%s: not a text", file);
	return r;
}

int overlay_config_load(const char *path, struct overlay_config *ret,
			struct verity_error *err)
{
	struct verity_error unused;
	cleanup_with(reading_free_p) struct overlay_config_reading reading = {
		.path = path ? path : OVERLAY_CONFIG_PATH,
		.err = err ? err : &unused,
	};
	cleanup_free char *text = NULL;
	int r = load(path, &text, err);

	if (r < 0)
		return r;
	if (set_defaults(&reading.config) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (text)
		r = parse(text, &reading);
	if (r < 0)
		return r;
	if (err)
		*err = (struct verity_error){0};
	*ret = reading.config;
	memset(&reading.config, 0, sizeof(reading.config));
	return 0;
}
