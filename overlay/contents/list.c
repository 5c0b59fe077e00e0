/* SPDX-License-Identifier: MIT */
/* Lists of paths: many small texts in few allocations, sorted once. */
#include "overlay/contents/list.h"

#include <stdint.h>
#include <string.h>

#define CHUNK_BYTES   (64 * 1024)
#define ENTRIES_LEAST 256

/* Texts are many and small, and are freed all at once. */
struct overlay_contents_text {
	struct overlay_contents_text *before;
	size_t used;
	char bytes[CHUNK_BYTES];
};

_Static_assert(CHUNK_BYTES > OVERLAY_CONTENTS_PATH_MAX, "any path fits a chunk");

void overlay_contents_free(struct overlay_contents *contents)
{
	struct overlay_contents_text *text = contents->text;

	while (text) {
		struct overlay_contents_text *before = text->before;

		free(text);
		text = before;
	}
	free(contents->entries);
	*contents = (struct overlay_contents){0};
}

int contents_list_text(struct contents_list *list, size_t bytes, char **ret,
		       struct verity_error *err)
{
	struct overlay_contents_text *text = list->contents.text;

	if (bytes > OVERLAY_CONTENTS_PATH_MAX)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a path or link target of more than %d bytes",
				   OVERLAY_CONTENTS_PATH_MAX);
	if (bytes + 1 > list->limits->text_bytes - list->text_bytes)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "image: its paths have more than %zu bytes together",
				   list->limits->text_bytes);
	if (!text || bytes + 1 > CHUNK_BYTES - text->used) {
		text = calloc(1, sizeof(*text));
		if (!text)
			return verity_no_memory(err);
		text->before = list->contents.text;
		list->contents.text = text;
	}
	*ret = text->bytes + text->used;
	text->used += bytes + 1;
	list->text_bytes += bytes + 1;
	return 0;
}

void contents_limits_lower(struct contents_limits *limits,
			   const struct overlay_contents *contents)
{
	limits->entries -= contents->count;
	for (size_t i = 0; i < contents->count; i++) {
		const struct overlay_contents_entry *entry = &contents->entries[i];

		limits->text_bytes -= strlen(entry->path) + 1;
		if (entry->target)
			limits->text_bytes -= strlen(entry->target) + 1;
	}
}

/* A name must be one to any other program that walks a tree. */
static int check_name(const char *name, size_t bytes, struct verity_error *err)
{
	if (bytes == 0 || bytes > OVERLAY_CONTENTS_NAME_MAX)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a name of %zu bytes; expected 1 to %d", bytes,
				   OVERLAY_CONTENTS_NAME_MAX);
	if (memchr(name, '/', bytes) || memchr(name, '\0', bytes))
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a name with a slash or a NUL byte");
	if (name[0] == '.' && (bytes == 1 || (bytes == 2 && name[1] == '.')))
		return verity_fail(err, VERITY_E_BAD_IMAGE, "image: a file named '%.*s'",
				   (int)bytes, name);
	return 0;
}

int contents_list_add(struct contents_list *list, const char *folder, const char *name,
		      size_t name_bytes, struct overlay_contents_entry **ret,
		      struct verity_error *err)
{
	struct overlay_contents *contents = &list->contents;
	size_t before = strlen(folder);
	char *path = NULL;
	int r = check_name(name, name_bytes, err);

	if (r < 0)
		return r;
	if (contents->count == list->limits->entries)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "image: more than %zu files and folders",
				   list->limits->entries);
	if (contents->count == list->allocated) {
		size_t more = list->allocated ? list->allocated + list->allocated / 2
					      : ENTRIES_LEAST;
		struct overlay_contents_entry *grown =
			reallocarray(contents->entries, more, sizeof(*grown));

		if (!grown)
			return verity_no_memory(err);
		contents->entries = grown;
		list->allocated = more;
	}
	r = contents_list_text(list, before + (before > 0) + name_bytes, &path, err);
	if (r < 0)
		return r;
	if (before) {
		memcpy(path, folder, before);
		path[before++] = '/';
	}
	memcpy(path + before, name, name_bytes);
	*ret = &contents->entries[contents->count++];
	**ret = (struct overlay_contents_entry){.path = path};
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct overlay_contents_entry *left = a;
	const struct overlay_contents_entry *right = b;

	return strcmp(left->path, right->path);
}

int contents_list_finish(struct contents_list *list, struct overlay_contents *ret,
			 struct verity_error *err)
{
	const struct overlay_contents *contents = &list->contents;

	if (contents->count)
		qsort(contents->entries, contents->count, sizeof(*contents->entries),
		      compare_paths);
	for (size_t i = 1; i < contents->count; i++)
		if (compare_paths(&contents->entries[i - 1], &contents->entries[i]) == 0)
			return verity_fail(err, VERITY_E_BAD_IMAGE,
					   "image: '%.128s' is there twice",
					   contents->entries[i].path);
	*ret = *contents;
	list->contents = (struct overlay_contents){0};
	return 0;
}

const struct overlay_contents_entry *overlay_contents_find(
	const struct overlay_contents *contents, const char *path)
{
	const struct overlay_contents_entry wanted = {.path = path};

	if (contents->count == 0)
		return NULL;
	return bsearch(&wanted, contents->entries, contents->count,
		       sizeof(*contents->entries), compare_paths);
}
