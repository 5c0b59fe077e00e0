/* SPDX-License-Identifier: MIT */
#include "overlay/contents/lookup.h"
#include "tests/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LAYERS_MAX   3
#define ENTRIES_MAX  16

/*
 * A layer is a line of entries, sorted: "f:etc/motd", d a folder, o an opaque one, l a
 * link, w a whiteout, s something special, D a folder that looks different. Three lie
 * over the firmware: X, Y, Z, and F.
 */
struct layer {
	struct overlay_contents contents;
	struct overlay_contents_entry entries[ENTRIES_MAX];
	char text[512];
};

static const char names[] = "XYZF";

static enum overlay_contents_kind kind_of(char letter)
{
	static const char letters[] = "fdolws";
	static const enum overlay_contents_kind kinds[] = {
		OVERLAY_CONTENTS_FILE,     OVERLAY_CONTENTS_FOLDER,
		OVERLAY_CONTENTS_OPAQUE,   OVERLAY_CONTENTS_LINK,
		OVERLAY_CONTENTS_WHITEOUT, OVERLAY_CONTENTS_SPECIAL,
	};
	const char *at = strchr(letters, letter);

	assert_non_null(at);
	return kinds[at - letters];
}

static void layer_make(const char *line, struct layer *ret)
{
	char *place = NULL;

	memset(ret, 0, sizeof(*ret));
	snprintf(ret->text, sizeof(ret->text), "%s", line ? line : "");
	ret->contents.entries = ret->entries;
	for (char *word = strtok_r(ret->text, " ", &place); word;
	     word = strtok_r(NULL, " ", &place)) {
		struct overlay_contents_entry *entry =
			&ret->entries[ret->contents.count++];

		assert_true(ret->contents.count <= ENTRIES_MAX);
		entry->kind = word[0] == 'D' ? OVERLAY_CONTENTS_FOLDER : kind_of(word[0]);
		entry->mode = word[0] == 'D' ? 0700 : 0755;
		entry->path = word + 2;
		if (entry > ret->entries)
			assert_true(strcmp(entry[-1].path, entry->path) < 0);
	}
}

struct stack {
	struct layer layers[LAYERS_MAX];
	struct layer firmware;
	const struct overlay_contents *order[LAYERS_MAX];
	struct overlay_lookup shadow;
};

/* What it promises: nobody asks below what is no folder. */
static int look_firmware(void *context, const char *path,
			 struct overlay_contents_look *ret, struct verity_error *err)
{
	const struct layer *firmware = context;
	const struct overlay_contents_entry *entry =
		overlay_contents_find(&firmware->contents, path);
	char above[64];

	snprintf(above, sizeof(above), "%s", path);
	for (char *slash; (slash = strrchr(above, '/'));) {
		*slash = '\0';
		assert_non_null(overlay_contents_find(&firmware->contents, above));
	}
	if (strcmp(path, "unreadable") == 0)
		return verity_fail(err, VERITY_E_IO, "unreadable");
	if (!entry)
		return -ENOENT;
	*ret = (struct overlay_contents_look){entry->kind, entry->mode, entry->uid,
					      entry->gid};
	return 0;
}

static void stack_make(const char *const *lines, const char *firmware, struct stack *ret)
{
	for (size_t i = 0; i < LAYERS_MAX; i++) {
		layer_make(lines[i], &ret->layers[i]);
		ret->order[i] = &ret->layers[i].contents;
	}
	layer_make(firmware, &ret->firmware);
	ret->shadow = (struct overlay_lookup){
		.layers = ret->order,
		.count = LAYERS_MAX,
		.base = {look_firmware, &ret->firmware},
	};
}

static const char *status_name(enum overlay_lookup_status status)
{
	static const char *const status_names[] = {
		[OVERLAY_LOOKUP_PRESENT] = "present",
		[OVERLAY_LOOKUP_DELETED] = "deleted",
		[OVERLAY_LOOKUP_HIDDEN] = "hidden",
		[OVERLAY_LOOKUP_BLOCKED] = "blocked",
		[OVERLAY_LOOKUP_ABSENT] = "absent",
	};

	return status_names[status];
}

/* "present Y file", "present X folder XF", "deleted X", "absent" */
static void describe(const struct overlay_lookup_result *view, const bool *merged,
		     char *ret, size_t size)
{
	static const char *const kinds[] = {
		[OVERLAY_CONTENTS_FILE] = "file",
		[OVERLAY_CONTENTS_FOLDER] = "folder",
		[OVERLAY_CONTENTS_LINK] = "link",
		[OVERLAY_CONTENTS_SPECIAL] = "special",
	};
	size_t used = (size_t)snprintf(ret, size, "%s", status_name(view->status));

	if (view->status == OVERLAY_LOOKUP_ABSENT)
		return;
	used += (size_t)snprintf(ret + used, size - used, " %c", names[view->layer]);
	if (view->status != OVERLAY_LOOKUP_PRESENT)
		return;
	used += (size_t)snprintf(ret + used, size - used, " %s", kinds[view->kind]);
	if (view->kind != OVERLAY_CONTENTS_FOLDER)
		return;
	ret[used++] = ' ';
	for (size_t i = 0; i <= LAYERS_MAX; i++)
		if (merged[i])
			ret[used++] = names[i];
	ret[used] = '\0';
}

static const struct {
	const char *layers[LAYERS_MAX];
	const char *firmware;
	const char *path;
	const char *seen;
} looks[] = {
	/* the firmware alone */
	{{0}, "d:etc f:etc/motd", "etc/motd", "present F file"},
	{{0}, "d:etc f:etc/motd", "etc", "present F folder F"},
	{{0}, "d:etc f:etc/motd", "", "present X folder XYZF"},
	{{0}, "d:etc", "etc/motd", "absent"},
	{{0}, "d:etc", "no/such/path", "absent"},
	{{0}, "f:etc", "etc/motd", "absent"},
	{{0}, "l:etc", "etc/motd", "absent"},
	{{0}, "l:etc", "etc", "present F link"},
	/* the one on top wins */
	{{"d:etc f:etc/motd", "d:etc f:etc/motd"},
	 "d:etc f:etc/motd",
	 "etc/motd",
	 "present X file"},
	{{NULL, "d:etc l:etc/motd"}, "d:etc f:etc/motd", "etc/motd", "present Y link"},
	{{NULL, NULL, "s:p"}, "", "p", "present Z special"},
	/* folders are merged, until one is opaque or none */
	{{"d:a", NULL, "d:a"}, "d:a", "a", "present X folder XZF"},
	{{"d:a", "o:a", "d:a"}, "d:a", "a", "present X folder XY"},
	{{"o:a", "d:a"}, "d:a", "a", "present X folder X"},
	{{"d:a", "f:a", "d:a"}, "d:a", "a", "present X folder X"},
	{{"d:a", "w:a", "d:a"}, "d:a", "a", "present X folder X"},
	{{"d:a", "w:a", "d:a"}, "d:a f:a/b", "a/b", "deleted Y"},
	{{"d:a", "d:a"}, "f:a", "a", "present X folder XY"},
	{{"d:a", "d:a f:a/b"}, "f:a", "a/b", "present Y file"},
	/* deleted */
	{{"w:motd"}, "f:motd", "motd", "deleted X"},
	{{"w:motd"}, "", "motd", "absent"},
	{{NULL, "w:motd", "f:motd"}, "f:motd", "motd", "deleted Y"},
	{{"f:motd", "w:motd"}, "f:motd", "motd", "present X file"},
	{{"w:a"}, "d:a d:a/b f:a/b/c", "a/b/c", "deleted X"},
	{{"w:motd", "w:motd"}, "f:motd", "motd", "deleted X"},
	{{"d:a w:a/b", "o:a"}, "d:a f:a/b", "a/b", "deleted X"},
	/* hidden */
	{{"o:a"}, "d:a f:a/b", "a/b", "hidden X"},
	{{"o:a"}, "d:a", "a/b", "absent"},
	{{"d:a", "o:a f:a/b"}, "d:a f:a/b f:a/c", "a/b", "present Y file"},
	{{"d:a", "o:a f:a/b"}, "d:a f:a/b f:a/c", "a/c", "hidden Y"},
	{{"o:a d:a/b"}, "d:a d:a/b f:a/b/c", "a/b/c", "hidden X"},
	{{"o:a d:a/b"}, "d:a d:a/b f:a/b/c", "a/b", "present X folder X"},
	/* a package's file or link where the firmware has a folder, and the other way */
	{{"f:a"}, "d:a f:a/b", "a/b", "blocked X"},
	{{"l:a"}, "d:a f:a/b", "a/b", "blocked X"},
	{{"s:a"}, "d:a f:a/b", "a/b", "blocked X"},
	{{"d:lib f:lib/x"},
	 "l:lib d:usr d:usr/lib f:usr/lib/libc.so.6",
	 "lib",
	 "present X folder X"},
	{{"d:lib f:lib/x"}, "l:lib", "lib/libc.so.6", "absent"},
	/* names that sort between a folder and what lies in it */
	{{"d:a f:a-b f:a/b"}, "d:a", "a/b", "present X file"},
	{{"d:a f:a-b f:a/b"}, "d:a", "a-b", "present X file"},
	/* what is deleted and brought back in another shape */
	{{"d:a f:a/new", "w:a"}, "d:a f:a/old", "a/old", "deleted Y"},
	{{"d:a f:a/new", "w:a"}, "d:a f:a/old", "a/new", "present X file"},
	{{"d:a", "f:a"}, "d:a f:a/old", "a/old", "blocked Y"},
};

static void test_look(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(looks); i++) {
		struct overlay_lookup_result view;
		bool merged[LAYERS_MAX + 1];
		struct verity_error err = {0};
		struct stack stack;
		char text[64];

		stack_make(looks[i].layers, looks[i].firmware, &stack);
		check_ok(overlay_lookup_find(&stack.shadow, 0, looks[i].path, &view,
					     merged, &err),
			 &err);
		describe(&view, merged, text, sizeof(text));
		if (strcmp(text, looks[i].seen) != 0)
			fail_msg("case %zu, %s: '%s', not '%s'", i, looks[i].path, text,
				 looks[i].seen);
	}
}

/* Where packages show in /a and /b/c alone. */
static void test_hierarchies(void **state)
{
	static const char *const hierarchies[] = {"a", "b/c"};
	static const struct {
		const char *layers[LAYERS_MAX];
		const char *path;
		const char *seen;
	} cases[] = {
		{{"d:a f:a/x"}, "a/x", "present X file"},
		{{"d:a f:a/x"}, "a", "present X folder XF"},
		{{"f:motd"}, "motd", "present F file"},
		{{"w:motd"}, "motd", "present F file"},
		{{"f:new"}, "new", "absent"},
		{{"d:a"}, "", "present F folder F"},
		{{"d:b d:b/c f:b/c/x"}, "b", "present F folder F"},
		{{"d:b d:b/c f:b/c/x"}, "b/c", "present X folder XF"},
		{{"d:b d:b/c f:b/c/x"}, "b/c/x", "present X file"},
		{{"d:b f:b/x"}, "b/x", "present F file"},
		{{"d:b d:b/cc f:b/cc/x"}, "b/cc/x", "absent"},
		/* above it nothing that a package has counts */
		{{"o:b d:b/c"}, "b/x", "present F file"},
		{{"w:b", "d:b d:b/c f:b/c/x"}, "b/c/x", "present Y file"},
		{{"l:b", "d:b d:b/c f:b/c/x"}, "b/c/x", "present Y file"},
		/* itself it is a folder, or no share */
		{{"w:a"}, "a/old", "present F file"},
		{{"f:a"}, "a/old", "present F file"},
		{{"l:a"}, "a", "present F folder F"},
		{{"o:a f:a/x", "d:a f:a/y"}, "a/old", "hidden X"},
		{{"o:a f:a/x", "d:a f:a/y"}, "a/y", "hidden X"},
		{{"o:a f:a/x", "d:a f:a/y"}, "a", "present X folder X"},
		{{"d:a w:a/old"}, "a/old", "deleted X"},
		{{"d:b d:b/c w:b/c/old"}, "b/c/old", "deleted X"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct overlay_lookup_result view;
		bool merged[LAYERS_MAX + 1];
		struct verity_error err = {0};
		struct stack stack;
		char text[64];

		stack_make(cases[i].layers,
			   "d:a f:a/old d:b d:b/c f:b/c/old f:b/x f:motd", &stack);
		stack.shadow.limited = true;
		stack.shadow.hierarchies = hierarchies;
		stack.shadow.hierarchies_count = COUNT(hierarchies);
		check_ok(overlay_lookup_find(&stack.shadow, 0, cases[i].path, &view,
					     merged, &err),
			 &err);
		describe(&view, merged, text, sizeof(text));
		if (strcmp(text, cases[i].seen) != 0)
			fail_msg("case %zu, %s: '%s', not '%s'", i, cases[i].path, text,
				 cases[i].seen);
	}
}

/* What lies below a layer is what would be seen without it and those above. */
static void test_from(void **state)
{
	static const char *const lines[LAYERS_MAX] = {"f:a", "w:a", "f:a"};
	static const char *const seen[] = {"present X file", "deleted Y",
					   "present Z file", "present F file"};
	struct overlay_lookup_result view;
	bool merged[LAYERS_MAX + 1];
	struct verity_error err = {0};
	struct stack stack;
	char text[64];

	(void)state;
	stack_make(lines, "f:a", &stack);
	for (size_t from = 0; from <= LAYERS_MAX; from++) {
		check_ok(overlay_lookup_find(&stack.shadow, from, "a", &view, merged,
					     &err),
			 &err);
		describe(&view, merged, text, sizeof(text));
		assert_string_equal(text, seen[from]);
	}
}

static void test_refused(void **state)
{
	static const char *const lines[LAYERS_MAX] = {0};
	struct overlay_lookup_result view;
	struct verity_error err = {0};
	struct stack stack;
	char *path = malloc(OVERLAY_CONTENTS_PATH_MAX + 2);

	(void)state;
	stack_make(lines, "", &stack);
	assert_int_equal(
		overlay_lookup_find(&stack.shadow, 0, "unreadable", &view, NULL, &err),
		-EIO);
	check_error(&err, VERITY_E_IO, "unreadable");
	assert_non_null(path);
	memset(path, 'n', OVERLAY_CONTENTS_PATH_MAX + 1);
	path[OVERLAY_CONTENTS_PATH_MAX + 1] = '\0';
	assert_int_equal(overlay_lookup_find(&stack.shadow, 0, path, &view, NULL, &err),
			 -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "the path has more than 4095 bytes");
	free(path);
}

/* "adds a", "replaces a of F", … and " under X"; a line each */
static int note(void *context, const struct overlay_lookup_change *change,
		struct verity_error *err)
{
	static const char *const effects[] = {
		[OVERLAY_LOOKUP_ADDS] = "adds",
		[OVERLAY_LOOKUP_REPLACES] = "replaces",
		[OVERLAY_LOOKUP_DELETES] = "deletes",
		[OVERLAY_LOOKUP_HIDES] = "hides",
		[OVERLAY_LOOKUP_CHANGES] = "changes",
	};
	FILE *out = context;

	(void)err;
	fprintf(out, "%s %s", effects[change->effect], change->entry->path);
	if (change->effect != OVERLAY_LOOKUP_ADDS)
		fprintf(out, " of %c", names[change->below.layer]);
	if (change->covered)
		fprintf(out, " under %c", names[change->by]);
	fputc('\n', out);
	return strcmp(change->entry->path, "stop") == 0 ? -ECANCELED : 0;
}

static const struct {
	const char *layers[LAYERS_MAX];
	const char *firmware;
	size_t layer;
	const char *changes;
} changes[] = {
	{{0}, "f:a", 0, ""},
	{{"d:etc f:etc/motd"}, "d:etc", 0, "adds etc/motd\n"},
	{{"d:etc f:etc/motd"}, "d:etc f:etc/motd", 0, "replaces etc/motd of F\n"},
	{{"f:motd", "l:motd"}, "f:motd", 0, "replaces motd of Y\n"},
	{{"f:motd", "l:motd"}, "f:motd", 1, "replaces motd of F under X\n"},
	{{"f:motd", "l:motd"}, "", 1, "adds motd under X\n"},
	/* whiteouts */
	{{"w:motd"}, "f:motd", 0, "deletes motd of F\n"},
	{{"w:motd"}, "", 0, ""},
	{{"f:motd", "w:motd"}, "f:motd", 1, "deletes motd of F under X\n"},
	{{"w:motd", "w:motd"}, "f:motd", 0, ""},
	{{"w:motd", "w:motd"}, "f:motd", 1, "deletes motd of F under X\n"},
	{{"w:a", "d:a f:a/b"}, "", 1, "adds a/b under X\n"},
	/* folders */
	{{"o:a f:a/b"}, "d:a f:a/b", 0, "hides a of F\nreplaces a/b of F\n"},
	{{"o:a"}, "f:a", 0, "replaces a of F\n"},
	{{"o:a"}, "", 0, ""},
	{{"d:a"}, "l:a", 0, "replaces a of F\n"},
	{{"d:a"}, "d:a", 0, ""},
	{{"D:a"}, "d:a", 0, "changes a of F\n"},
	{{"D:a"}, "", 0, ""},
	{{"d:a", "D:a"}, "d:a", 0, "changes a of Y\n"},
	{{"d:a", "D:a"}, "d:a", 1, "changes a of F under X\n"},
	{{"D:a", "D:a"}, "d:a", 0, ""},
	{{"D:a f:a/b", "d:a f:a/b"}, "d:a", 0, "changes a of Y\nreplaces a/b of Y\n"},
	{{"d:a", "o:a"}, "d:a", 1, "hides a of F\n"},
	{{"o:a", "o:a"}, "d:a", 0, "hides a of Y\n"},
	{{"o:a", "o:a"}, "d:a", 1, "hides a of F under X\n"},
	{{"o:a", "d:a f:a/b"}, "d:a", 0, "hides a of Y\n"},
	{{"o:a", "d:a f:a/b"}, "d:a", 1, "adds a/b under X\n"},
	{{"f:a", "d:a f:a/b"}, "d:a f:a/b", 0, "replaces a of Y\n"},
	{{"f:a", "d:a f:a/b"}, "d:a f:a/b", 1, "replaces a/b of F under X\n"},
	{{"f:a"}, "d:a f:a/b", 0, "replaces a of F\n"},
};

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		struct verity_error err = {0};
		struct stack stack;
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		stack_make(changes[i].layers, changes[i].firmware, &stack);
		check_ok(overlay_lookup_changes(&stack.shadow, changes[i].layer, note,
						out, &err),
			 &err);
		fclose(out);
		if (strcmp(text, changes[i].changes) != 0)
			fail_msg("case %zu: '%s', not '%s'", i, text, changes[i].changes);
		free(text);
	}
}

static void test_changes_end_early(void **state)
{
	static const char *const lines[LAYERS_MAX] = {"f:a f:stop f:z"};
	struct verity_error err = {0};
	struct stack stack;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	stack_make(lines, "", &stack);
	assert_int_equal(overlay_lookup_changes(&stack.shadow, 0, note, out, &err),
			 -ECANCELED);
	fclose(out);
	assert_string_equal(text, "adds a\nadds stop\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),    cmocka_unit_test(test_hierarchies),
		cmocka_unit_test(test_from),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_changes), cmocka_unit_test(test_changes_end_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
