/* SPDX-License-Identifier: MIT */
#include "overlay/config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "verity/cleanup.h"
#include "verity/io.h"

/*
 * What the callbacks of libconfuse need. The library hands them nothing of ours, so they
 * find it through the first option, whose value lives in @config, at its start.
 */
struct reading {
	struct overlay_config config;
	const char *path;
	struct verity_error *err;
	bool told; /* the first complaint is the one that helps */
};

static void cfg_free_p(cfg_t **cfg)
{
	if (*cfg)
		cfg_free(*cfg);
}

static void reading_free_p(struct reading *reading)
{
	overlay_config_free(&reading->config);
}

void overlay_config_free(struct overlay_config *config)
{
	free(config->data);
	free(config->persist);
	free(config->keys);
	free(config->run);
	free(config->cmdline);
	memset(config, 0, sizeof(*config));
}

static void __attribute__((format(printf, 2, 0)))
report(cfg_t *cfg, const char *format, va_list args)
{
	struct reading *reading = (struct reading *)(void *)cfg->opts[0].simple_value.ptr;
	char why[VERITY_MESSAGE_MAX];

	if (reading->told)
		return;
	reading->told = true;
	vsnprintf(why, sizeof(why), format, args);
	verity_fail(reading->err, VERITY_E_CONFIG, "%s:%d: %s", reading->path, cfg->line,
		    why);
}

static int check_folder(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getstr(opt);

	if (value && value[0] == '/')
		return 0;
	cfg_error(cfg, "%s: '%s' is not an absolute path", cfg_opt_name(opt),
		  value ? value : "");
	return -1;
}

static int check_volume(cfg_t *cfg, cfg_opt_t *opt)
{
	static const char *const tags[] = {"LABEL=", "UUID=", "PARTLABEL=", "PARTUUID="};
	const char *value = cfg_opt_getstr(opt);

	if (value && value[0] == '/')
		return 0;
	for (size_t i = 0; value && i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strncmp(value, tags[i], strlen(tags[i])) == 0 &&
		    value[strlen(tags[i])] != '\0')
			return 0;
	cfg_error(cfg,
		  "%s: '%s' is neither an absolute path nor LABEL=, UUID=, PARTLABEL= or "
		  "PARTUUID=",
		  cfg_opt_name(opt), value ? value : "");
	return -1;
}

static int set_defaults(struct overlay_config *config)
{
	config->data = strdup("LABEL=wmopkg-data");
	config->persist = strdup("LABEL=wmopkg-persist");
	config->keys = strdup("/etc/wmopkg/keys");
	config->run = strdup("/run/wmopkg");
	config->cmdline = strdup("/proc/cmdline");
	return config->data && config->persist && config->keys && config->run &&
			       config->cmdline
		       ? 0
		       : -ENOMEM;
}

static int parse(const char *text, struct reading *reading)
{
	cfg_opt_t opts[] = {
		CFG_SIMPLE_STR("data", &reading->config.data),
		CFG_SIMPLE_STR("persist", &reading->config.persist),
		CFG_SIMPLE_STR("keys", &reading->config.keys),
		CFG_SIMPLE_STR("run", &reading->config.run),
		CFG_SIMPLE_STR("cmdline", &reading->config.cmdline),
		CFG_END(),
	};
	cleanup_with(cfg_free_p) cfg_t *cfg = cfg_init(opts, CFGF_NONE);

	if (!cfg)
		return verity_fail(reading->err, VERITY_E_NO_MEMORY, "out of memory");
	cfg_set_error_function(cfg, report);
	cfg_set_validate_func(cfg, "data", check_volume);
	cfg_set_validate_func(cfg, "persist", check_volume);
	cfg_set_validate_func(cfg, "keys", check_folder);
	cfg_set_validate_func(cfg, "run", check_folder);
	cfg_set_validate_func(cfg, "cmdline", check_folder);
	verity_fail(reading->err, VERITY_E_CONFIG, "%s: cannot be read", reading->path);
	return cfg_parse_buf(cfg, text) == CFG_SUCCESS ? 0 : -EINVAL;
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
	cleanup_with(reading_free_p) struct reading reading = {
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
