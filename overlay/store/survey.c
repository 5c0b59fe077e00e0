/* SPDX-License-Identifier: MIT */
/* Lists the files of a store within limits of memory and work. */
#include "overlay/store/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "verity/util/dir.h"

typedef char entry_name[VERITY_NAME_MAX + 1];

/* The names that come first in byte order, as many as are looked at. */
struct names {
	entry_name *items; /* owned; a heap, the last name on top, until it is sorted */
	size_t count;
	uint64_t over; /* names that found no space */
};

/* One file that was looked at. */
struct look {
	dev_t device;
	ino_t inode;
};

struct walk {
	int folder;
	enum overlay_store_kind kind;
	struct overlay_entry *entries; /* owned; of this store */
	struct look *looks;            /* owned; of the same index */
	size_t count;
	size_t junk; /* of the entries */
	struct overlay_unlisted unlisted;
};

void overlay_survey_free(struct overlay_survey *survey)
{
	free(survey->entries);
	*survey = (struct overlay_survey){.count = 0};
}

static void names_free(struct names *names)
{
	free(names->items);
}

static void walk_free(struct walk *walk)
{
	free(walk->entries);
	free(walk->looks);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void swap_names(entry_name *items, size_t a, size_t b)
{
	entry_name held;

	memcpy(held, items[a], sizeof(held));
	memcpy(items[a], items[b], sizeof(held));
	memcpy(items[b], held, sizeof(held));
}

static void sift_up(struct names *names)
{
	for (size_t at = names->count - 1, up; at > 0; at = up) {
		up = (at - 1) / 2;
		if (strcmp(names->items[up], names->items[at]) >= 0)
			return;
		swap_names(names->items, up, at);
	}
}

static void sift_down(struct names *names)
{
	for (size_t at = 0, down; (down = 2 * at + 1) < names->count; at = down) {
		if (down + 1 < names->count &&
		    strcmp(names->items[down], names->items[down + 1]) < 0)
			down++;
		if (strcmp(names->items[at], names->items[down]) >= 0)
			return;
		swap_names(names->items, at, down);
	}
}

static int add_name(struct names *names, const char *name, struct verity_error *err)
{
	size_t count = names->count;

	if (count == OVERLAY_SURVEY_LOOKED_MAX) {
		names->over++;
		if (strcmp(name, names->items[0]) >= 0)
			return 0;
		strcpy(names->items[0], name);
		sift_down(names);
		return 0;
	}
	if ((count & (count - 1)) == 0) { /* full at each power of two */
		entry_name *grown =
			reallocarray(names->items, count ? count * 2 : 1, sizeof(*grown));

		if (!grown)
			return verity_no_memory(err);
		names->items = grown;
	}
	strcpy(names->items[names->count++], name);
	sift_up(names);
	return 0;
}

/* What begins with a dot is ours: an installation that is not complete. */
static int read_names(int folder, struct names *names, uint64_t *ret_junk,
		      struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	char name[VERITY_NAME_MAX + 1];
	const struct dirent *item;
	size_t count = 0;
	int r = verity_dir_open(folder, ".", &dir);

	while (r == 0 && count < OVERLAY_SURVEY_READ_MAX) {
		r = verity_dir_next(dir, &item);
		if (r <= 0)
			break;
		r = 0;
		count++;
		if (item->d_name[0] == '.')
			continue;
		if (!overlay_entry_name(item->d_name, name))
			(*ret_junk)++;
		else if (add_name(names, name, err) < 0)
			return -ENOMEM;
	}
	return r < 0 ? verity_fail_errno(err, -r, "store") : 0;
}

/* @listed: how many names of @first were added; none of them is added again */
static void look_at(struct walk *walk, const char *name, size_t listed)
{
	struct overlay_entry entry = {.kind = walk->kind};
	char file[OVERLAY_FILE_BYTES];
	bool junk, link = false;
	struct stat st;

	snprintf(entry.name, sizeof(entry.name), "%s", name);
	for (size_t i = 0; i < listed; i++)
		if (strcmp(walk->entries[i].name, name) == 0)
			return;
	if (walk->count == OVERLAY_SURVEY_ENTRIES_MAX) {
		walk->unlisted.over++;
		return;
	}
	overlay_entry_file(&entry, file);
	if (fstatat(walk->folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return;
		/* reading it fails, too, and says why */
		st = (struct stat){.st_mode = 0};
	}
	junk = !S_ISREG(st.st_mode) || st.st_size < OVERLAY_SURVEY_BYTES_MIN;
	for (size_t i = 0; i < walk->count && S_ISREG(st.st_mode) && st.st_nlink > 1; i++)
		link = link || (walk->looks[i].inode == st.st_ino &&
				walk->looks[i].device == st.st_dev);
	if (link) {
		walk->unlisted.links++;
	} else if (junk && walk->junk == OVERLAY_SURVEY_JUNK_MAX) {
		walk->unlisted.junk++;
	} else {
		walk->junk += junk;
		walk->looks[walk->count] = (struct look){st.st_dev, st.st_ino};
		walk->entries[walk->count++] = entry;
	}
}

int overlay_survey_add(const struct overlay_store *store, enum overlay_store_kind kind,
		       const struct overlay_entry *first, size_t first_count,
		       struct overlay_survey *survey, struct verity_error *err)
{
	cleanup_with(names_free) struct names names = {.count = 0};
	cleanup_with(walk_free) struct walk walk = {
		.folder = overlay_store_folder(store, kind),
		.kind = kind,
		.entries = calloc(OVERLAY_SURVEY_ENTRIES_MAX, sizeof(*walk.entries)),
		.looks = calloc(OVERLAY_SURVEY_ENTRIES_MAX, sizeof(*walk.looks)),
	};
	struct overlay_entry *grown;
	size_t listed;
	int r = 0;

	if (!walk.entries || !walk.looks)
		return verity_no_memory(err);
	if (walk.folder >= 0)
		r = read_names(walk.folder, &names, &walk.unlisted.junk, err);
	if (r < 0 || walk.folder < 0)
		return r;
	walk.unlisted.over = names.over;
	if (names.count > 1)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	for (size_t i = 0; i < first_count; i++)
		if (first[i].kind == kind)
			look_at(&walk, first[i].name, walk.count);
	listed = walk.count;
	for (size_t i = 0; i < listed; i++)
		if (!bsearch(walk.entries[i].name, names.items, names.count,
			     sizeof(*names.items), compare_names))
			walk.unlisted.over--;
	for (size_t i = 0; i < names.count; i++)
		look_at(&walk, names.items[i], listed);
	grown = reallocarray(survey->entries, survey->count + walk.count + 1,
			     sizeof(*grown));
	if (!grown)
		return verity_no_memory(err);
	memcpy(grown + survey->count, walk.entries, walk.count * sizeof(*grown));
	survey->entries = grown;
	survey->count += walk.count;
	survey->unlisted[kind] = walk.unlisted;
	return 0;
}
