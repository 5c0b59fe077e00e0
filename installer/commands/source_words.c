/* SPDX-License-Identifier: MIT */
/* From the words of a command to a source. */
#include "installer/commands/source_words.h"

#include "installer/common/report.h"
#include "installer/fetch/source_open.h"
#include "installer/media/open.h"
#include "installer/receive/device_source.h"
#include "verity/util/cleanup.h"

/* A path on a server or a medium has another help where it is not that of a package. */
static const char *path_of(const struct words *words)
{
	static const enum word paths[] = {WORD_SERVER_PATH, WORD_SERVER_FILE,
					  WORD_MEDIA_PATH, WORD_MEDIA_FILE};
	const char *path = NULL;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		path = path ?: words->values[paths[i]];
	return path;
}

static const char *where_of(const struct words *words)
{
	return words->values[WORD_SOURCE] ?: words->values[WORD_FILE]
		       ?: words->values[WORD_SET];
}

bool source_words_given(const struct words *words)
{
	return path_of(words) || where_of(words);
}

bool source_words_remote(const struct words *words)
{
	return path_of(words) || (where_of(words) && source_is_url(where_of(words)));
}

int source_of_words(struct device *device, const struct words *words, bool any_name,
		    struct source **ret, struct verity_error *err)
{
	struct source_request request = {
		.where = where_of(words),
		.protocol = words->values[WORD_PROTOCOL],
		.address = words->values[WORD_ADDRESS],
		.path = path_of(words),
		.user = words->values[WORD_USER],
		.password = words->values[WORD_PASSWORD],
		.any_name = any_name,
	};

	if (words_has(words, WORD_MEDIA))
		return media_source_open(device, words->values[WORD_MEDIA], request.path,
					 any_name, ret, err);
	if (request.where && !source_is_url(request.where) &&
	    (request.user || request.password))
		report_warning("%s: user and password are not used for a file on this "
			       "device",
			       request.where);
	return device_source_open(device, &request, ret, err);
}
