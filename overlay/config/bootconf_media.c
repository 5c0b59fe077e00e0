/* SPDX-License-Identifier: MIT */
/* LABEL:MATCH, decoded and checked. */
#include "overlay/config/bootconf_media.h"

#include <string.h>

#include "verity/util/text.h"

/* Where the value of @match begins; NULL where it is of no known kind, or empty. */
static const char *match_value(const char *match, enum overlay_match *ret)
{
	static const struct {
		const char *prefix;
		enum overlay_match kind;
	} matches[] = {
		{"LABEL=", OVERLAY_MATCH_LABEL},
		{"UUID=", OVERLAY_MATCH_UUID},
		{"PARTLABEL=", OVERLAY_MATCH_PARTLABEL},
		{"/dev/", OVERLAY_MATCH_DEVICE},
	};

	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		size_t size = strlen(matches[i].prefix);

		if (strncmp(match, matches[i].prefix, size) != 0 || !match[size])
			continue;
		*ret = matches[i].kind;
		return *ret == OVERLAY_MATCH_DEVICE ? match : match + size;
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

/* Takes @size bytes as they are, if they fit and hold no 0. */
static bool copy(char *ret, size_t room, const char *text, size_t size)
{
	if (size == 0 || size >= room || memchr(text, '\0', size))
		return false;
	memcpy(ret, text, size);
	ret[size] = '\0';
	return true;
}

bool overlay_media_decode(const char *text, size_t size, struct overlay_media *ret)
{
	const char *colon = memchr(text, ':', size);
	struct overlay_media media;
	enum overlay_match kind;
	size_t length;

	if (!colon ||
	    !copy(media.label, sizeof(media.label), text, (size_t)(colon - text)) ||
	    !copy(media.match, sizeof(media.match), colon + 1,
		  size - (size_t)(colon + 1 - text)) ||
	    !verity_name_valid(media.label) ||
	    strcmp(media.label, OVERLAY_MEDIA_EXTERNAL) == 0)
		return false;
	length = strlen(media.match);
	if (!verity_text_printable(media.match, length) ||
	    !match_value(media.match, &kind))
		return false;
	if (kind == OVERLAY_MATCH_DEVICE &&
	    (strstr(media.match, "/../") || strcmp(media.match + length - 3, "/..") == 0))
		return false;
	*ret = media;
	return true;
}
