/* SPDX-License-Identifier: MIT */
#include "installer/shell/complete.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/common/layout.h"
#include "overlay/config/bootconf.h"
#include "overlay/store/store.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define CANDIDATES_MAX 4096
#define EXPLAIN_INDENT 18

DEFINE_CLEANUP(struct device, device_free);

static void candidates_free_p(struct candidates *candidates)
{
	candidates_free(candidates);
}

void candidates_free(struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++)
		free(candidates->items[i].text);
	free(candidates->items);
	*candidates = (struct candidates){.count = 0};
}

/* @text is taken over. */
static int add_owned(struct candidates *candidates, char *text, bool more)
{
	struct candidate *items;

	if (!text)
		return -ENOMEM;
	if (candidates->count >= CANDIDATES_MAX) {
		free(text);
		return 0;
	}
	items = reallocarray(candidates->items, candidates->count + 1, sizeof(*items));
	if (!items) {
		free(text);
		return -ENOMEM;
	}
	items[candidates->count] = (struct candidate){.text = text, .more = more};
	candidates->items = items;
	candidates->count++;
	return 0;
}

static bool begins(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

static int add(struct candidates *candidates, const char *begin, const char *text)
{
	return begins(text, begin) ? add_owned(candidates, strdup(text), false) : 0;
}

static int add_commands(struct candidates *candidates, const struct complete_place *place)
{
	int r = 0;

	for (size_t i = 0; r == 0 && command_at(i); i++)
		if (command_at(i)->places & place->place)
			r = add(candidates, place->begin, command_at(i)->name);
	return r;
}

static int add_protocols(struct candidates *candidates, const char *begin)
{
	int r = 0;

	for (size_t i = 0; r == 0 && protocol_at(i); i++)
		r = add(candidates, begin, protocol_at(i));
	return r;
}

/* The short names: people type them, and the long ones begin all alike. */
static int add_boot_words(struct candidates *candidates, const char *begin)
{
	int r = 0;

	for (int key = 0; r == 0 && key < OVERLAY_BOOTKEYS; key++) {
		const char *name = overlay_bootkey_name((enum overlay_bootkey)key);

		r = add(candidates, begin, strchr(name, '.') + 1);
	}
	return r;
}

static int add_packages(struct candidates *candidates, const struct complete_place *place)
{
	cleanup_with(device_free_p) struct device *device = NULL;
	cleanup_free struct overlay_entry *entries = NULL;
	struct overlay_store *store;
	struct verity_error unused;
	size_t count;
	int r = 0;

	if (device_open(place->config, &device, &unused) < 0 ||
	    device_store(device, &store, &unused) < 0 ||
	    overlay_store_list(store, &entries, &count, &unused) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add(candidates, place->begin, entries[i].name);
	return r;
}

static int add_media(struct candidates *candidates, const struct complete_place *place)
{
	cleanup_with(device_free_p) struct device *device = NULL;
	struct overlay_bootconf bootconf;
	const struct overlay_config *config;
	struct verity_error unused;
	int r = add(candidates, place->begin, "external");

	if (device_open(place->config, &device, &unused) < 0)
		return r;
	config = device_config(device);
	/* What could be read of it counts. */
	(void)!overlay_bootconf_read(config->uboot_env, config->cmdline, &bootconf,
				     &unused);
	for (size_t i = 0; r == 0 && i < bootconf.media_count; i++)
		r = add(candidates, place->begin, bootconf.media[i].label);
	return r;
}

static bool is_folder(int folder, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
		return entry->d_type == DT_DIR;
	return fstatat(folder, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static bool is_package(const char *name)
{
	size_t size = strlen(name);
	size_t suffix = strlen(VERITY_PACKAGE_SUFFIX);

	return size > suffix && strcmp(name + size - suffix, VERITY_PACKAGE_SUFFIX) == 0;
}

/* One name of a folder; hidden ones only where they are asked for. */
static int add_name(struct candidates *candidates, DIR *folder,
		    const struct dirent *entry, const char *begin, bool packages)
{
	const char *slash = strrchr(begin, '/');
	const char *name_begin = slash ? slash + 1 : begin;
	bool more = is_folder(dirfd(folder), entry);
	char *text = NULL;

	if (!begins(entry->d_name, name_begin) ||
	    (entry->d_name[0] == '.' && name_begin[0] != '.') ||
	    strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
	    !verity_text_printable(entry->d_name, strlen(entry->d_name)) ||
	    (packages && !more && !is_package(entry->d_name)))
		return 0;
	if (asprintf(&text, "%.*s%s%s", (int)(name_begin - begin), begin, entry->d_name,
		     more ? "/" : "") < 0)
		text = NULL;
	return add_owned(candidates, text, more);
}

static void closedir_p(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static int add_files(struct candidates *candidates, const char *begin, bool packages)
{
	const char *slash = strrchr(begin, '/');
	cleanup_free char *path =
		slash ? strndup(begin, (size_t)(slash - begin) + 1) : strdup(".");
	cleanup_with(closedir_p) DIR *folder = path ? opendir(path) : NULL;
	const struct dirent *entry;
	int r = 0;

	if (!path)
		return -ENOMEM;
	while (folder && r == 0 && (entry = readdir(folder)))
		r = add_name(candidates, folder, entry, begin, packages);
	return r;
}

static int add_values(struct candidates *candidates, enum word_kind kind,
		      const struct complete_place *place)
{
	switch (kind) {
	case KIND_PROTOCOL:
		return add_protocols(candidates, place->begin);
	case KIND_MEDIA:
		return add_media(candidates, place);
	case KIND_PACKAGE:
		return add_packages(candidates, place);
	case KIND_FILE:
		return add_files(candidates, place->begin, false);
	case KIND_SOURCE:
		return add_files(candidates, place->begin, true);
	case KIND_COMMAND:
		return add_commands(candidates, place);
	case KIND_BOOT:
		return add_boot_words(candidates, place->begin);
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct candidate *)a)->text,
		      ((const struct candidate *)b)->text);
}

static void sort(struct candidates *candidates)
{
	size_t kept = 0;

	if (candidates->count)
		qsort(candidates->items, candidates->count, sizeof(*candidates->items),
		      compare);
	for (size_t i = 0; i < candidates->count; i++) {
		if (kept &&
		    compare(&candidates->items[kept - 1], &candidates->items[i]) == 0)
			free(candidates->items[i].text);
		else
			candidates->items[kept++] = candidates->items[i];
	}
	candidates->count = kept;
}

/* "do" and "package" lead somewhere else; -EINVAL where nothing may follow. */
static int find_next(const struct complete_place *asked, struct complete_place *ret_place,
		     struct grammar_next *ret)
{
	const struct command *command;

	*ret_place = *asked;
	*ret = (struct grammar_next){.count = 0};
	command_resolve(&ret_place->place, &ret_place->count, &ret_place->words);
	if (ret_place->count == 0) {
		ret->options[ret->count++] = (struct grammar_option){WORD_COMMAND, true};
		return 0;
	}
	command = command_pick(ret_place->place, ret_place->words[0]);
	if (!command)
		return -EINVAL;
	return grammar_next(command->forms, ret_place->count - 1, ret_place->words + 1,
			    ret);
}

static int find_all(const struct complete_place *place, const struct grammar_next *next,
		    struct candidates *found)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < next->count; i++) {
		const struct word_info *info = word_info(next->options[i].word);

		r = next->options[i].value ? add_values(found, info->kind, place)
					   : add(found, place->begin, info->keyword);
	}
	return r;
}

static int finish(int r, struct candidates *found, struct candidates *ret,
		  struct verity_error *err)
{
	if (r < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	sort(found);
	*ret = *found;
	*found = (struct candidates){.count = 0};
	return 0;
}

int complete_find(const struct complete_place *asked, struct candidates *ret,
		  struct verity_error *err)
{
	cleanup_with(candidates_free_p) struct candidates found = {.count = 0};
	struct complete_place place;
	struct grammar_next next;
	int r = 0;

	if (find_next(asked, &place, &next) == 0) {
		report_quiet(true);
		r = find_all(&place, &next, &found);
		report_quiet(false);
	}
	return finish(r, &found, ret, err);
}

int complete_paths(const char *begin, struct candidates *ret, struct verity_error *err)
{
	cleanup_with(candidates_free_p) struct candidates found = {.count = 0};
	int r = add_files(&found, begin, false);

	return finish(r, &found, ret, err);
}

size_t candidates_common(const struct candidates *candidates)
{
	size_t common = candidates->count ? strlen(candidates->items[0].text) : 0;

	for (size_t i = 1; i < candidates->count; i++)
		for (size_t k = 0; k < common; k++)
			if (candidates->items[i].text[k] != candidates->items[0].text[k])
				common = k;
	/* No half a character of UTF-8. */
	while (common && (candidates->items[0].text[common] & 0xc0) == 0x80)
		common--;
	return common;
}

/* Side by side; one below the other, where that is too narrow, or the word too long. */
static void explain_word(FILE *out, const char *word, const char *help)
{
	const struct layout layout = layout_of(fileno(out));
	bool narrow = layout.width && layout.width < 3 * EXPLAIN_INDENT;

	if (!narrow && layout_width(word) <= EXPLAIN_INDENT - 4) {
		layout_printf(out, &layout, EXPLAIN_INDENT, "  %-*s  %s",
			      EXPLAIN_INDENT - 4, word, help);
		return;
	}
	layout_printf(out, &layout, 4, "  %s", word);
	if (narrow)
		layout_printf(out, &layout, 4, "    %s", help);
	else
		layout_printf(out, &layout, EXPLAIN_INDENT, "%*s%s", EXPLAIN_INDENT, "",
			      help);
}

static void explain_commands(const struct complete_place *place, FILE *out)
{
	for (size_t i = 0; command_at(i); i++) {
		const struct command *command = command_at(i);

		if (command->places & place->place && begins(command->name, place->begin))
			explain_word(out, command->name, command->help);
	}
}

/* Nothing can follow: say where it went wrong. */
static void tell_wrong(const struct complete_place *place)
{
	const struct command *command = command_pick(place->place, place->words[0]);

	if (command)
		(void)!command_check(command, place->count, place->words);
	else
		(void)!command_unknown(place->place, place->count, place->words);
}

void complete_explain(const struct complete_place *asked, FILE *out)
{
	struct complete_place place;
	struct grammar_next next;

	if (find_next(asked, &place, &next) < 0) {
		fflush(out);
		tell_wrong(&place);
		return;
	}
	for (size_t i = 0; i < next.count; i++) {
		const struct grammar_option *option = &next.options[i];
		const struct word_info *info = word_info(option->word);
		const char *shown = option->value ? info->value : info->keyword;

		if (option->word == WORD_COMMAND)
			explain_commands(&place, out);
		else if (option->value || begins(shown, place.begin))
			explain_word(out, shown, info->help);
	}
	if (next.end && place.begin[0] == '\0')
		explain_word(out, "<Enter>", "do it");
}

bool complete_is_secret(const struct complete_place *asked)
{
	struct complete_place place;
	struct grammar_next next;

	if (find_next(asked, &place, &next) < 0)
		return false;
	for (size_t i = 0; i < next.count; i++)
		if (next.options[i].value &&
		    word_info(next.options[i].word)->kind == KIND_SECRET)
			return true;
	return false;
}
