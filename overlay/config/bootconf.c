/* SPDX-License-Identifier: MIT */
/* Decodes and prints the boot configuration by one table of its keys. */
#include "overlay/config/bootconf.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "overlay/config/uboot.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* A piece of text, not 0-terminated. */
struct word {
	const char *text;
	size_t size;
};

enum type {
	SWITCH,
	NAMES,
	MEDIA,
};

#define END_OF(member)                                                                   \
	(offsetof(struct overlay_bootconf, member) +                                     \
	 sizeof(((struct overlay_bootconf *)NULL)->member))
#define MEMBERS(first, last)                                                             \
	offsetof(struct overlay_bootconf, first),                                        \
		END_OF(last) - offsetof(struct overlay_bootconf, first)

/*
 * All keys there are, on the kernel command line and in the U-Boot environment alike.
 * docs/boot.md and wmopkg-boot.7 explain each of them.
 */
static const struct {
	const char *name;
	enum type type;
	size_t offset, size; /* of the members of struct overlay_bootconf */
	bool bare;           /* on the command line: without a value it is 1 */
} keys[OVERLAY_BOOTKEYS] = {
	[OVERLAY_BOOT_ALLOW_UNTRUSTED] = {"wmopkg.allow_untrusted", SWITCH,
					  MEMBERS(allow_untrusted, allow_untrusted),
					  false},
	[OVERLAY_BOOT_SAFE] = {"wmopkg.safe", SWITCH, MEMBERS(safe, safe), true},
	[OVERLAY_BOOT_FACTORY_RESET] = {"wmopkg.factory_reset", SWITCH,
					MEMBERS(factory_reset, factory_reset), false},
	[OVERLAY_BOOT_DISABLE] = {"wmopkg.disable", NAMES,
				  MEMBERS(disabled, disabled_count), false},
	[OVERLAY_BOOT_MEDIA] = {"wmopkg.media", MEDIA, MEMBERS(media, media_count),
				false},
	[OVERLAY_BOOT_DEBUG] = {"wmopkg.debug", SWITCH, MEMBERS(debug, debug), true},
};

/* After "takes". */
static const char *const takes[] = {
	[SWITCH] = "0 or 1",
	[NAMES] = "package names, each once, with a comma between them",
	[MEDIA] = ("LABEL:MATCH[,LABEL:MATCH...], where MATCH is LABEL=, UUID=, "
		   "PARTLABEL=, or a path below /dev"),
};

static bool is_space(char c)
{
	return c == '\0' || isspace((unsigned char)c);
}

/* As next_arg() of the kernel: blanks separate, but not between double quotes. */
static bool next_word(struct word *text, struct word *ret)
{
	const char *at = text->text, *end = at + text->size;
	bool quoted = false;

	while (at < end && is_space(*at))
		at++;
	ret->text = at;
	for (; at < end && (quoted || !is_space(*at)); at++)
		if (*at == '"')
			quoted = !quoted;
	ret->size = (size_t)(at - ret->text);
	*text = (struct word){at, (size_t)(end - at)};
	return ret->size > 0;
}

/* Quotes may stand around the whole word or around its value; the kernel drops both. */
static struct word unquoted(struct word word)
{
	if (word.size > 0 && word.text[0] == '"') {
		word.text++;
		word.size--;
	}
	if (word.size > 0 && word.text[word.size - 1] == '"')
		word.size--;
	return word;
}

static bool equals(struct word word, const char *text)
{
	return word.size == strlen(text) && memcmp(word.text, text, word.size) == 0;
}

/* The next item of a list with commas. */
static bool next_item(struct word *list, struct word *ret)
{
	const char *comma = memchr(list->text, ',', list->size);
	size_t size = comma ? (size_t)(comma - list->text) : list->size;

	if (list->size == 0)
		return false;
	*ret = (struct word){list->text, size};
	size += comma ? 1 : 0;
	*list = (struct word){list->text + size, list->size - size};
	return true;
}

static bool take_name(struct word item, struct overlay_bootconf *conf)
{
	char name[VERITY_NAME_MAX + 1];

	if (item.size > VERITY_NAME_MAX)
		return false;
	memcpy(name, item.text, item.size);
	name[item.size] = '\0';
	if (strlen(name) != item.size || !verity_name_valid(name))
		return false;
	if (overlay_bootconf_disabled(conf, name))
		return true;
	if (conf->disabled_count == OVERLAY_DISABLED_MAX)
		return false;
	memcpy(conf->disabled[conf->disabled_count++], name, item.size + 1);
	return true;
}

/* The last entry for a label counts. */
static bool take_media(struct word item, struct overlay_bootconf *conf)
{
	struct overlay_media media;
	size_t at = 0;

	if (!overlay_media_decode(item.text, item.size, &media))
		return false;
	while (at < conf->media_count && strcmp(conf->media[at].label, media.label) != 0)
		at++;
	if (at == OVERLAY_MEDIA_MAX)
		return false;
	conf->media[at] = media;
	if (at == conf->media_count)
		conf->media_count++;
	return true;
}

/* A value that is not understood sets nothing. An empty list is one. */
static void take(enum overlay_bootkey key, struct word value,
		 enum overlay_boot_origin origin, struct overlay_bootconf *conf)
{
	bool *on = (bool *)((char *)conf + keys[key].offset);
	bool known = true, whole = true;
	struct word item;

	switch (keys[key].type) {
	case SWITCH:
		known = equals(value, "0") || equals(value, "1");
		if (known)
			*on = equals(value, "1");
		break;
	case NAMES:
		while (next_item(&value, &item))
			whole &= item.size == 0 || take_name(item, conf);
		break;
	case MEDIA:
		known = value.size == 0;
		while (next_item(&value, &item)) {
			bool taken = take_media(item, conf);

			known |= taken;
			whole &= item.size == 0 || taken;
		}
		break;
	}
	if (known)
		conf->origin[key] = origin;
	if (!known || !whole)
		conf->unused[key] |= (uint8_t)(1 << origin);
}

/* A word of the command line. @value: NULL where it has none. */
static void take_word(struct word name, const struct word *value,
		      struct overlay_bootconf *conf)
{
	static const char prefix[] = "wmopkg.";
	const struct word one = {"1", 1};

	for (unsigned key = 0; key < OVERLAY_BOOTKEYS; key++) {
		if (!equals(name, keys[key].name))
			continue;
		if (value || keys[key].bare)
			take(key, value ? *value : one, OVERLAY_BOOT_CMDLINE, conf);
		else
			conf->unused[key] |= 1 << OVERLAY_BOOT_CMDLINE;
		return;
	}
	if (!conf->unknown[0] && name.size >= strlen(prefix) &&
	    memcmp(name.text, prefix, strlen(prefix)) == 0)
		snprintf(conf->unknown, sizeof(conf->unknown), "%.*s", (int)name.size,
			 name.text);
}

void overlay_bootconf_decode(const char *text, size_t size, struct overlay_bootconf *ret)
{
	struct word rest = {text, size};
	struct word word;

	memset(ret, 0, sizeof(*ret));
	while (next_word(&rest, &word)) {
		struct word name = unquoted(word), value;
		const char *sign = memchr(name.text, '=', name.size);

		if (sign) {
			size_t before = (size_t)(sign - name.text);

			value = unquoted((struct word){sign + 1, name.size - before - 1});
			name.size = before;
		}
		take_word(name, sign ? &value : NULL, ret);
	}
}

int overlay_bootconf_load(const char *path, struct overlay_bootconf *ret,
			  struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = verity_io_load(AT_FDCWD, path, OVERLAY_CMDLINE_MAX, &text, &size, err);

	if (r == 0)
		overlay_bootconf_decode(text, size, ret);
	return r;
}

int overlay_bootconf_read(const char *uboot_env, const char *cmdline,
			  struct overlay_bootconf *ret, struct verity_error *err)
{
	struct overlay_bootconf conf = {.safe = false};
	const char *names[OVERLAY_BOOTKEYS];
	char *values[OVERLAY_BOOTKEYS];
	int uboot, r;

	memset(ret, 0, sizeof(*ret));
	for (unsigned key = 0; key < OVERLAY_BOOTKEYS; key++)
		names[key] = keys[key].name;
	uboot = overlay_uboot_read(uboot_env, names, OVERLAY_BOOTKEYS, values, err);
	for (unsigned key = 0; key < OVERLAY_BOOTKEYS; key++) {
		if (values[key])
			take(key, (struct word){values[key], strlen(values[key])},
			     OVERLAY_BOOT_UBOOT, ret);
		free(values[key]);
	}
	r = cmdline ? overlay_bootconf_load(cmdline, &conf, err) : 0;
	if (r < 0) {
		/* It may say 0, and goes before the environment. */
		ret->allow_untrusted = false;
		ret->origin[OVERLAY_BOOT_ALLOW_UNTRUSTED] = OVERLAY_BOOT_UNSET;
		return r;
	}
	memcpy(ret->unknown, conf.unknown, sizeof(ret->unknown));
	for (unsigned key = 0; key < OVERLAY_BOOTKEYS; key++) {
		ret->unused[key] |= conf.unused[key];
		if (!conf.origin[key])
			continue;
		ret->origin[key] = conf.origin[key];
		memcpy((char *)ret + keys[key].offset, (char *)&conf + keys[key].offset,
		       keys[key].size);
	}
	return uboot;
}

bool overlay_bootconf_unused(const struct overlay_bootconf *conf, unsigned *at,
			     struct verity_error *ret)
{
	static const enum overlay_boot_origin origins[] = {OVERLAY_BOOT_UBOOT,
							   OVERLAY_BOOT_CMDLINE};
	struct verity_error unknown;
	enum overlay_bootkey unused;

	while (*at < 2 * OVERLAY_BOOTKEYS) {
		unsigned key = *at / 2, origin = origins[(*at)++ % 2];

		if (!(conf->unused[key] & 1 << origin))
			continue;
		(void)!verity_fail(
			ret, VERITY_E_USAGE, "%s: %s: %s has no effect (%s takes %s)",
			origin == OVERLAY_BOOT_UBOOT ? "U-Boot environment"
						     : "kernel command line",
			keys[key].name,
			keys[key].type == SWITCH ? "its value is not understood and"
						 : "what is not understood of its value",
			keys[key].name, takes[keys[key].type]);
		return true;
	}
	if ((*at)++ > 2 * OVERLAY_BOOTKEYS || !conf->unknown[0] ||
	    overlay_bootkey_find(conf->unknown, &unused, &unknown) == 0)
		return false;
	(void)!verity_fail(ret, VERITY_E_USAGE, "kernel command line: %s",
			   unknown.message);
	return true;
}

int overlay_bootconf_set(const char *uboot_env, enum overlay_bootkey key,
			 const char *value, bool *ret_counts, struct verity_error *err)
{
	return overlay_uboot_write(uboot_env, keys[key].name, value, ret_counts, err);
}

bool overlay_bootconf_disabled(const struct overlay_bootconf *bootconf, const char *name)
{
	for (size_t i = 0; i < bootconf->disabled_count; i++)
		if (strcmp(bootconf->disabled[i], name) == 0)
			return true;
	return false;
}

const char *overlay_bootkey_name(enum overlay_bootkey key)
{
	return keys[key].name;
}

const char *overlay_bootkey_short(enum overlay_bootkey key)
{
	return keys[key].name + strlen("wmopkg.");
}

const char *overlay_bootkey_takes(enum overlay_bootkey key)
{
	return takes[keys[key].type];
}

bool overlay_bootkey_is_switch(enum overlay_bootkey key)
{
	return keys[key].type == SWITCH;
}

int overlay_bootkey_find(const char *text, enum overlay_bootkey *ret,
			 struct verity_error *err)
{
	char names[256] = "";
	size_t used = 0;

	for (unsigned key = 0; key < OVERLAY_BOOTKEYS; key++) {
		const char *part = overlay_bootkey_short(key);

		if (strcmp(text, keys[key].name) == 0 || strcmp(text, part) == 0) {
			*ret = key;
			return 0;
		}
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 key ? ", " : "", part);
	}
	return verity_fail(err, VERITY_E_USAGE,
			   "unknown boot configuration key '%s'; expected: %s", text,
			   names);
}

void overlay_bootkey_value(const struct overlay_bootconf *conf, enum overlay_bootkey key,
			   char *ret, size_t size)
{
	const bool *on = (const bool *)((const char *)conf + keys[key].offset);
	size_t used = 0;

	ret[0] = '\0';
	if (!conf->origin[key])
		return;
	switch (keys[key].type) {
	case SWITCH:
		snprintf(ret, size, "%d", *on);
		break;
	case NAMES:
		for (size_t i = 0; i < conf->disabled_count && used < size; i++)
			used += (size_t)snprintf(ret + used, size - used, "%s%s",
						 i ? "," : "", conf->disabled[i]);
		break;
	case MEDIA:
		for (size_t i = 0; i < conf->media_count && used < size; i++)
			used += (size_t)snprintf(ret + used, size - used, "%s%s:%s",
						 i ? "," : "", conf->media[i].label,
						 conf->media[i].match);
		break;
	}
}

/* What is understood completely is printed as it was written. */
int overlay_bootkey_check(enum overlay_bootkey key, const char *value,
			  struct verity_error *err)
{
	struct overlay_bootconf conf = {.safe = false};
	char understood[OVERLAY_BOOT_VALUE_MAX];

	take(key, (struct word){value, strlen(value)}, OVERLAY_BOOT_UBOOT, &conf);
	overlay_bootkey_value(&conf, key, understood, sizeof(understood));
	if (value[0] && strcmp(understood, value) == 0)
		return 0;
	return verity_fail(err, VERITY_E_USAGE, "%s takes %s", keys[key].name,
			   overlay_bootkey_takes(key));
}
