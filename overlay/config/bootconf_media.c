/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "overlay/config/bootconf_private.h"
#include "verity/util/text.h"

static const struct {
	const char *prefix;
	enum overlay_match kind;
	bool is_part; /* of the value */
} matches[] = {
	{"LABEL=", OVERLAY_MATCH_LABEL, false},
	{"UUID=", OVERLAY_MATCH_UUID, false},
	{"PARTLABEL=", OVERLAY_MATCH_PARTLABEL, false},
	{"/dev/", OVERLAY_MATCH_DEVICE, true},
};

#define MATCH_COUNT (sizeof(matches) / sizeof(matches[0]))

/* Where the value of @match begins; NULL where it is of no known kind, or empty. */
static const char *match_value(const char *match, enum overlay_match *ret)
{
	for (size_t i = 0; i < MATCH_COUNT; i++) {
		size_t size = strlen(matches[i].prefix);

		if (strncmp(match, matches[i].prefix, size) != 0 || !match[size])
			continue;
		*ret = matches[i].kind;
		return matches[i].is_part ? match : match + size;
	}
	return NULL;
}

enum overlay_match overlay_media_match(const struct overlay_media *media,
				       const char **ret_value)
{
	enum overlay_match kind = OVERLAY_MATCH_DEVICE;
	const char *value = match_value(media->match, &kind);

	*ret_value = value ? value : "";
	return kind;
}

static bool leads_up(const char *path)
{
	size_t size = strlen(path);

	return strstr(path, "/../") || (size >= 3 && strcmp(path + size - 3, "/..") == 0);
}

/* Takes @size bytes as they are, if they fit and hold no 0. */
static bool copy(char *place, size_t room, const char *text, size_t size)
{
	if (size == 0 || size >= room || memchr(text, '\0', size))
		return false;
	memcpy(place, text, size);
	place[size] = '\0';
	return true;
}

static bool decode_one(const char *text, size_t size, struct overlay_media *ret)
{
	const char *colon = memchr(text, ':', size);
	size_t label = colon ? (size_t)(colon - text) : 0;
	enum overlay_match kind;

	return colon && copy(ret->label, sizeof(ret->label), text, label) &&
	       copy(ret->match, sizeof(ret->match), colon + 1, size - label - 1) &&
	       verity_name_valid(ret->label) &&
	       strcmp(ret->label, OVERLAY_MEDIA_EXTERNAL) != 0 &&
	       verity_text_printable(ret->match, strlen(ret->match)) &&
	       match_value(ret->match, &kind) &&
	       (kind != OVERLAY_MATCH_DEVICE || !leads_up(ret->match));
}

/* The last word on a label counts. */
static struct overlay_media *place_of(struct overlay_bootconf *conf, const char *label)
{
	for (size_t i = 0; i < conf->media_count; i++)
		if (strcmp(conf->media[i].label, label) == 0)
			return &conf->media[i];
	return conf->media_count < OVERLAY_MEDIA_MAX ? &conf->media[conf->media_count++]
						     : NULL;
}

bool overlay_bootconf_take_media(const char *text, size_t size,
				 struct overlay_bootconf *conf)
{
	bool said = size == 0;

	while (size > 0) {
		const char *comma = memchr(text, ',', size);
		size_t taken = comma ? (size_t)(comma - text) : size;
		struct overlay_media media = {.label = ""};
		struct overlay_media *place = NULL;

		if (decode_one(text, taken, &media))
			place = place_of(conf, media.label);
		if (place) {
			*place = media;
			said = true;
		}
		taken += comma ? 1 : 0;
		text += taken;
		size -= taken;
	}
	return said;
}
