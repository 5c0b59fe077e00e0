/* SPDX-License-Identifier: MIT */
#include "overlay/contents/contents.h"
#include "tests/overlay/contents/crafted.h"
#include "tests/overlay/image/tree.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct contents_limits plenty = {1000, 1 << 20, 10000};

static const char *const kinds[] = {
	[OVERLAY_CONTENTS_FILE] = "file",     [OVERLAY_CONTENTS_FOLDER] = "folder",
	[OVERLAY_CONTENTS_OPAQUE] = "opaque", [OVERLAY_CONTENTS_LINK] = "link",
	[OVERLAY_CONTENTS_WHITEOUT] = "gone", [OVERLAY_CONTENTS_SPECIAL] = "special",
};

/* "KIND PATH[ -> TARGET][ (redirected)]", a line each. */
static char *describe(const struct overlay_contents *contents)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < contents->count; i++) {
		const struct overlay_contents_entry *entry = &contents->entries[i];

		fprintf(out, "%s %s%s%s%s\n", kinds[entry->kind], entry->path,
			entry->target ? " -> " : "", entry->target ? entry->target : "",
			entry->redirected ? " (redirected)" : "");
		assert_ptr_equal(overlay_contents_find(contents, entry->path), entry);
	}
	fclose(out);
	return text;
}

static uint64_t length(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_size;
}

static void check_list(int fd, const char *wanted)
{
	struct overlay_contents contents = {0};
	cleanup_free char *text = NULL;
	struct verity_error err;

	check_ok(contents_read_image(fd, 0, length(fd), &plenty, &contents, &err), &err);
	text = describe(&contents);
	assert_string_equal(text, wanted);
	assert_null(overlay_contents_find(&contents, "no such path"));
	overlay_contents_free(&contents);
	assert_int_equal(contents.count, 0);
	overlay_contents_free(&contents);
}

static const struct tree_entry tree[] = {
	{"etc", 'd', NULL, 0755, 0, NULL, 0},
	{"etc/motd", 'f', "hello\n", 0644, 0, "user.one=1", 0},
	{"etc/link", 'l', "motd", 0777, 0, NULL, 0},
	{"etc/hard", 'h', "etc/motd", 0644, 0, NULL, 0},
	{"etc/gone", 'c', NULL, 0, 0, NULL, 0},
	{"etc-too", 'f', NULL, 0644, 0, NULL, 0},
	{"etc/notes", 'd', NULL, 0755, 0, "trusted.overlay.opaque=y", 0},
	{"etc/notes/deep", 'd', NULL, 0755, 0, "user.one=1", 0},
	{"etc/notes/deep/er", 'd', NULL, 0755, 0, NULL, 0},
	{"etc/notes/deep/er/pipe", 'p', NULL, 0644, 0, NULL, 0},
	{"usr", 'd', NULL, 0755, 0, NULL, 0},
	{"usr/share", 'd', NULL, 0755, 0, NULL, 0},
	{"usr/share/.wh.old", 'f', NULL, 0644, 0, NULL, 0},
	{"usr/share/large", 'f', "x", 0644, 0, NULL, 1 << 20},
};

#define TREE_LIST                                                                        \
	"folder etc\n"                                                                   \
	"file etc-too\n"                                                                 \
	"gone etc/gone\n"                                                                \
	"file etc/hard\n"                                                                \
	"link etc/link -> motd\n"                                                        \
	"file etc/motd\n"                                                                \
	"opaque etc/notes\n"                                                             \
	"folder etc/notes/deep\n"                                                        \
	"folder etc/notes/deep/er\n"                                                     \
	"special etc/notes/deep/er/pipe\n"                                               \
	"folder usr\n"                                                                   \
	"folder usr/share\n"                                                             \
	"file usr/share/large\n"                                                         \
	"gone usr/share/old\n"

static void test_every_compressor(void **state)
{
	static const char *const compressors[] = {"zstd", "xz", "gzip", "lz4"};

	(void)state;
	for (size_t i = 0; i < COUNT(compressors); i++) {
		cleanup_with(tree_scratch_free) struct tree_scratch scratch;
		struct verity_error err = {0};
		cleanup_fd int fd = -1;
		char path[128];
		int r;

		tree_scratch_make(&scratch);
		snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
		tree_archive(path, "pax", NULL, tree, COUNT(tree));
		fd = tree_image(path, compressors[i], 1, &r, &err);
		check_ok(r, &err);
		check_list(fd, TREE_LIST);
	}
}

static void test_of_nothing(void **state)
{
	cleanup_with(tree_scratch_free) struct tree_scratch scratch;
	struct verity_error err = {0};
	cleanup_fd int fd = -1;
	int r;

	(void)state;
	tree_scratch_make(&scratch);
	fd = tree_image(scratch.path, NULL, 1, &r, &err);
	check_ok(r, &err);
	check_list(fd, "");
}

/* More names than a run of a listing, more inodes than a block, names of all lengths. */
static void test_many(void **state)
{
	cleanup_with(tree_scratch_free) struct tree_scratch scratch;
	struct overlay_contents contents = {0};
	struct verity_error err = {0};
	cleanup_fd int fd = -1;
	char name[256];
	int r;

	(void)state;
	tree_scratch_make(&scratch);
	memset(name, 'n', sizeof(name));
	for (size_t i = 1; i <= 255; i++) {
		const struct tree_entry folder = {name, 'd', NULL, 0755, 0, NULL, 0};
		char below[320];
		const struct tree_entry file = {below, 'f', "", 0644, 0, NULL, 0};

		name[i] = '\0';
		snprintf(below, sizeof(below), "%s/below", name);
		tree_make(scratch.path, &folder, 1);
		tree_make(scratch.path, &file, 1);
		name[i] = 'n';
	}
	fd = tree_image(scratch.path, NULL, 1, &r, &err);
	check_ok(r, &err);
	check_ok(contents_read_image(fd, 0, length(fd), &plenty, &contents, &err), &err);
	assert_int_equal(contents.count, 2 * 255);
	for (size_t i = 0; i < contents.count; i++)
		assert_int_equal(contents.entries[i].kind,
				 strstr(contents.entries[i].path, "/below")
					 ? OVERLAY_CONTENTS_FILE
					 : OVERLAY_CONTENTS_FOLDER);
	overlay_contents_free(&contents);
}

static int crafted_file(const struct crafted *crafted, uint64_t *ret_bytes)
{
	uint8_t bytes[CRAFTED_MAX];
	int fd = memfd_create("crafted", MFD_CLOEXEC);

	assert_true(fd >= 0);
	*ret_bytes = crafted_image(crafted, bytes);
	assert_int_equal(write(fd, bytes, (size_t)*ret_bytes), *ret_bytes);
	return fd;
}

static void test_crafted(void **state)
{
	static const struct crafted_attribute attributes[] = {
		{1, "overlay.opaque", "y", false},    /* 0 */
		{1, "overlay.opaque", "x", false},    /* 1 */
		{1, "overlay.opaque", "yy", false},   /* 2 */
		{0, "overlay.opaque", "y", false},    /* 3: user.overlay.opaque */
		{1, "overlay.opaque", NULL, true},    /* 4: the value of 3 */
		{1, "overlay.redirect", "/e", false}, /* 5 */
		{1, "overlay.metacopy", "", false},   /* 6 */
		{1, "overlay.opaque", "", false},     /* 7 */
		{2, "selinux", "x", false},           /* 8 */
		{0},
	};
	static const struct crafted_name names[] = {
		{"b", 0, 'b', NULL, 0},   {"c", 0, 'c', NULL, 0},
		{"d", 0, 'd', NULL, 0},   {"f", 0, 'f', NULL, 0},
		{"l", 0, 'l', "../x", 0}, {"m0", 0, 'm', NULL, 0},
		{"m6", 0, 'm', NULL, 6},  {"p", 0, 'p', NULL, 0},
		{"w", 0, 'w', NULL, 0},   {"x0", 0, 'x', NULL, 0},
		{"x1", 0, 'x', NULL, 1},  {"x2", 0, 'x', NULL, 2},
		{"x3", 0, 'x', NULL, 3},  {"x4", 0, 'x', NULL, 4},
		{"x5", 0, 'x', NULL, 5},  {NULL, 0, '\0', NULL, 0},
	};
	const struct crafted crafted = {.names = names, .attributes = attributes};
	uint64_t bytes;
	cleanup_fd int fd = crafted_file(&crafted, &bytes);

	(void)state;
	check_list(fd, "special b\nspecial c\nfolder d\nfile f\nlink l -> ../x\n"
		       "file m0\nfile m6 (redirected)\nspecial p\ngone w\n"
		       "opaque x0\nfolder x1\nfolder x2\nfolder x3\nopaque x4\n"
		       "folder x5 (redirected)\n");
}

#define ONE(...)                                                                         \
	(const struct crafted_name[])                                                    \
	{                                                                                \
		__VA_ARGS__,                                                             \
		{                                                                        \
			NULL, 0, '\0', NULL, 0                                           \
		}                                                                        \
	}
#define OPAQUE                                                                           \
	(const struct crafted_attribute[])                                               \
	{                                                                                \
		{1, "overlay.opaque", "y", false},                                       \
		{                                                                        \
			0                                                                \
		}                                                                        \
	}

static void test_refused(void **state)
{
	static char long_name[257];
	const struct {
		struct crafted crafted;
		const char *message;
	} cases[] = {
		{{.names = ONE({".", 0, 'f', NULL, 0})}, "a file named '.'"},
		{{.names = ONE({"..", 0, 'f', NULL, 0})}, "a file named '..'"},
		{{.names = ONE({"a/b", 0, 'f', NULL, 0})},
		 "a name with a slash or a NUL byte"},
		{{.names = ONE({"a\0b", 3, 'f', NULL, 0})},
		 "a name with a slash or a NUL byte"},
		{{.names = ONE({long_name, 256, 'f', NULL, 0})},
		 "a name of 256 bytes; expected 1 to 255"},
		{{.names = ONE({long_name, 257, 'f', NULL, 0})},
		 "a name of 257 bytes; expected 1 to 255"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}, {"a", 0, 'd', NULL, 0})},
		 "'a' is there twice"},
		{{.names = ONE({"loop", 0, 'r', NULL, 0})},
		 "the folder 'loop' is in two places"},
		{{.names = ONE({"a", 0, '?', NULL, 0})},
		 "an inode of an unknown type (99)"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .listing_bytes = 4},
		 "a folder ends within an entry"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .listing_bytes = 25},
		 "a folder ends within an entry"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .listing_bytes = 60000},
		 "a folder cannot be read: outside of its bounds"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .run = 256},
		 "a folder with a run of 256 names"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .run = 1},
		 "a folder ends within an entry"},
		{{.names = ONE({"a", 0, 'd', NULL, 0}), .inode_count = 1},
		 "a folder with inode number 2 of 1"},
		{{.names = ONE({"a", 0, 'l', "x", 0}), .target_bytes = 5000},
		 "a path or link target of more than 4095 bytes"},
		{{.names = ONE({"a", 0, 'l', "x", 0}), .target_bytes = 4095},
		 "a link cannot be read: outside of its bounds"},
		{{.names = ONE({"a", 0, 'l', "x", 0}), .target_bytes = 9},
		 "'a': the target of the link is empty or has a NUL byte"},
		{{.names = ONE({"a", 0, 'l', "", 0})},
		 "'a': the target of the link is empty or has a NUL byte"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .root_ref = 1},
		 "an inode of an unknown type (60672)"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .root_ref = 0x10000},
		 "an inode cannot be read: outside of its bounds"},
		{{.names = ONE({"a", 0, 'l', NULL, 0}, {"f", 0, 'f', NULL, 0}),
		  .root_ref = 25},
		 "its root is not a folder"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .bytes_used = 5000},
		 "its tables lie outside of it"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .fragments = 1},
		 "its tables lie outside of it"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}),
		  .fragments = 1,
		  .fragment_table = 96},
		 "its tables lie outside of it"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}),
		  .fragments = UINT32_MAX,
		  .fragment_table = 240},
		 "its tables lie outside of it"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .export_table = 96},
		 "its tables lie outside of it"},
		{{.names = ONE({"a", 0, 'f', NULL, 0}), .export_table = 1ULL << 40},
		 "its tables lie outside of it"},
		{{.names = ONE({"a", 0, 'x', NULL, 0})},
		 "no set 0 of extended attributes"},
		{{.names = ONE({"a", 0, 'x', NULL, 7}), .attributes = OPAQUE},
		 "no set 7 of extended attributes"},
		{{.names = ONE({"a", 0, 'x', NULL, 0}),
		  .attributes = OPAQUE,
		  .keys = 257},
		 "257 extended attributes of one file; limit: 256"},
		{{.names = ONE({"a", 0, 'x', NULL, 0}),
		  .attributes = OPAQUE,
		  .key_bytes = 256},
		 "an extended attribute with a name of 256 bytes"},
		{{.names = ONE({"a", 0, 'x', NULL, 0}),
		  .attributes = OPAQUE,
		  .value_bytes = 65537},
		 "an extended attribute of 65537 bytes; limit: 65536"},
		{{.names = ONE({"a", 0, 'x', NULL, 0}),
		  .attributes = OPAQUE,
		  .value_bytes = 60000},
		 "an extended attribute cannot be read: outside of its bounds"},
	};

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct overlay_contents contents = {0};
		char expected[VERITY_MESSAGE_MAX];
		struct verity_error err = {0};
		uint64_t bytes;
		cleanup_fd int fd = crafted_file(&cases[i].crafted, &bytes);

		snprintf(expected, sizeof(expected), "image: %s", cases[i].message);
		if (contents_read_image(fd, 0, bytes, &plenty, &contents, &err) !=
		    -EBADMSG)
			fail_msg("not refused: %s", expected);
		check_error(&err, VERITY_E_BAD_IMAGE, expected);
		assert_int_equal(contents.count, 0);
	}
}

static void test_no_squashfs(void **state)
{
	struct overlay_contents contents = {0};
	const struct crafted unknown = {.names = ONE({"a", 0, 'f', NULL, 0}),
					.compressor = 3};
	cleanup_fd int fd = memfd_create("zeros", MFD_CLOEXEC);
	cleanup_fd int other = -1;
	struct verity_error err = {0};
	uint64_t bytes;

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(contents_read_image(fd, 0, 4096, &plenty, &contents, &err),
			 -EBADMSG);
	check_error(&err, VERITY_E_BAD_IMAGE,
		    "image: not a squashfs image of version 4.0");
	other = crafted_file(&unknown, &bytes);
	assert_int_equal(contents_read_image(other, 0, bytes, &plenty, &contents, &err),
			 -EOPNOTSUPP);
	check_error(&err, VERITY_E_UNSUPPORTED, "image: unknown compressor (3)");
}

static void test_limits(void **state)
{
	static const struct {
		struct contents_limits limits;
		const char *message; /* NULL: enough */
	} cases[] = {
		{{2, 6, 100}, NULL},
		{{1, 6, 100}, "image: more than 1 files and folders"},
		{{2, 5, 100}, "image: its paths have more than 5 bytes together"},
		{{2, 6, 3}, "image: listing its folders takes too many reads"},
	};
	const struct crafted crafted = {
		.names = ONE({"a", 0, 'f', NULL, 0}, {"l", 0, 'l', NULL, 0})};
	uint64_t bytes;
	cleanup_fd int fd = crafted_file(&crafted, &bytes);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct overlay_contents contents = {0};
		struct verity_error err = {0};
		int r = contents_read_image(fd, 0, bytes, &cases[i].limits, &contents,
					    &err);

		if (!cases[i].message) {
			struct contents_limits left = cases[i].limits;

			check_ok(r, &err);
			contents_limits_lower(&left, &contents);
			assert_int_equal(left.entries, 0);
			assert_int_equal(left.text_bytes, 0);
			overlay_contents_free(&contents);
			continue;
		}
		assert_int_equal(r, -E2BIG);
		check_error(&err, VERITY_E_TOO_MANY, cases[i].message);
	}
}

/* What lies before and behind the image in the package is none of its business. */
static void test_bounds(void **state)
{
	const struct crafted crafted = {.names = ONE({"a", 0, 'f', NULL, 0})};
	uint8_t bytes[CRAFTED_MAX] = {0};
	size_t count = crafted_image(&crafted, bytes + 4096);
	cleanup_fd int fd = memfd_create("package", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, bytes, 4096 + count), 4096 + count);
	for (size_t cut = 1; cut <= count + 1; cut++) {
		struct overlay_contents contents = {0};
		struct verity_error err = {0};
		int r = contents_read_image(fd, 4096, cut, &plenty, &contents, &err);

		if (cut < count) {
			assert_int_equal(r, -EBADMSG);
			assert_int_equal(err.code, VERITY_E_BAD_IMAGE);
			continue;
		}
		check_ok(r, &err);
		assert_int_equal(contents.count, 1);
		overlay_contents_free(&contents);
	}
}

/* No flipped byte of a table may do more than be refused. */
static void test_every_byte(void **state)
{
	static const struct crafted_name names[] = {{"d", 0, 'd', NULL, 0},
						    {"l", 0, 'l', NULL, 0},
						    {"w", 0, 'w', NULL, 0},
						    {"x", 0, 'x', NULL, 0},
						    {NULL, 0, '\0', NULL, 0}};
	const struct crafted crafted = {.names = names, .attributes = OPAQUE};
	uint64_t bytes;
	cleanup_fd int fd = crafted_file(&crafted, &bytes);

	(void)state;
	for (uint64_t place = 0; place < bytes; place++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct overlay_contents contents = {0};
			struct verity_error err = {0};
			uint8_t byte, flipped;
			int r;

			assert_int_equal(pread(fd, &byte, 1, (off_t)place), 1);
			flipped = byte ^ (uint8_t)(1U << bit);
			assert_int_equal(pwrite(fd, &flipped, 1, (off_t)place), 1);
			r = contents_read_image(fd, 0, bytes, &plenty, &contents, &err);
			if (r == 0)
				overlay_contents_free(&contents);
			else
				assert_true(err.message[0] != '\0');
			assert_int_equal(pwrite(fd, &byte, 1, (off_t)place), 1);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_compressor),
		cmocka_unit_test(test_of_nothing),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_crafted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_squashfs),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, tree_group_setup, tree_group_teardown);
}
