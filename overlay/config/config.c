/* SPDX-License-Identifier: MIT */
/* Reads wmopkg.conf by one table of its keys: type, default, range, member. */
#include "overlay/config/config.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "overlay/fs/protect.h"
#include "overlay/time_epoch.h"
#include "verity/cms/keyring.h"
#include "verity/format/manifest.h"
#include "verity/statement/catalog.h"
#include "verity/statement/floors.h"
#include "verity/statement/unlock.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/io.h"
#include "verity/util/name.h"
#include "verity/util/text.h"

#define YEAR_SECONDS INT64_C(31556952)

#define KEYS_MAX     64
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * What the callbacks of libconfuse need. The library passes them nothing of ours, so they
 * find it through the first option, whose value libconfuse keeps in @first.
 */
struct reading {
	char *first;
	struct overlay_config config;
	const char *path;
	struct verity_error *err;
	bool failed; /* the first message is the one that helps */
	struct {
		unsigned count; /* of the items of a list */
		unsigned calls; /* with that count: the last item, the end of the list */
	} seen[KEYS_MAX];
};

struct key {
	const char *name;
	/* checks a value, or an item of a list, and stores it; -1 after refuse() */
	int (*take)(cfg_t *cfg, const struct key *key, const char *value);
	size_t offset, size; /* of the member of struct overlay_config */
	const char *text;    /* default of a string */
	int64_t number;      /* default of a number */
	int64_t least, most; /* range of a number; bytes of a text; items of a list */
	const char *words;   /* "none efi always": stored as 0, 1, 2 */
	const char *items;   /* of a list: what its items are called */
	size_t count, step;  /* of a list: offset of the member that counts, item size */
};

static struct reading *reading_of(cfg_t *cfg)
{
	return (struct reading *)(void *)cfg->opts[0].simple_value.ptr;
}

static void __attribute__((format(printf, 2, 0)))
report(cfg_t *cfg, const char *format, va_list args)
{
	struct reading *reading = reading_of(cfg);
	char why[VERITY_MESSAGE_MAX];

	if (reading->failed)
		return;
	reading->failed = true;
	vsnprintf(why, sizeof(why), format, args);
	verity_fail(reading->err, VERITY_E_CONFIG, "%s:%d: %s", reading->path, cfg->line,
		    why);
}

static int __attribute__((format(printf, 2, 3)))
refuse(cfg_t *cfg, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(cfg, format, args);
	va_end(args);
	return -1;
}

static void *member_of(struct overlay_config *config, size_t offset)
{
	return (char *)config + offset;
}

static void store_number(struct overlay_config *config, const struct key *key,
			 int64_t number)
{
	void *member = member_of(config, key->offset);

	if (key->size == sizeof(bool))
		*(bool *)member = number != 0;
	else if (key->size == sizeof(uint32_t))
		*(uint32_t *)member = (uint32_t)number;
	else
		*(uint64_t *)member = (uint64_t)number;
}

static bool replace_text(char **text, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return false;
	free(*text);
	*text = copy;
	return true;
}

static int store_text(cfg_t *cfg, const struct key *key, const char *value)
{
	struct overlay_config *config = &reading_of(cfg)->config;

	return replace_text(member_of(config, key->offset), value)
		       ? 0
		       : refuse(cfg, "out of memory");
}

static int take_path(cfg_t *cfg, const struct key *key, const char *value)
{
	if (value[0] != '/')
		return refuse(cfg, "%s: '%s' is not an absolute path", key->name, value);
	return store_text(cfg, key, value);
}

static int take_volume(cfg_t *cfg, const struct key *key, const char *value)
{
	static const char *const tags[] = {"LABEL=", "UUID=", "PARTLABEL=", "PARTUUID="};

	if (value[0] == '/')
		return store_text(cfg, key, value);
	for (size_t i = 0; i < COUNT(tags); i++)
		if (strncmp(value, tags[i], strlen(tags[i])) == 0 &&
		    value[strlen(tags[i])] != '\0')
			return store_text(cfg, key, value);
	return refuse(
		cfg,
		"%s: '%s' is neither an absolute path nor LABEL=, UUID=, PARTLABEL= or "
		"PARTUUID=",
		key->name, value);
}

/* The value itself, or the path of a file that has it. */
static int take_text(cfg_t *cfg, const struct key *key, const char *value)
{
	size_t most = (size_t)key->most;

	if (value[0] == '/' ||
	    (strlen(value) <= most && verity_text_printable(value, strlen(value))))
		return store_text(cfg, key, value);
	return refuse(cfg, "%s: neither an absolute path nor up to %zu printable bytes",
		      key->name, most);
}

static int take_number(cfg_t *cfg, const struct key *key, const char *value)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || number < key->least ||
	    number > key->most)
		return refuse(cfg,
			      "%s: '%s' is not a number from %" PRId64 " to %" PRId64,
			      key->name, value, key->least, key->most);
	store_number(&reading_of(cfg)->config, key, number);
	return 0;
}

/* "none efi always": "none, efi nor always" */
static void list_words(const char *words, char ret[static 64])
{
	size_t used = 0;

	while (*words && used < 64) {
		size_t size = strcspn(words, " ");
		const char *rest = words + size + strspn(words + size, " ");
		const char *joint = !*rest ? "" : strchr(rest, ' ') ? ", " : " nor ";

		used += (size_t)snprintf(ret + used, 64 - used, "%.*s%s", (int)size,
					 words, joint);
		words = rest;
	}
}

static int take_word(cfg_t *cfg, const struct key *key, const char *value)
{
	const char *word = key->words;
	char words[64];

	for (int64_t number = 0; *word; number++) {
		size_t size = strcspn(word, " ");

		if (strlen(value) == size && memcmp(value, word, size) == 0) {
			store_number(&reading_of(cfg)->config, key, number);
			return 0;
		}
		word += size + strspn(word + size, " ");
	}
	list_words(key->words, words);
	return refuse(cfg, "%s: '%s' is neither %s", key->name, value, words);
}

/* A name that the key ring does not read could never be found in it. */
static int take_signer(cfg_t *cfg, const struct key *key, const char *value)
{
	struct overlay_config *config = &reading_of(cfg)->config;
	size_t size = strlen(value);
	const char *suffix = size > 4 ? value + size - 4 : "";

	if (value[0] == '.' || strchr(value, '/') || size > VERITY_KEYRING_NAME_MAX ||
	    !verity_text_printable(value, size) ||
	    (strcmp(suffix, ".pem") != 0 && strcmp(suffix, ".crt") != 0))
		return refuse(
			cfg,
			"%s: '%s' is not the name of a .pem or .crt file of the key "
			"ring",
			key->name, value);
	config->signers[config->signers_count] = strdup(value);
	return config->signers[config->signers_count++] ? 0
							: refuse(cfg, "out of memory");
}

static int take_required(cfg_t *cfg, const struct key *key, const char *value)
{
	struct overlay_config *config = &reading_of(cfg)->config;

	if (!verity_name_valid(value))
		return refuse(cfg, "%s: '%s' is not the name of a package", key->name,
			      value);
	config->require_packages[config->require_packages_count] = strdup(value);
	return config->require_packages[config->require_packages_count++]
		       ? 0
		       : refuse(cfg, "out of memory");
}

/* The name behind the last '/' is replaced by those of packages. */
static int take_catalog(cfg_t *cfg, const struct key *key, const char *value)
{
	struct overlay_config *config = &reading_of(cfg)->config;
	const char *end = strstr(value, "://");
	size_t size = strlen(value);

	end = end ? strchr(end + 3, '/') : value;
	if (!end || end[0] != '/' || value[size - 1] == '/' || size > OVERLAY_PLACE_MAX ||
	    strpbrk(value, " ?#") || !verity_text_printable(value, size))
		return refuse(cfg,
			      "%s: '%s' is neither a URL with the name of a file, and "
			      "without '?' and '#', nor an absolute path",
			      key->name, value);
	config->catalogs[config->catalogs_count] = strdup(value);
	return config->catalogs[config->catalogs_count++] ? 0
							  : refuse(cfg, "out of memory");
}

static int take_channel(cfg_t *cfg, const struct key *key, const char *value)
{
	if (value[0] && (!verity_name_valid(value) || strlen(value) > VERITY_CHANNEL_MAX))
		return refuse(cfg,
			      "%s: '%s' is not a name of up to %d letters, digits, '.', "
			      "'_' and '-'",
			      key->name, value, VERITY_CHANNEL_MAX);
	return store_text(cfg, key, value);
}

/* Names on DATA that are in use already, or would be. */
static bool is_taken(const char *name)
{
	static const char *const names[] = {"config", "packages", "lost+found"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* An absolute path that has no part "", "." or ".."; "/" is one. */
static bool is_normal(const char *path, size_t size)
{
	if (size == 0 || path[0] != '/')
		return false;
	for (const char *part = path + 1; size > 1 && part <= path + size;) {
		size_t length = strcspn(part, "/:");

		/* "." is a part of "..", so both are meant */
		if (length == 0 || strncmp(part, "..", length) == 0)
			return false;
		part += length + 1;
	}
	return true;
}

static int take_seed(cfg_t *cfg, const struct key *key, const char *value)
{
	struct overlay_config *config = &reading_of(cfg)->config;
	const char *colon = strchr(value, ':');
	size_t size = colon ? (size_t)(colon - value) : 0;
	char *copy;

	if (size < 2 || !is_normal(value, size) || !verity_text_printable(value, size) ||
	    !verity_name_valid(colon + 1) || is_taken(colon + 1))
		return refuse(cfg,
			      "%s: '%s' is not /FOLDER:NAME, a folder of the root and a "
			      "name on DATA that is not in use already",
			      key->name, value);
	for (size_t i = 0; i < config->seeds_count; i++)
		if (strcmp(config->seeds[i].target, colon + 1) == 0)
			return refuse(cfg, "%s: two pairs have the name '%s'", key->name,
				      colon + 1);
	copy = strdup(value);
	if (!copy)
		return refuse(cfg, "out of memory");
	copy[size] = '\0';
	config->seeds[config->seeds_count++] =
		(struct overlay_seed){copy, copy + size + 1};
	return 0;
}

static bool is_within(const char *path, const char *folder)
{
	size_t size = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	return strncmp(path, folder, size) == 0 && (!path[size] || path[size] == '/');
}

static int take_hierarchy(cfg_t *cfg, const struct key *key, const char *value)
{
	/* what mount options and the kernel log can hold as it stands */
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789._+@/-";
	struct overlay_config *config = &reading_of(cfg)->config;
	size_t size = strlen(value);

	if (!is_normal(value, size) || size >= NAME_MAX || strspn(value, allowed) != size)
		return refuse(
			cfg,
			"%s: '%s' is not the absolute path of a folder, of letters, "
			"digits and ._+@-",
			key->name, value);
	if (overlay_protected_path(value))
		return refuse(cfg, "%s: '%s' belongs to the engine", key->name, value);
	for (size_t i = 0; i < config->hierarchies_count; i++) {
		const char *other = config->hierarchies[i];

		if (is_within(value, other) || is_within(other, value))
			return refuse(cfg, "%s: '%s' and '%s' overlap", key->name, other,
				      value);
	}
	config->hierarchies[config->hierarchies_count] = strdup(value);
	return config->hierarchies[config->hierarchies_count++]
		       ? 0
		       : refuse(cfg, "out of memory");
}

static int take_protect(cfg_t *cfg, const struct key *key, const char *value)
{
	struct overlay_config *config = &reading_of(cfg)->config;

	if (!is_normal(value, strlen(value)) || !value[1])
		return refuse(cfg,
			      "%s: '%s' is not the absolute path of a file or folder",
			      key->name, value);
	config->protect[config->protect_count] = strdup(value);
	return config->protect[config->protect_count++] ? 0
							: refuse(cfg, "out of memory");
}

static int take_upper(cfg_t *cfg, const struct key *key, const char *value)
{
	struct overlay_config *config = &reading_of(cfg)->config;
	const char *name = strncmp(value, "DATA/", 5) == 0 ? value + 5 : "";

	if (strcmp(value, "none") == 0)
		config->upper = OVERLAY_UPPER_NONE;
	else if (strcmp(value, "tmpfs") == 0)
		config->upper = OVERLAY_UPPER_TMPFS;
	else if (verity_name_valid(name) && !is_taken(name))
		config->upper = OVERLAY_UPPER_DATA;
	else
		return refuse(
			cfg,
			"%s: '%s' is neither 'none', 'tmpfs' nor DATA/NAME, a name on "
			"DATA that is not in use already",
			key->name, value);
	return store_text(cfg, key, name);
}

#define MEMBER(name)                                                                     \
	offsetof(struct overlay_config, name),                                           \
		sizeof(((struct overlay_config *)NULL)->name)
#define LIST(name)                                                                       \
	MEMBER(name), .count = offsetof(struct overlay_config, name##_count),            \
		      .step = sizeof(((struct overlay_config *)NULL)->name[0])

/* All keys there are. docs/configuration.md and wmopkg.conf.5 explain each of them. */
static const struct key keys[] = {
	{"data", take_volume, MEMBER(data), .text = "PARTLABEL=wmopkg-data"},
	{"persist", take_volume, MEMBER(persist), .text = "PARTLABEL=wmopkg-persist"},
	{"keys", take_path, MEMBER(keys), .text = "/etc/wmopkg/keys"},
	{"run", take_path, MEMBER(run), .text = "/run/wmopkg"},
	{"cmdline", take_path, MEMBER(cmdline), .text = "/proc/cmdline"},
	{"uboot_env", take_path, MEMBER(uboot_env), .text = "/etc/fw_env.config"},
	{"authorities", take_path, MEMBER(authorities), .text = ""},
	{"known_hosts", take_path, MEMBER(known_hosts), .text = ""},
	{"fetch_user", take_text, MEMBER(fetch_user), .text = "nobody",
	 .most = OVERLAY_USER_MAX},
	{"serial", take_text, MEMBER(serial), .text = "", .most = VERITY_SERIAL_MAX},
	{"model", take_text, MEMBER(model), .text = "", .most = OVERLAY_MODEL_MAX},
	{"firmware_version", take_text, MEMBER(firmware_version), .text = "",
	 .most = VERITY_VERSION_MAX},
	{"firmware_built", take_number, MEMBER(firmware_built),
	 .number = WMOPKG_TIME_EPOCH, .least = 0, .most = VERITY_TIME_MAX},
	{"firmware_years", take_number, MEMBER(firmware_years),
	 .number = OVERLAY_FIRMWARE_YEARS, .least = 1,
	 .most = OVERLAY_FIRMWARE_YEARS_MAX},
	{"anchor", take_word, MEMBER(anchor), .words = "none efi always"},
	{"signers", take_signer, LIST(signers), .most = OVERLAY_SIGNERS_MAX,
	 .items = "names"},
	{"signers_needed", take_word, MEMBER(all_signers), .words = "one all"},
	{"timestamp", take_word, MEMBER(timestamp_required),
	 .words = "optional required"},
	{"verify", take_word, MEMBER(verify), .words = "full lazy"},
	{"require_persist", take_word, MEMBER(require_persist), .words = "no yes"},
	{"require_packages", take_required, LIST(require_packages),
	 .most = OVERLAY_REQUIRED_MAX, .items = "names"},
	{"require_else", take_word, MEMBER(require_else),
	 .words = "reboot poweroff halt shell"},
	{"factory_reset", take_word, MEMBER(console_only), .words = "any console"},
	{"discard", take_word, MEMBER(discard), .words = "no yes"},
	{"seed", take_seed, LIST(seeds), .most = OVERLAY_SEEDS_MAX, .items = "pairs"},
	{"hierarchies", take_hierarchy, LIST(hierarchies),
	 .most = OVERLAY_HIERARCHIES_MAX, .items = "folders"},
	{"protect", take_protect, LIST(protect), .most = OVERLAY_PROTECT_MAX,
	 .items = "paths"},
	{"upper", take_upper, MEMBER(upper_folder), .text = ""},
	{"catalog", take_catalog, LIST(catalogs), .most = OVERLAY_CATALOGS_MAX,
	 .items = "places"},
	{"channel", take_channel, MEMBER(channel), .text = ""},
	{"web_login", take_word, MEMBER(web_open), .words = "required none"},
	{"audit_bytes", take_number, MEMBER(audit_bytes), .number = OVERLAY_AUDIT_BYTES,
	 .least = OVERLAY_AUDIT_BYTES_MIN, .most = OVERLAY_AUDIT_BYTES_MAX},
	{"trials", take_number, MEMBER(trials), .number = OVERLAY_TRIALS_BOOTS,
	 .least = 0, .most = OVERLAY_TRIALS_BOOTS_MAX},
	{"package_seconds", take_number, MEMBER(package_seconds),
	 .number = OVERLAY_PACKAGE_SECONDS, .least = 0, .most = OVERLAY_SECONDS_MAX},
	{"boot_seconds", take_number, MEMBER(boot_seconds),
	 .number = OVERLAY_BOOT_SECONDS, .least = 0, .most = OVERLAY_SECONDS_MAX},
	{"memory_percent", take_number, MEMBER(memory_percent),
	 .number = OVERLAY_MEMORY_PERCENT, .least = 1, .most = 100},
};

/* Each item of a list begins with a pointer to the text that it owns. */
static void clear_list(struct overlay_config *config, const struct key *key)
{
	size_t *count = member_of(config, key->count);

	for (size_t i = 0; i < *count; i++)
		free(*(char **)member_of(config, key->offset + i * key->step));
	*count = 0;
}

void overlay_config_free(struct overlay_config *config)
{
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (keys[i].items)
			clear_list(config, &keys[i]);
		else if (keys[i].text)
			free(*(char **)member_of(config, keys[i].offset));
	}
	memset(config, 0, sizeof(*config));
}

/* The last value counts, which somebody who changes the first one does not expect. */
static void note_repeated(struct reading *reading, const struct key *key, unsigned count)
{
	unsigned *known = &reading->seen[key - keys].count;
	unsigned *calls = &reading->seen[key - keys].calls;
	bool ends = count == *known && ++*calls > 1;

	if (count < *known || ends)
		reading->config.repeated = key->name;
	if (count > *known)
		*calls = !key->items;
	*known = count;
}

/* Called after each value, and after each item of a list and its end. */
static int take(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct key *key = keys;
	unsigned count;
	int r = 0;

	while (strcmp(key->name, cfg_opt_name(opt)) != 0)
		key++;
	count = key->items ? cfg_opt_size(opt) : 1;
	note_repeated(reading_of(cfg), key, count);
	if (key->items && count > key->most)
		return refuse(cfg, "%s: over %" PRId64 " %s", key->name, key->most,
			      key->items);
	if (key->items)
		clear_list(&reading_of(cfg)->config, key);
	for (unsigned i = 0; r == 0 && i < count; i++) {
		const char *value = cfg_opt_getnstr(opt, i);

		r = key->take(cfg, key, value ? value : "");
	}
	return r;
}

static int parse(const char *text, struct reading *reading)
{
	struct overlay_config *config = &reading->config;
	static_assert(COUNT(keys) <= KEYS_MAX, "one place for each");
	cfg_opt_t opts[COUNT(keys) + 1] = {CFG_SIMPLE_STR(keys[0].name, &reading->first)};
	cfg_t *cfg;
	int r;

	for (size_t i = 1; i < COUNT(keys); i++)
		opts[i] = keys[i].items
				  ? (cfg_opt_t)CFG_STR_LIST(keys[i].name, NULL, CFGF_NONE)
				  : (cfg_opt_t)CFG_STR(keys[i].name, NULL, CFGF_NONE);
	opts[COUNT(keys)] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(opts, CFGF_NONE);
	if (!cfg)
		return verity_no_memory(reading->err);
	cfg_set_error_function(cfg, report);
	for (size_t i = 0; i < COUNT(keys); i++)
		cfg_set_validate_func(cfg, keys[i].name, take);
	r = cfg_parse_buf(cfg, text) == CFG_SUCCESS ? 0 : -EINVAL;
	if (r < 0 && !reading->failed)
		verity_fail(reading->err, VERITY_E_CONFIG, "%s: cannot be read",
			    reading->path);
	cfg_free(cfg);
	if (r < 0)
		return r;
	/* "/" lies within every other one, so it stands by itself: the whole root */
	if (config->hierarchies_count > 0 && !config->hierarchies[0][1]) {
		free((char *)(uintptr_t)config->hierarchies[0]);
		config->hierarchies_count = 0;
	}
	for (size_t i = 0; i < config->hierarchies_count; i++)
		for (size_t k = 0; k < config->protect_count; k++)
			if (is_within(config->hierarchies[i], config->protect[k]))
				return verity_fail(
					reading->err, VERITY_E_CONFIG,
					"%s: hierarchies: '%s' lies in '%s' of `protect`",
					reading->path, config->hierarchies[i],
					config->protect[k]);
	for (size_t i = 0; i < config->seeds_count; i++)
		if (strcmp(config->seeds[i].target, config->upper_folder) == 0)
			return verity_fail(reading->err, VERITY_E_CONFIG,
					   "%s: upper: DATA/%s is a target of `seed`",
					   reading->path, config->upper_folder);
	return 0;
}

static void reading_free(struct reading *reading)
{
	free(reading->first);
	overlay_config_free(&reading->config);
}

int overlay_config_load(const char *path, struct overlay_config *ret,
			struct verity_error *err)
{
	const char *file = path ? path : OVERLAY_CONFIG_PATH;
	struct verity_error unused = {.code = VERITY_OK};
	cleanup_with(reading_free) struct reading reading = {.path = file,
							     .err = err ? err : &unused};
	cleanup_free char *text = NULL;
	size_t size = 0;
	/* not by libconfuse, whose scanner ends the program where reading fails */
	int r = verity_io_load(AT_FDCWD, file, OVERLAY_CONFIG_MAX, &text, &size, err);

	if (r == -ENOENT && !path)
		r = 0;
	if (r == -EINVAL && err)
		err->code = VERITY_E_CONFIG;
	if (r == 0 && text && strlen(text) != size)
		return verity_fail(err, VERITY_E_CONFIG, "%s: not a text", file);
	for (size_t i = 0; r == 0 && i < COUNT(keys); i++) {
		const struct key *key = &keys[i];

		if (key->text &&
		    !replace_text(member_of(&reading.config, key->offset), key->text))
			return verity_no_memory(err);
		if (!key->text && !key->items)
			store_number(&reading.config, key, key->number);
	}
	if (r == 0 && text)
		r = parse(text, &reading);
	if (r < 0)
		return r;
	if (err)
		*err = (struct verity_error){0};
	verity_debug("configuration: %s%s", file,
		     text ? "" : ": missing, defaults apply");
	*ret = reading.config;
	memset(&reading.config, 0, sizeof(reading.config));
	return 0;
}

int64_t overlay_config_latest(const struct overlay_config *config)
{
	int64_t first = config->firmware_built > WMOPKG_TIME_EARLIEST
				? config->firmware_built
				: WMOPKG_TIME_EARLIEST;
	int64_t latest = first + (int64_t)config->firmware_years * YEAR_SECONDS;

	return latest < VERITY_TIME_MAX ? latest : VERITY_TIME_MAX;
}

struct overlay_protect overlay_config_protect(const struct overlay_config *config)
{
	struct overlay_protect protect = {.paths = {config->keys}, .count = 1};

	for (size_t i = 0; i < config->protect_count; i++)
		protect.paths[protect.count++] = config->protect[i];
	return protect;
}
