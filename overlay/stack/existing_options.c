/* SPDX-License-Identifier: MIT */
#include "overlay/stack/existing_options.h"

#include <string.h>

#include "verity/util/cleanup.h"

static const char *const features[OVERLAY_FORMER_FEATURES] = {
	[OVERLAY_FORMER_REDIRECT] = "redirect_dir",
	[OVERLAY_FORMER_METACOPY] = "metacopy",
	[OVERLAY_FORMER_INDEX] = "index",
};

const char *overlay_former_feature_name(enum overlay_former_feature feature)
{
	return features[feature];
}

void overlay_former_options_free(struct overlay_former_options *options)
{
	for (size_t i = 0; i < options->count; i++)
		free(options->lowers[i]);
	free(options->lowers);
	free(options->upper);
	free(options->work);
	*options = (struct overlay_former_options){0};
}

static bool is_octal(char byte)
{
	return byte >= '0' && byte <= '7';
}

void overlay_former_decode(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) &&
		    is_octal(text[3])) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

void overlay_former_unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1])
			text++;
		*to++ = *text++;
	}
	*to = '\0';
}

static int add_lower(struct overlay_former_options *options, const char *path,
		     size_t size, struct verity_error *err)
{
	char **grown = reallocarray(options->lowers, options->count + 1, sizeof(*grown));

	if (!grown)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	options->lowers = grown;
	grown[options->count] = strndup(path, size);
	if (!grown[options->count])
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	options->count++;
	return 0;
}

/* Up to the next colon that has no backslash before it. */
static size_t name_size(const char *text)
{
	size_t size = 0;

	while (text[size] && text[size] != ':')
		size += text[size] == '\\' && text[size + 1] ? 2 : 1;
	return size;
}

static int add_lowers(struct overlay_former_options *options, const char *text,
		      struct verity_error *err)
{
	int r = 0;

	while (r == 0) {
		size_t size = name_size(text);

		if (size == 0) /* "a::b": folders of data alone */
			return verity_fail(err, VERITY_E_STACK,
					   "it has lower folders of data alone");
		r = add_lower(options, text, size, err);
		if (r == 0)
			overlay_former_unescape(options->lowers[options->count - 1]);
		if (!text[size])
			break;
		text += size + 1;
	}
	return r;
}

static int set_path(char **place, const char *path, struct verity_error *err)
{
	free(*place);
	*place = strdup(path);
	return *place ? 0 : verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

/* What of the rest would change what is seen, or what an upper is worth. */
static int take_other(struct overlay_former_options *options, const char *key,
		      const char *value, struct verity_error *err)
{
	static const char *const refused[] = {"userxattr", "volatile", "datadir+",
					      "fsync"};

	for (size_t i = 0; i < OVERLAY_FORMER_FEATURES; i++)
		if (strcmp(key, features[i]) == 0)
			options->features[i] = strcmp(value, "on") == 0
						       ? OVERLAY_FORMER_ON
						       : OVERLAY_FORMER_OFF;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strcmp(key, refused[i]) == 0)
			return verity_fail(err, VERITY_E_STACK, "it is mounted with %s",
					   key);
	if (strcmp(key, "verity") == 0 && strcmp(value, "off") != 0)
		return verity_fail(err, VERITY_E_STACK, "it is mounted with verity=%s",
				   value);
	return 0;
}

static int take_word(struct overlay_former_options *options, char *word,
		     struct verity_error *err)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	else
		value = word + strlen(word);
	overlay_former_decode(value);
	if (strcmp(word, "lowerdir") == 0)
		return add_lowers(options, value, err);
	if (strcmp(word, "lowerdir+") == 0)
		return add_lower(options, value, strlen(value), err);
	if (strcmp(word, "upperdir") == 0)
		return set_path(&options->upper, value, err);
	if (strcmp(word, "workdir") == 0)
		return set_path(&options->work, value, err);
	return take_other(options, word, value, err);
}

int overlay_former_options_parse(const char *text, struct overlay_former_options *ret,
				 struct verity_error *err)
{
	cleanup_with(
		overlay_former_options_free) struct overlay_former_options options = {0};
	cleanup_free char *copy = strdup(text);
	char *at = copy;
	char *word;
	int r = 0;

	if (!copy)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	while (r == 0 && (word = strsep(&at, ",")))
		r = take_word(&options, word, err);
	if (r < 0)
		return r;
	if (options.count == 0 || !options.upper != !options.work)
		return verity_fail(err, VERITY_E_STACK,
				   "the kernel does not show what it is made of");
	*ret = options;
	options = (struct overlay_former_options){0};
	return 0;
}
