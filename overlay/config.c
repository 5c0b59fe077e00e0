/* SPDX-License-Identifier: MIT */
#include "overlay/config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "overlay/audit.h"
#include "overlay/trials.h"
#include "verity/cleanup.h"
#include "verity/floors.h"
#include "verity/io.h"
#include "verity/keyring.h"

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
	free(config->uboot_env);
	free(config->serial);
	free(config->model);
	free(config->firmware_version);
	for (size_t i = 0; i < config->signers_count; i++)
		free((void *)(uintptr_t)config->signers[i]);
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
	config->uboot_env = strdup("/etc/fw_env.config");
	config->serial = strdup("");
	config->model = strdup("");
	config->firmware_version = strdup("");
	config->firmware_built = WMOPKG_TIME_EPOCH;
	config->audit_bytes = OVERLAY_AUDIT_BYTES;
	config->trials = OVERLAY_TRIALS_BOOTS;
	return config->data && config->persist && config->keys && config->run &&
			       config->cmdline && config->uboot_env && config->serial &&
			       config->model && config->firmware_version
		       ? 0
		       : -ENOMEM;
}

static int check_word(cfg_t *cfg, cfg_opt_t *opt, const char *const *words, size_t count)
{
	const char *value = cfg_opt_getstr(opt);

	for (size_t i = 0; i < count; i++)
		if (value && strcmp(value, words[i]) == 0)
			return 0;
	cfg_error(cfg, "%s: '%s' is none of its words", cfg_opt_name(opt),
		  value ? value : "");
	return -1;
}

static const char *const anchors[] = {
	[OVERLAY_ANCHOR_NONE] = "none",
	[OVERLAY_ANCHOR_EFI] = "efi",
	[OVERLAY_ANCHOR_ALWAYS] = "always",
};

static int check_anchor(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_word(cfg, opt, anchors, sizeof(anchors) / sizeof(anchors[0]));
}

static int check_needed(cfg_t *cfg, cfg_opt_t *opt)
{
	static const char *const words[] = {"one", "all"};

	return check_word(cfg, opt, words, 2);
}

static int check_number(cfg_t *cfg, cfg_opt_t *opt)
{
	static const struct {
		const char *name;
		long min, max;
	} ranges[] = {
		{"audit_bytes", OVERLAY_AUDIT_BYTES_MIN, OVERLAY_AUDIT_BYTES_MAX},
		{"firmware_built", 0, VERITY_TIME_MAX},
		{"trials", 0, OVERLAY_TRIALS_BOOTS_MAX},
	};
	long value = cfg_opt_getnint(opt, 0);
	size_t i = 0;

	while (strcmp(ranges[i].name, cfg_opt_name(opt)) != 0)
		i++;
	if (value >= ranges[i].min && value <= ranges[i].max)
		return 0;
	cfg_error(cfg, "%s: %ld is not between %ld and %ld", cfg_opt_name(opt), value,
		  ranges[i].min, ranges[i].max);
	return -1;
}

/* A name that is no file's of the ring can never sign: an error now, not at each boot. */
static int check_signers(cfg_t *cfg, cfg_opt_t *opt)
{
	if (cfg_opt_size(opt) > OVERLAY_SIGNERS_MAX) {
		cfg_error(cfg, "signers: over %d names", OVERLAY_SIGNERS_MAX);
		return -1;
	}
	for (unsigned i = 0; i < cfg_opt_size(opt); i++) {
		const char *name = cfg_opt_getnstr(opt, i);

		if (name && name[0] && !strchr(name, '/') &&
		    strlen(name) <= VERITY_KEYRING_NAME_MAX)
			continue;
		cfg_error(cfg, "signers: '%s' is not the name of a key ring's file",
			  name ? name : "");
		return -1;
	}
	return 0;
}

static int take_words(cfg_t *cfg, struct overlay_config *config)
{
	for (size_t i = 0; i < sizeof(anchors) / sizeof(anchors[0]); i++)
		if (strcmp(anchors[i], cfg_getstr(cfg, "anchor")) == 0)
			config->anchor = (enum overlay_anchor)i;
	config->all_signers = strcmp(cfg_getstr(cfg, "signers_needed"), "all") == 0;
	config->firmware_built = cfg_getint(cfg, "firmware_built");
	config->audit_bytes = (size_t)cfg_getint(cfg, "audit_bytes");
	config->trials = (unsigned)cfg_getint(cfg, "trials");
	for (unsigned i = 0; i < cfg_size(cfg, "signers"); i++) {
		char *name = strdup(cfg_getnstr(cfg, "signers", i));

		if (!name)
			return -ENOMEM;
		config->signers[config->signers_count++] = name;
	}
	return 0;
}

static int parse(const char *text, struct reading *reading)
{
	static char no_signers[] = "{}"; /* libconfuse takes it without a const */
	cfg_opt_t opts[] = {
		CFG_SIMPLE_STR("data", &reading->config.data),
		CFG_SIMPLE_STR("persist", &reading->config.persist),
		CFG_SIMPLE_STR("keys", &reading->config.keys),
		CFG_SIMPLE_STR("run", &reading->config.run),
		CFG_SIMPLE_STR("cmdline", &reading->config.cmdline),
		CFG_SIMPLE_STR("uboot_env", &reading->config.uboot_env),
		CFG_SIMPLE_STR("serial", &reading->config.serial),
		CFG_SIMPLE_STR("model", &reading->config.model),
		CFG_SIMPLE_STR("firmware_version", &reading->config.firmware_version),
		CFG_STR("anchor", "none", CFGF_NONE),
		CFG_INT("firmware_built", reading->config.firmware_built, CFGF_NONE),
		CFG_STR_LIST("signers", no_signers, CFGF_NONE),
		CFG_STR("signers_needed", "one", CFGF_NONE),
		CFG_INT("audit_bytes", (long)reading->config.audit_bytes, CFGF_NONE),
		CFG_INT("trials", (long)reading->config.trials, CFGF_NONE),
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
	cfg_set_validate_func(cfg, "uboot_env", check_folder);
	cfg_set_validate_func(cfg, "anchor", check_anchor);
	cfg_set_validate_func(cfg, "signers", check_signers);
	cfg_set_validate_func(cfg, "signers_needed", check_needed);
	cfg_set_validate_func(cfg, "firmware_built", check_number);
	cfg_set_validate_func(cfg, "audit_bytes", check_number);
	cfg_set_validate_func(cfg, "trials", check_number);
	verity_fail(reading->err, VERITY_E_CONFIG, "%s: cannot be read", reading->path);
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		return -EINVAL;
	if (take_words(cfg, &reading->config) < 0)
		return verity_fail(reading->err, VERITY_E_NO_MEMORY, "out of memory");
	return 0;
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
