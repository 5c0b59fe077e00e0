/* SPDX-License-Identifier: MIT */
#include "overlay/stack/way.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "overlay/stack/search.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"

#define LAYERS_MAX 4

/*
 * What each layer has, the one on top first, and which layer blocks the path of as many
 * names; -1: none. "-": it takes no part.
 */
static const struct {
	const char *ways[LAYERS_MAX];
	size_t names;
	bool folder;
	int layer;
	size_t at;
	char kind;
} cases[] = {
	{{NULL}, 1, true, -1},
	{{"d"}, 1, true, -1},
	{{"dd"}, 1, true, -1},
	{{"dw"}, 1, true, 0, 1, 'w'},
	{{"df"}, 1, true, 0, 1, 'f'},
	{{"dl"}, 1, true, 0, 1, 'l'},
	{{"ds"}, 1, true, 0, 1, 's'},
	{{"do"}, 1, true, -1},
	{{"-dw", "d"}, 1, true, -1},
	/* on the way */
	{{"dw"}, 3, true, 0, 1, 'w'},
	{{"ddf"}, 3, true, 0, 2, 'f'},
	{{"ddl"}, 3, true, 0, 2, 'l'},
	{{"do"}, 3, true, 0, 1, 'o'},
	{{"ddo"}, 3, true, 0, 2, 'o'},
	{{"dod"}, 3, true, 0, 1, 'o'},
	{{"dodd"}, 3, true, -1},
	{{"dooo"}, 3, true, -1},
	{{"dod", "dddd"}, 3, true, 0, 1, 'o'},
	/* the layers above have it */
	{{"dddd", "ddf"}, 3, true, -1},
	{{"dddd", "dw"}, 3, true, -1},
	{{"ddd", "ddf"}, 3, true, 1, 2, 'f'},
	{{"dd", "ddf"}, 3, true, 1, 2, 'f'},
	{{"d", "do", "dddd"}, 3, true, 1, 1, 'o'},
	{{"d", "dddd", "do"}, 3, true, -1},
	/* the last one that ends the way: without it there would be the other's */
	{{"ddo", "dodd"}, 3, true, 0, 2, 'o'},
	{{"ddd", "do", "ddf"}, 3, true, 1, 1, 'o'},
	{{"ddd", "doo", "dw"}, 3, true, 1, 2, 'o'},
	/* what a layer above hides blocks nothing */
	{{"dodd", "dw", "ddf"}, 3, true, -1},
	/* a hierarchy that one layer hides from those below */
	{{"o"}, 1, true, 0, 0, 'o'},
	{{"od"}, 1, true, -1},
	{{"d", "o"}, 2, true, 1, 0, 'o'},
	/* a file that something is mounted on */
	{{"ddf"}, 2, false, -1},
	{{"ddd"}, 2, false, 0, 2, 'd'},
	{{"ddo"}, 2, false, 0, 2, 'o'},
	{{"ddw"}, 2, false, 0, 2, 'w'},
	{{"ddl"}, 2, false, 0, 2, 'l'},
	{{"ddf", "ddd"}, 2, false, -1},
	{{"dd", "ddf", "ddw"}, 2, false, -1},
};

static struct overlay_way ways[LAYERS_MAX];

static void test_blocked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_way_block block = {.layer = 99};
		size_t count = 0;
		bool blocked;

		for (; count < LAYERS_MAX && cases[i].ways[count]; count++) {
			const char *way = cases[i].ways[count];

			memset(&ways[count], 0, sizeof(ways[count]));
			ways[count].in = way[0] != '-';
			strcpy(ways[count].kinds, way + (way[0] == '-'));
		}
		blocked = overlay_way_blocked(ways, count, cases[i].names,
					      cases[i].folder, &block);
		if (blocked != (cases[i].layer >= 0) ||
		    (blocked &&
		     ((int)block.layer != cases[i].layer || block.names != cases[i].at ||
		      block.kind != cases[i].kind)))
			fail_msg("case %zu: %d, layer %zu, name %zu, %c", i, blocked,
				 block.layer, block.names, block.kind);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *path;
		size_t names;
	} paths[] = {{"", 0},    {"/", 0},        {"/a", 1},
		     {"a/b", 2}, {"/a//b/c/", 3}, {"//var", 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(overlay_way_names(paths[i].path), paths[i].names);
}

static void check_look(const char *path, const char *kinds)
{
	struct verity_error err;

	check_ok(overlay_way_look("layer", path, &ways[0], &err), &err);
	assert_string_equal(ways[0].kinds, kinds);
	assert_true(ways[0].in);
}

static void test_look(void **state)
{
	struct verity_error err;

	(void)state;
	assert_int_equal(mkdir("layer", 0700), 0);
	assert_int_equal(mkdir("layer/mnt", 0700), 0);
	assert_int_equal(mkdir("layer/mnt/usb", 0700), 0);
	scratch_write("layer/mnt/file", "x");
	assert_int_equal(symlink("mnt", "layer/link"), 0);
	assert_int_equal(mkfifo("layer/pipe", 0600), 0);
	check_look("", "d");
	check_look("/mnt/usb/deep", "ddd");
	check_look("mnt/usb", "ddd");
	check_look("/mnt//file/below", "ddf");
	check_look("/link/usb", "dl");
	check_look("/pipe", "ds");
	check_look("/none/below", "d");
	if (mknod("layer/gone", S_IFCHR, 0) == 0)
		check_look("/gone/below", "dw");
	if (setxattr("layer/mnt", "trusted.overlay.opaque", "y", 1, 0) == 0)
		check_look("/mnt/usb", "dod");
	assert_true(overlay_way_look("none", "/mnt", &ways[0], &err) < 0);
}

static void test_reason(void **state)
{
	static const struct {
		struct overlay_way_block block;
		const char *path, *message;
	} reasons[] = {
		{{0, 1, 'w'},
		 "/var",
		 "it deletes /var, and a file system is mounted at /var"},
		{{0, 2, 'f'},
		 "/mnt/usb/deep",
		 "it has a file at /mnt/usb, and a file system is mounted at "
		 "/mnt/usb/deep"},
		{{0, 0, 'o'},
		 "/mnt",
		 "it hides all that is in /, and a file system is mounted at /mnt"},
		{{0, 3, 'l'},
		 "/a/b/c",
		 "it has a symbolic link at /a/b/c, and a file system is mounted at "
		 "/a/b/c"},
		{{0, 1, 's'},
		 "/a",
		 "it has a special file at /a, and a file system is "
		 "mounted at /a"},
		{{0, 1, 'd'},
		 "/a",
		 "it has a folder at /a, and a file system is mounted "
		 "at /a"},
	};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		assert_true(overlay_way_fail(&reasons[i].block, reasons[i].path, &err) <
			    0);
		check_error(&err, VERITY_E_BLOCKS_MOUNT, reasons[i].message);
	}
}

#define LINE_MOST 500

/* A stack that fails with each of some layers, or with two of them together. */
struct stacks {
	const bool *left_out;
	size_t bad[3];
	size_t bad_count;
	size_t pair[2]; /* the same twice: none */
	size_t every;   /* each one that this divides is bad; 0: none */
	bool never;     /* not even without all of them */
	unsigned tries;
};

static bool try_stack(void *context)
{
	struct stacks *stacks = context;

	stacks->tries++;
	for (size_t i = 0; i < stacks->bad_count; i++)
		if (!stacks->left_out[stacks->bad[i]])
			return false;
	for (size_t i = 0; stacks->every && i < LINE_MOST; i += stacks->every)
		if (!stacks->left_out[i])
			return false;
	return !stacks->never &&
	       (stacks->pair[0] == stacks->pair[1] || stacks->left_out[stacks->pair[0]] ||
		stacks->left_out[stacks->pair[1]]);
}

static size_t search(struct stacks *stacks, size_t count, bool *left_out, bool *ret)
{
	static size_t line[LINE_MOST];
	struct overlay_search run = {.line = line,
				     .count = count,
				     .left_out = left_out,
				     .try = try_stack,
				     .context = stacks};
	size_t out = 0;

	for (size_t i = 0; i < count; i++) {
		line[i] = count - 1 - i; /* the last layer is to be kept first */
		left_out[i] = false;
	}
	stacks->left_out = left_out;
	*ret = overlay_search_run(&run);
	for (size_t i = 0; i < count; i++)
		out += left_out[i];
	return out;
}

static void test_search_one(void **state)
{
	bool left_out[LINE_MOST], found;

	(void)state;
	for (size_t count = 1; count <= LINE_MOST; count += count < 20 ? 1 : 96)
		for (size_t bad = 0; bad < count; bad++) {
			struct stacks stacks = {.bad = {bad}, .bad_count = 1};

			assert_int_equal(search(&stacks, count, left_out, &found), 1);
			assert_true(found && left_out[bad]);
			assert_true(stacks.tries <= 11);
		}
}

static void test_search_two(void **state)
{
	bool left_out[LINE_MOST], found;

	(void)state;
	for (size_t a = 0; a < 12; a++)
		for (size_t b = 0; b < a; b++) {
			struct stacks both = {.bad = {a, b}, .bad_count = 2};
			struct stacks pair = {.pair = {a, b}};

			assert_int_equal(search(&both, 12, left_out, &found), 2);
			assert_true(found && left_out[a] && left_out[b]);
			/* of two that fail together, the one that comes last in line */
			assert_int_equal(search(&pair, 12, left_out, &found), 1);
			assert_true(found && left_out[b]);
		}
}

static void test_search_bounds(void **state)
{
	struct stacks never = {.never = true};
	bool left_out[LINE_MOST], found;

	(void)state;
	assert_int_equal(search(&never, 40, left_out, &found), 0);
	assert_false(found);
	assert_int_equal(never.tries, 1);
	/* more of them than tries: what is left can be stacked all the same */
	for (size_t every = 1; every < 9; every++) {
		struct stacks many = {.every = every};
		size_t out;

		memset(left_out, true, sizeof(left_out));
		out = search(&many, 400, left_out, &found);
		assert_true(many.tries <= OVERLAY_SEARCH_TRIES + 1);
		assert_true(found && try_stack(&many));
		assert_true(out >= 400 / every);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocked),       cmocka_unit_test(test_names),
		cmocka_unit_test(test_look),          cmocka_unit_test(test_reason),
		cmocka_unit_test(test_search_one),    cmocka_unit_test(test_search_two),
		cmocka_unit_test(test_search_bounds),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
