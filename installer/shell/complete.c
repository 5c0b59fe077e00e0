/* SPDX-License-Identifier: MIT */

/* Finds and explains the words that may come next in a line. */

#include "installer/shell/complete.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "installer/common/layout.h"
#include "installer/media/browse.h"
#include "overlay/config/bootconf.h"
#include "overlay/store/store.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/text.h"

#define CANDIDATES_MAX   4096
#define EXPLAIN_INDENT   18
#define MEDIA_TIMEOUT_MS 3000 /* for a key that was pressed */

void candidates_free(struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++)
		free(candidates->items[i].text);
	free(candidates->items);
	*candidates = (struct candidates){.count = 0};
}

/* @text is taken over, also on failure; NULL: out of memory. */
static int add_owned(struct candidates *candidates, char *text, bool more)
{
	cleanup_free char *owned = text;
	struct candidate *items;

	if (!text)
		return -ENOMEM;
	if (candidates->count >= CANDIDATES_MAX)
		return 0;
	items = reallocarray(candidates->items, candidates->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	items[candidates->count++] = (struct candidate){steal_ptr(&owned), more};
	candidates->items = items;
	return 0;
}

static int add(struct candidates *candidates, const char *begin, const char *text)
{
	return verity_text_begins(text, begin)
		       ? add_owned(candidates, strdup(text), false)
		       : 0;
}

/* What is read in any case. */
static int add_keyword(struct candidates *candidates, const char *begin, const char *text)
{
	return strncasecmp(text, begin, strlen(begin)) == 0
		       ? add_owned(candidates, strdup(text), false)
		       : 0;
}

/* What was typed already is not offered again. */
static int add_packages(struct candidates *candidates, const struct complete_at *at)
{
	cleanup_with(device_free_p) struct device *device = NULL;
	cleanup_free struct overlay_entry *entries = NULL;
	struct overlay_store *store;
	struct verity_error unused;
	size_t count;
	int r = 0;

	if (device_open(at->config, &device, &unused) < 0 ||
	    device_store(device, &store, &unused) < 0 ||
	    overlay_store_list(store, &entries, &count, &unused) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		bool typed = false;

		for (int k = 1; k < at->count; k++)
			typed = typed || strcmp(at->words[k], entries[i].name) == 0;
		if (!typed)
			r = add(candidates, at->begin, entries[i].name);
	}
	return r;
}

static int add_media(struct candidates *candidates, const struct complete_at *at)
{
	cleanup_with(device_free_p) struct device *device = NULL;
	struct overlay_bootconf bootconf;
	const struct overlay_config *config;
	struct verity_error unused;
	int r = add(candidates, at->begin, "external");

	if (device_open(at->config, &device, &unused) < 0)
		return r;
	config = device_config(device);
	/* A failure leaves what could be read. */
	(void)!overlay_bootconf_read(config->uboot_env, config->cmdline, &bootconf,
				     &unused);
	for (size_t i = 0; r == 0 && i < bootconf.media_count; i++)
		r = add(candidates, at->begin, bootconf.media[i].label);
	return r;
}

/* Hidden files only where @begin asks for them; @packages: of files only packages. */
static int add_files(struct candidates *candidates, const char *begin, bool packages)
{
	const char *slash = strrchr(begin, '/');
	const char *name = slash ? slash + 1 : begin;
	cleanup_free char *path =
		slash ? strndup(begin, (size_t)(name - begin)) : strdup(".");
	cleanup_dir DIR *dir = path ? opendir(path) : NULL;
	size_t suffix = strlen(VERITY_PACKAGE_SUFFIX);
	const struct dirent *entry;
	struct stat st;
	int r = path ? 0 : -ENOMEM;

	while (dir && r == 0 && verity_dir_next(dir, &entry) > 0) {
		size_t size = strlen(entry->d_name);
		bool more = entry->d_type == DT_DIR;
		char *text = NULL;

		if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK)
			more = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
			       S_ISDIR(st.st_mode);
		if (!verity_text_begins(entry->d_name, name) ||
		    (entry->d_name[0] == '.' && name[0] != '.') ||
		    !verity_text_printable(entry->d_name, size) ||
		    (packages && !more &&
		     (size <= suffix || strcasecmp(entry->d_name + size - suffix,
						   VERITY_PACKAGE_SUFFIX) != 0)))
			continue;
		if (asprintf(&text, "%.*s%s%s", (int)(name - begin), begin, entry->d_name,
			     more ? "/" : "") < 0)
			text = NULL;
		r = add_owned(candidates, text, more);
	}
	return r;
}

static int add_boot_values(struct candidates *candidates, const struct complete_at *at)
{
	enum overlay_bootkey key;
	int r = 0;

	if (overlay_bootkey_find(at->words[at->count - 1], &key, NULL) < 0)
		return 0;
	if (overlay_bootkey_is_switch(key)) {
		r = add(candidates, at->begin, "0");
		return r == 0 ? add(candidates, at->begin, "1") : r;
	}
	return key == OVERLAY_BOOT_DISABLE ? add_packages(candidates, at) : 0;
}

/* What is on the medium, in the folder that was typed. */
static int add_media_files(struct candidates *candidates, const struct complete_at *at,
			   bool packages)
{
	cleanup_with(device_free_p) struct device *device = NULL;
	const char *slash = strrchr(at->begin, '/'), *label = NULL;
	cleanup_free char *folder =
		strndup(at->begin, slash ? (size_t)(slash + 1 - at->begin) : 0);
	cleanup_free char *names = NULL;
	struct verity_error unused;
	char *rest = NULL;
	int r = 0;

	for (int i = 1; i + 1 < at->count && !label; i++)
		if (word_may_be(WORD_MEDIA, at->words[i]))
			label = at->words[i + 1];
	if (!folder)
		return -ENOMEM;
	if (!label || device_open(at->config, &device, &unused) < 0 ||
	    media_browse_names(device, label, folder, packages, MEDIA_TIMEOUT_MS,
			       &names) == 0)
		return 0;
	for (char *name = strtok_r(names, "\n", &rest); r == 0 && name;
	     name = strtok_r(NULL, "\n", &rest))
		if (verity_text_begins(name, at->begin))
			r = add_owned(candidates, strdup(name),
				      name[strlen(name) - 1] == '/');
	return r;
}

static int add_values(struct candidates *candidates, const struct word_info *info,
		      const struct complete_at *at)
{
	int r = 0;

	switch (info->kind) {
	case KIND_CHOICE:
		for (size_t i = 0; r == 0 && info->choices[i]; i++)
			r = add_keyword(candidates, at->begin, info->choices[i]);
		return r;
	case KIND_MEDIA:
		return add_media(candidates, at);
	case KIND_PACKAGE:
		return add_packages(candidates, at);
	case KIND_FILE:
		return add_files(candidates, at->begin, false);
	case KIND_SOURCE:
		return add_files(candidates, at->begin, true);
	case KIND_COMMAND:
		for (size_t i = 0; r == 0 && command_at(i); i++)
			if (command_at(i)->contexts & at->context)
				r = add_keyword(candidates, at->begin,
						command_at(i)->name);
		return r;
	case KIND_BOOT:
		/* The short names: all long ones begin with the same prefix. */
		for (int key = 0; r == 0 && key < OVERLAY_BOOTKEYS; key++)
			r = add(candidates, at->begin,
				overlay_bootkey_short((enum overlay_bootkey)key));
		return r;
	case KIND_BOOT_VALUE:
		return add_boot_values(candidates, at);
	case KIND_MEDIA_PATH:
	case KIND_MEDIA_FILE:
		return add_media_files(candidates, at, info->kind == KIND_MEDIA_PATH);
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct candidate *)a)->text,
		      ((const struct candidate *)b)->text);
}

/* Sorts @found, without duplicates, into @ret; @r: of finding them. */
static int finish(int r, struct candidates *found, struct candidates *ret,
		  struct verity_error *err)
{
	size_t kept = 0;

	if (r < 0) {
		candidates_free(found);
		return verity_no_memory(err);
	}
	if (found->count)
		qsort(found->items, found->count, sizeof(*found->items), compare);
	for (size_t i = 0; i < found->count; i++) {
		struct candidate *item = &found->items[i];

		if (kept && compare(&found->items[kept - 1], item) == 0) {
			found->items[kept - 1].shown &= item->shown;
			free(item->text);
		} else {
			found->items[kept++] = *item;
		}
	}
	found->count = kept;
	*ret = *found;
	return 0;
}

/* Follows "do" and "package"; -EINVAL where nothing may follow. */
static int find_next(const struct complete_at *asked, struct complete_at *ret_at,
		     struct grammar_next *ret)
{
	const struct command *command;

	*ret_at = *asked;
	*ret = (struct grammar_next){.count = 0};
	command_resolve(&ret_at->context, &ret_at->count, &ret_at->words);
	if (ret_at->count == 0) {
		ret->options[ret->count++] = (struct grammar_option){WORD_COMMAND, true};
		return 0;
	}
	command = command_pick(ret_at->context, ret_at->words[0]);
	if (!command)
		return -EINVAL;
	return grammar_next(command->forms, ret_at->count - 1, ret_at->words + 1, ret);
}

static bool is_offered(const struct complete_at *at, const struct grammar_option *option)
{
	return at->scripts || !word_info(option->word)->scripts;
}

int complete_find(const struct complete_at *asked, struct candidates *ret,
		  struct verity_error *err)
{
	struct candidates found = {.count = 0};
	struct complete_at at;
	struct grammar_next next = {.count = 0};
	int r = 0;

	if (find_next(asked, &at, &next) < 0)
		next.count = 0;
	report_quiet(true);
	for (size_t i = 0; r == 0 && i < next.count; i++) {
		const struct grammar_option *option = &next.options[i];
		const struct word_info *info = word_info(option->word);
		size_t first = found.count;

		if (!is_offered(&at, option))
			continue;
		r = option->value ? add_values(&found, info, &at)
				  : add_keyword(&found, at.begin, info->keyword);
		while (first < found.count)
			found.items[first++].shown =
				at.begin[0] == '\0' &&
				((next.end && info->kind != KIND_MEDIA_PATH) ||
				 (option->optional && !option->value));
	}
	report_quiet(false);
	return finish(r, &found, ret, err);
}

int complete_paths(const char *begin, struct candidates *ret, struct verity_error *err)
{
	struct candidates found = {.count = 0};
	int r = add_files(&found, begin, false);

	return finish(r, &found, ret, err);
}

size_t candidates_insert(const struct candidates *candidates,
			 const struct candidate **ret_first, size_t *ret_bytes)
{
	const struct candidate *first = NULL;
	size_t count = 0, common = 0;

	for (size_t i = 0; i < candidates->count; i++) {
		const struct candidate *item = &candidates->items[i];

		if (item->shown)
			continue;
		if (count++ == 0) {
			first = item;
			common = strlen(item->text);
		}
		for (size_t k = 0; k < common; k++)
			if (item->text[k] != first->text[k])
				common = k;
	}
	/* Not half a character of UTF-8. */
	while (common && (first->text[common] & 0xc0) == 0x80)
		common--;
	*ret_first = first;
	*ret_bytes = common;
	return count;
}

/* Side by side; one below the other where that is too narrow, or the word too long. */
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

/* A value of the boot configuration depends on its key. */
static const char *help_of(const struct complete_at *at, const struct word_info *info)
{
	enum overlay_bootkey key;

	return info->kind == KIND_BOOT_VALUE &&
			       overlay_bootkey_find(at->words[at->count - 1], &key,
						    NULL) == 0
		       ? overlay_bootkey_takes(key)
		       : info->help;
}

void complete_explain(const struct complete_at *asked, FILE *out)
{
	struct complete_at at;
	struct grammar_next next;

	if (find_next(asked, &at, &next) < 0) {
		/* Nothing can follow: report which word is wrong. */
		const struct command *command = command_pick(at.context, at.words[0]);

		fflush(out);
		if (command)
			(void)!command_check(command, at.count, at.words, NULL);
		else
			(void)!command_unknown(at.context, at.count, at.words);
		return;
	}
	for (size_t i = 0; i < next.count; i++) {
		const struct grammar_option *option = &next.options[i];
		const struct word_info *info = word_info(option->word);
		const char *shown = option->value ? info->value : info->keyword;

		if (!is_offered(&at, option))
			continue;
		if (option->word != WORD_COMMAND) {
			if (option->value || verity_text_begins(shown, at.begin))
				explain_word(out, shown, help_of(&at, info));
			continue;
		}
		for (size_t k = 0; command_at(k); k++)
			if (command_at(k)->contexts & at.context &&
			    verity_text_begins(command_at(k)->name, at.begin))
				explain_word(out, command_at(k)->name,
					     command_at(k)->help);
	}
	if (next.end && at.begin[0] == '\0')
		explain_word(out, "<Enter>", "run the command");
}

bool complete_is_secret(const struct complete_at *asked)
{
	struct complete_at at;
	struct grammar_next next;

	if (find_next(asked, &at, &next) < 0)
		return false;
	for (size_t i = 0; i < next.count; i++)
		if (next.options[i].value &&
		    word_info(next.options[i].word)->kind == KIND_SECRET)
			return true;
	return false;
}
