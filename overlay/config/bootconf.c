/* SPDX-License-Identifier: MIT */
#include "overlay/config/bootconf.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "overlay/config/bootconf_private.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* A word of the command line, its quotes left in place. */
struct word {
	const char *text;
	size_t size;
};

static bool is_space(char c)
{
	return c == '\0' || isspace((unsigned char)c);
}

/* As next_arg() of the kernel: blanks separate, but not between double quotes. */
static bool next_word(const char **text, const char *end, struct word *ret)
{
	const char *at = *text;
	bool quoted = false;

	while (at < end && is_space(*at))
		at++;
	ret->text = at;
	for (; at < end && (quoted || !is_space(*at)); at++)
		if (*at == '"')
			quoted = !quoted;
	ret->size = (size_t)(at - ret->text);
	*text = at;
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

static void add_disabled(struct word name, struct overlay_bootconf *conf)
{
	char *place = conf->disabled[conf->disabled_count];

	if (name.size == 0 || name.size > VERITY_NAME_MAX)
		return;
	memcpy(place, name.text, name.size);
	place[name.size] = '\0';
	if (strlen(place) != name.size || !verity_name_valid(place) ||
	    overlay_bootconf_disabled(conf, place))
		return;
	conf->disabled_count++;
}

static void take_disabled(struct word list, struct overlay_bootconf *conf)
{
	while (list.size > 0 && conf->disabled_count < OVERLAY_DISABLED_MAX) {
		const char *comma = memchr(list.text, ',', list.size);
		size_t size = comma ? (size_t)(comma - list.text) : list.size;

		add_disabled((struct word){list.text, size}, conf);
		size += comma ? 1 : 0;
		list.text += size;
		list.size -= size;
	}
}

static bool take_switch(struct word value, bool *ret)
{
	if (!equals(value, "1") && !equals(value, "0"))
		return false;
	*ret = equals(value, "1");
	return true;
}

/* Whether it says anything that we know. */
static bool take_value(enum overlay_bootkey key, struct word value,
		       struct overlay_bootconf *conf)
{
	switch (key) {
	case OVERLAY_BOOT_ALLOW_UNTRUSTED:
		return take_switch(value, &conf->allow_untrusted);
	case OVERLAY_BOOT_SAFE:
		return take_switch(value, &conf->safe);
	case OVERLAY_BOOT_FACTORY_RESET:
		return take_switch(value, &conf->factory_reset);
	case OVERLAY_BOOT_DISABLE:
		take_disabled(value, conf);
		return true;
	case OVERLAY_BOOT_MEDIA:
		return overlay_bootconf_take_media(value.text, value.size, conf);
	case OVERLAY_BOOTKEYS:
		break;
	}
	return false;
}

static void take_pair(struct word name, struct word value,
		      enum overlay_boot_origin origin, struct overlay_bootconf *conf)
{
	for (int key = 0; key < OVERLAY_BOOTKEYS; key++)
		if (equals(name, overlay_bootkey_name((enum overlay_bootkey)key)) &&
		    take_value((enum overlay_bootkey)key, value, conf))
			conf->origin[key] = origin;
}

static void take_word(struct word word, struct overlay_bootconf *conf)
{
	const char *sign;
	struct word key = unquoted(word);
	struct word value = {"1", 1};

	sign = memchr(key.text, '=', key.size);
	if (!sign && !equals(key, "wmopkg.safe"))
		return;
	if (sign) {
		value.text = sign + 1;
		value.size = key.size - (size_t)(value.text - key.text);
		value = unquoted(value);
		key.size = (size_t)(sign - key.text);
	}
	take_pair(key, value, OVERLAY_BOOT_CMDLINE, conf);
}

void overlay_bootconf_decode(const char *text, size_t size, struct overlay_bootconf *ret)
{
	const char *end = text + size;
	struct word word;

	memset(ret, 0, sizeof(*ret));
	while (next_word(&text, end, &word))
		take_word(word, ret);
}

void overlay_bootconf_take(enum overlay_bootkey key, const char *value,
			   struct overlay_bootconf *conf)
{
	if (take_value(key, (struct word){value, strlen(value)}, conf))
		conf->origin[key] = OVERLAY_BOOT_UBOOT;
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

static void put_over(const struct overlay_bootconf *conf, struct overlay_bootconf *ret)
{
	const enum overlay_boot_origin *said = conf->origin;

	if (said[OVERLAY_BOOT_ALLOW_UNTRUSTED])
		ret->allow_untrusted = conf->allow_untrusted;
	if (said[OVERLAY_BOOT_SAFE])
		ret->safe = conf->safe;
	if (said[OVERLAY_BOOT_FACTORY_RESET])
		ret->factory_reset = conf->factory_reset;
	if (said[OVERLAY_BOOT_DISABLE]) {
		memcpy(ret->disabled, conf->disabled, sizeof(ret->disabled));
		ret->disabled_count = conf->disabled_count;
	}
	if (said[OVERLAY_BOOT_MEDIA]) {
		memcpy(ret->media, conf->media, sizeof(ret->media));
		ret->media_count = conf->media_count;
	}
	for (size_t key = 0; key < OVERLAY_BOOTKEYS; key++)
		if (said[key])
			ret->origin[key] = said[key];
}

int overlay_bootconf_read(const char *uboot_env, const char *cmdline,
			  struct overlay_bootconf *ret, struct verity_error *err)
{
	struct overlay_bootconf conf = {.safe = false};
	int uboot, r;

	memset(ret, 0, sizeof(*ret));
	uboot = overlay_bootconf_uboot(uboot_env, ret, err);
	r = overlay_bootconf_load(cmdline, &conf, err);
	if (r < 0)
		return r;
	put_over(&conf, ret);
	return uboot;
}

bool overlay_bootconf_disabled(const struct overlay_bootconf *bootconf, const char *name)
{
	for (size_t i = 0; i < bootconf->disabled_count; i++)
		if (strcmp(bootconf->disabled[i], name) == 0)
			return true;
	return false;
}
