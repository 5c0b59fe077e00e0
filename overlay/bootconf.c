/* SPDX-License-Identifier: MIT */
#include "overlay/bootconf.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "verity/cleanup.h"
#include "verity/io.h"

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

static void take_switch(struct word value, bool *ret)
{
	if (equals(value, "1"))
		*ret = true;
	else if (equals(value, "0"))
		*ret = false;
}

static void take_word(struct word word, struct overlay_bootconf *conf)
{
	const char *sign;
	struct word key = unquoted(word);
	struct word value = {NULL, 0};

	sign = memchr(key.text, '=', key.size);
	if (sign) {
		value.text = sign + 1;
		value.size = key.size - (size_t)(value.text - key.text);
		value = unquoted(value);
		key.size = (size_t)(sign - key.text);
	}
	if (equals(key, "wmopkg.safe") && !sign)
		conf->safe = true;
	else if (equals(key, "wmopkg.safe"))
		take_switch(value, &conf->safe);
	else if (equals(key, "wmopkg.allow_untrusted") && sign)
		take_switch(value, &conf->allow_untrusted);
	else if (equals(key, "wmopkg.disable") && sign)
		take_disabled(value, conf);
}

void overlay_bootconf_decode(const char *text, size_t size, struct overlay_bootconf *ret)
{
	const char *end = text + size;
	struct word word;

	memset(ret, 0, sizeof(*ret));
	while (next_word(&text, end, &word))
		take_word(word, ret);
}

int overlay_bootconf_load(const char *path, struct overlay_bootconf *ret,
			  struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = verity_io_load(AT_FDCWD, path, OVERLAY_CMDLINE_MAX, &text, &size, err);

	if (r < 0)
		return r;
	overlay_bootconf_decode(text, size, ret);
	return 0;
}

bool overlay_bootconf_disabled(const struct overlay_bootconf *bootconf, const char *name)
{
	for (size_t i = 0; i < bootconf->disabled_count; i++)
		if (strcmp(bootconf->disabled[i], name) == 0)
			return true;
	return false;
}
