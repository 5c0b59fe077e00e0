/* SPDX-License-Identifier: MIT */
#include "overlay/image/file_tree.h"
#include "overlay/image/sources.h"
#include "tests/overlay/image/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define scratch_dir  cleanup_with(tree_scratch_free) struct tree_scratch

struct refusal {
	struct tree_entry entries[4];
	size_t count;
	const char *message; /* after "SOURCE: " */
};

#define PROTECTED "belongs to the activation engine of the firmware"
#define DIR(path)                                                                        \
	{                                                                                \
		path, 'd', NULL, 0755, 0, NULL, 0                                        \
	}
#define FILE_(path)                                                                      \
	{                                                                                \
		path, 'f', "x", 0644, 0, NULL, 0                                         \
	}

/* Refused whatever the source. */
static const struct refusal refusals[] = {
	{{DIR("etc"), DIR("etc/wmopkg")}, 2, "etc/wmopkg: " PROTECTED},
	{{DIR("etc"), FILE_("etc/.wh.wmopkg")}, 2, "etc/wmopkg: " PROTECTED},
	{{DIR("usr"), DIR("usr/bin"), FILE_("usr/bin/wmopkg")},
	 3,
	 "usr/bin/wmopkg: " PROTECTED},
	{{DIR("usr"), DIR("usr/sbin"), FILE_("usr/sbin/wmopkg-activate")},
	 3,
	 "usr/sbin/wmopkg-activate: " PROTECTED},
	{{DIR("usr"), DIR("usr/local"), DIR("usr/local/bin"),
	  FILE_("usr/local/bin/wmopkg")},
	 4,
	 "usr/local/bin/wmopkg: " PROTECTED},
	{{DIR("bin"), {"bin/wmopkg-web", 'l', "/opt/x", 0777, 0, NULL, 0}},
	 2,
	 "bin/wmopkg-web: " PROTECTED},
	{{DIR("sbin"), DIR("sbin/wmopkg"), FILE_("sbin/wmopkg/x")},
	 3,
	 "sbin/wmopkg: " PROTECTED},
	{{DIR("a"),
	  FILE_("a/b"),
	  DIR("sbin"),
	  {"sbin/wmopkg", 'h', "a/b", 0644, 0, NULL, 0}},
	 4,
	 "sbin/wmopkg: " PROTECTED},
	{{DIR("bin"), FILE_("bin/.wh.wmopkg")}, 2, "bin/wmopkg: " PROTECTED},
	{{DIR("usr"), FILE_("usr/.wh.local")},
	 2,
	 "usr/local: must be a folder, as it is in the firmware"},
	{{DIR("usr"), {"usr/local", 'l', "/opt/local", 0777, 0, NULL, 0}},
	 2,
	 "usr/local: must be a folder, as it is in the firmware"},
	{{{"bin", 'l', "opt/bin", 0777, 0, NULL, 0}},
	 1,
	 "bin: must be a folder, as it is in the firmware"},
	{{DIR("usr"), DIR("usr/local"), FILE_("usr/local/.wh..wh..opq")},
	 3,
	 "usr/local: opaque: would hide the firmware's own"},
	{{FILE_("etc")}, 1, "etc: must be a folder, as it is in the firmware"},
	{{FILE_(".wh.usr")}, 1, "usr: must be a folder, as it is in the firmware"},
	{{DIR("usr"), {"usr/bin", 'l', "../bin", 0777, 0, NULL, 0}},
	 2,
	 "usr/bin: must be a folder, as it is in the firmware"},
	{{DIR("usr"), FILE_("usr/.wh..wh..opq")},
	 2,
	 "usr: opaque: would hide the firmware's own"},
	{{FILE_(".wh..wh..opq")}, 1, "/: opaque: would hide the whole firmware"},
	{{FILE_(".wh.")}, 1, ".wh.: unknown whiteout"},
	{{FILE_(".wh..")}, 1, ".wh..: unknown whiteout"},
	{{FILE_(".wh...")}, 1, ".wh...: unknown whiteout"},
	{{FILE_(".wh..wh.other")}, 1, ".wh..wh.other: unknown whiteout"},
	{{DIR("a"), FILE_("a/.wh..wh.aufs")}, 2, "a/.wh..wh.aufs: unknown whiteout"},
	{{FILE_(".wh.usr"), DIR("usr")}, 2, "usr: opaque: would hide the firmware's own"},
	{{DIR("a"), DIR("a/.wh.b")}, 2, "a/.wh.b: a whiteout must be a regular file"},
	{{DIR("a"), {"a/.wh.\n\xff", 'p', NULL, 0644, 0, NULL, 0}},
	 2,
	 "a/.wh.\\x0a\\xff: a whiteout must be a regular file"},
};

static void check_refused(const char *source, const char *message)
{
	struct verity_error err = {0};
	char expected[VERITY_MESSAGE_MAX];
	cleanup_fd int fd = -1;
	int r;

	fd = tree_image(source, NULL, 1, &r, &err);
	snprintf(expected, sizeof(expected), "%s: %s", source, message);
	check_error(&err, VERITY_E_BAD_TREE, expected);
	assert_int_equal(r, -EINVAL);
}

static void test_refused_folder(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		scratch_dir scratch;

		tree_scratch_make(&scratch);
		tree_make(scratch.path, refusals[i].entries, refusals[i].count);
		check_refused(scratch.path, refusals[i].message);
	}
}

static void refuse_archive(const struct refusal *refusal)
{
	scratch_dir scratch;
	char path[128];

	tree_scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
	tree_archive(path, "pax", NULL, refusal->entries, refusal->count);
	check_refused(path, refusal->message);
}

static void test_refused_archive(void **state)
{
	static const struct refusal archives[] = {
		{{FILE_("etc/wmopkg/keys/a.pem")}, 1, "etc/wmopkg: " PROTECTED},
		{{FILE_("./a/../../b")}, 1, "./a/../../b: '..' leads out of the tree"},
		{{FILE_("..")}, 1, "..: '..' leads out of the tree"},
		{{FILE_("a"), FILE_("a/b")},
		 2,
		 "a: not a folder, but the archive has entries in it"},
		{{{"a", 'h', "b", 0644, 0, NULL, 0}},
		 1,
		 "a: hard link to a file that is not in the archive"},
		{{{"a", 'h', "b/c/d", 0644, 0, NULL, 0}},
		 1,
		 "a: hard link to a file that is not in the archive"},
		{{DIR("b"), {"a", 'h', "b", 0644, 0, NULL, 0}},
		 2,
		 "a: hard link to a folder"},
		{{FILE_(".")}, 1, ".: the root must be a folder"},
		{{{"./", 'd', NULL, 0755, 0, "trusted.overlay.opaque=y", 0}},
		 1,
		 "/: opaque: would hide the whole firmware"},
		{{{"d", 'd', NULL, 0755, 0, "trusted.overlay.redirect=/e", 0}},
		 1,
		 "d: trusted.overlay.redirect depends on other layers; copy the merged tree"},
		{{{"f", 'f', "x", 0644, 0, "system.posix_acl_access=?", 0}},
		 1,
		 "f: squashfs cannot store its ACL (setfacl -b)"},
		{{{"f", 'f', "x", 0644, 0, NULL, (1ULL << 40) + 1}},
		 1,
		 "f: larger than 1 TiB"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++)
		refuse_archive(&refusals[i]);
	for (size_t i = 0; i < COUNT(archives); i++)
		refuse_archive(&archives[i]);
}

static void test_refused_names(void **state)
{
	static const char line[] = "/a2345678901234567890123456789012345678901234567890";
	struct tree_entry entry = FILE_("");
	char name[300], path[8192] = "a";
	struct refusal refusal = {.count = 1};
	char message[VERITY_MESSAGE_MAX];

	(void)state;
	memset(name, 'n', 256);
	name[256] = '\0';
	entry.path = name;
	refusal.entries[0] = entry;
	/* The end of what is too long, three dots in front. */
	snprintf(message, sizeof(message), "...%s: name longer than 255 bytes", name + 4);
	refusal.message = message;
	refuse_archive(&refusal);

	while (strlen(path) < 4096)
		strcat(path, line);
	refusal.entries[0].path = path;
	snprintf(message, sizeof(message), "...%s: path longer than 4095 bytes",
		 path + strlen(path) - 252);
	refuse_archive(&refusal);
}

static void test_refused_source(void **state)
{
	static const struct tree_entry files[] = {
		{"text", 'f', "no archive at all\n", 0644, 0, NULL, 0},
		{"empty", 'f', NULL, 0644, 0, NULL, 0},
		{"pipe", 'p', NULL, 0644, 0, NULL, 0},
	};
	struct verity_error err = {0};
	scratch_dir scratch;
	char path[128];
	int r;

	(void)state;
	check_refused("/dev/null", "neither a folder nor a tar archive");
	tree_scratch_make(&scratch);
	tree_make(scratch.path, files, COUNT(files));
	for (size_t i = 0; i < COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", scratch.path, files[i].path);
		check_refused(path, "neither a folder nor a tar archive");
	}
	close(tree_image("/nowhere/at/all", NULL, 1, &r, &err));
	check_error(&err, VERITY_E_NOT_FOUND,
		    "/nowhere/at/all: cannot open it: No such file or directory");
	assert_int_equal(r, -ENOENT);
}

static void test_compressor_unknown(void **state)
{
	struct verity_error err = {0};
	scratch_dir scratch;
	char expected[256];
	int r;

	(void)state;
	tree_scratch_make(&scratch);
	close(tree_image(scratch.path, "lzo", 1, &r, &err));
	snprintf(expected, sizeof(expected),
		 "%s: unknown compressor 'lzo'; expected zstd, xz, gzip or lz4",
		 scratch.path);
	check_error(&err, VERITY_E_USAGE, expected);
	assert_int_equal(r, -EINVAL);
}

/* In a child without root's privileges, which would read anything. */
static void check_unreadable(const char *source, const char *message)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct verity_error err = {0};
		char expected[256];
		int r;

		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(2);
		close(tree_image(source, NULL, 1, &r, &err));
		snprintf(expected, sizeof(expected), "%s: %s", source, message);
		if (strcmp(err.message, expected) != 0)
			fprintf(stderr, "'%s'\n", err.message);
		_exit(r == -EINVAL && strcmp(err.message, expected) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_unreadable(void **state)
{
	static const struct tree_entry file[] = {
		DIR("a"), {"a/secret", 'f', "x", 0000, 0, NULL, 0}};
	static const struct tree_entry folder[] = {
		{"closed", 'd', NULL, 0000, 0, NULL, 0}};
	scratch_dir first, second;

	(void)state;
	tree_scratch_make(&first);
	tree_scratch_make(&second);
	tree_make(first.path, file, COUNT(file));
	check_unreadable(first.path, "a/secret: Permission denied");
	tree_make(second.path, folder, COUNT(folder));
	check_unreadable(second.path, "closed: Permission denied");
}

/* An entry's own ACL, and the one that a folder passes on. */
static void test_acl(void **state)
{
	static const struct tree_entry entries[] = {DIR("d"), FILE_("d/f")};
	static const char *const names[][2] = {{"d/f", "system.posix_acl_access"},
					       {"d", "system.posix_acl_default"}};
	/* Version 2: u::rw-, u:1:r--, g::r--, m::r--, o::r-- */
	static const uint8_t acl[] = {
		2, 0, 0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
		0, 1, 0,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
		4, 0, 255, 255, 255, 255, 32, 0, 4,   0,   255, 255, 255, 255};
	scratch_dir scratch;
	char path[128], message[128];

	(void)state;
	tree_scratch_make(&scratch);
	tree_make(scratch.path, entries, COUNT(entries));
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", scratch.path, names[i][0]);
		if (setxattr(path, names[i][1], acl, sizeof(acl), 0) < 0 &&
		    errno == ENOTSUP)
			skip();
		snprintf(message, sizeof(message),
			 "%s: squashfs cannot store its ACL (setfacl -b)", names[i][0]);
		check_refused(scratch.path, message);
		assert_int_equal(removexattr(path, names[i][1]), 0);
	}
}

static void check_image(const char *source, const char *expected)
{
	struct verity_error err = {0};
	cleanup_free char *list = NULL;
	cleanup_fd int fd = -1;
	int r;

	fd = tree_image(source, NULL, 2, &r, &err);
	check_ok(r, &err);
	list = tree_list(fd);
	assert_string_equal(list, expected);
}

static void test_folder(void **state)
{
	static const struct tree_entry entries[] = {
		{"etc", 'd', NULL, 0700, 0, NULL, 0},
		{"etc/a", 'f', "hello", 0640, 0, NULL, 0},
		{"etc/.wh.gone", 'f', NULL, 0644, 0, NULL, 0},
		{"etc/.wh.a", 'f', NULL, 0644, 0, NULL, 0},
		{"etc/b", 'h', "etc/a", 0, 0, NULL, 0},
		{"etc/to", 'l', "../x", 0, 0, NULL, 0},
		{"Z", 'f', NULL, 04755, 0, NULL, 0},
		{"pipe", 'p', NULL, 0600, 0, NULL, 0},
		{"\xff\x01", 'f', "1", 0644, 0, NULL, 0},
		{"sparse", 'f', "begin", 0644, 0, NULL, 5ULL << 30},
	};
	scratch_dir scratch;
	char expected[512];

	(void)state;
	umask(022);
	tree_scratch_make(&scratch);
	tree_make(scratch.path, entries, COUNT(entries));
	assert_int_equal(chmod(scratch.path, 0700), 0);
	/* a setuid program of somebody else is not made one of root */
	snprintf(expected, sizeof(expected),
		 "d 755 0 3 0 /\n"
		 "f %s 0 1 0 /Z\n"
		 "d 755 0 2 0 /etc\n" /* a standard folder */
		 "f 640 0 2 5 /etc/a\n"
		 "f 640 0 2 5 /etc/b\n"
		 "c 0 0 1 0 /etc/gone\n"
		 "l 777 0 1 0 /etc/to -> ../x\n"
		 "p 600 0 1 0 /pipe\n"
		 "f 644 0 1 5368709120 /sparse\n"
		 "f 644 0 1 1 /\xff\x01\n",
		 getuid() == 0 ? "4755" : "755");
	check_image(scratch.path, expected);
}

static void test_empty(void **state)
{
	scratch_dir scratch;
	char path[128];

	(void)state;
	tree_scratch_make(&scratch);
	check_image(scratch.path, "d 755 0 2 0 /\n");
	snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
	tree_archive(path, "ustar", NULL, NULL, 0);
	check_image(path, "d 755 0 2 0 /\n");
}

/* The links of a tree with a merged /usr join folders of programs; names beside those. */
static void test_merged_usr(void **state)
{
	static const struct tree_entry entries[] = {
		{"bin", 'l', "usr/bin", 0777, 0, NULL, 0},
		{"sbin", 'l', "/usr/sbin", 0777, 0, NULL, 0},
		{"usr/sbin", 'l', "bin", 0777, 0, NULL, 0},
		{"usr/bin/wmopkg-build", 'f', "x", 0755, 0, NULL, 0},
		{"usr/bin/WMOPKG", 'f', "x", 0755, 0, NULL, 0},
		{"usr/local/share/wmopkg", 'f', "x", 0644, 0, NULL, 0},
	};
	scratch_dir scratch;
	char path[128];
	struct verity_error err = {0};
	cleanup_fd int fd = -1;
	int r;

	(void)state;
	tree_scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
	tree_archive(path, "pax", NULL, entries, COUNT(entries));
	fd = tree_image(path, NULL, 1, &r, &err);
	check_ok(r, &err);
}

static void test_archive(void **state)
{
	static const struct tree_entry entries[] = {
		{"./", 'd', NULL, 0700, 7, NULL, 0},
		{"./opt/app/run", 'f', "one", 0755, 33, NULL, 0},
		{"/abs//./file", 'f', "two", 0644, 0, NULL, 0},
		{"twice", 'f', "first", 0644, 0, NULL, 0},
		{"keeps", 'h', "twice", 0644, 0, NULL, 0},
		{"twice", 'f', "second time", 0600, 0, NULL, 0},
		{"was/here", 'f', "x", 0644, 0, NULL, 0},
		{"was", 'l', "opt", 0777, 0, NULL, 0},
		{"opt/app/", 'd', NULL, 01777, 5, NULL, 0},
		{"opt/app/.wh.run", 'f', NULL, 0644, 0, NULL, 0},
		{"opt/.wh.old", 'f', NULL, 0644, 0, NULL, 0},
		{"opt/.wh.new", 'f', NULL, 0644, 0, NULL, 0},
		{"opt/new/x", 'f', "x", 0644, 0, NULL, 0},
		{"dev", 'c', NULL, 0600, 0, NULL, 0},
		{"\xc3\xa4\xff", 'f', "u", 0644, 0, NULL, 0},
		{"hole", 'f', "begin", 0644, 0, NULL, 5ULL << 30},
	};
	static const char *const formats[][2] = {
		{"gnutar", NULL}, {"pax", NULL},   {"pax", "gzip"},
		{"pax", "xz"},    {"pax", "zstd"}, {"pax", "bzip2"},
		{"pax", "lz4"},   {"pax", "lzma"}, {"pax", "lzip"}};
	static const char expected[] = "d 755 0 4 0 /\n"
				       "d 755 0 2 0 /abs\n"
				       "f 644 0 1 3 /abs/file\n"
				       "c 600 0 1 0 /dev\n"
				       "f 644 0 1 5368709120 /hole\n"
				       "f 644 0 1 5 /keeps\n"
				       "d 755 0 4 0 /opt\n"
				       "d 1777 5 2 0 /opt/app\n"
				       "f 755 33 1 3 /opt/app/run\n"
				       "d 755 0 2 0 /opt/new\n"
				       "f 644 0 1 1 /opt/new/x\n"
				       "c 0 0 1 0 /opt/old\n"
				       "f 600 0 1 11 /twice\n"
				       "l 777 0 1 0 /was -> opt\n"
				       "f 644 0 1 1 /\xc3\xa4\xff\n";

	(void)state;
	for (size_t i = 0; i < COUNT(formats); i++) {
		/* gnutar cannot write holes: all but the last. */
		size_t count = COUNT(entries) - (formats[i][1] || i == 0);
		cleanup_free char *shorter = strdup(expected);
		scratch_dir scratch;
		char path[128], *hole;

		tree_scratch_make(&scratch);
		snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
		tree_archive(path, formats[i][0], formats[i][1], entries, count);
		hole = strstr(shorter, "f 644 0 1 5368709120");
		if (count < COUNT(entries))
			memmove(hole, strchr(hole, '\n') + 1,
				strlen(strchr(hole, '\n') + 1) + 1);
		check_image(path, shorter);
	}
}

static void damage(const char *path, off_t at, off_t bytes)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	assert_int_equal(ftruncate(fd, bytes), 0);
	close(fd);
}

/* Also where the damage lies in the data of a file, or behind the end of the archive. */
static void test_compressed_damaged(void **state)
{
	static const struct {
		const char *filter;
		bool sums; /* of the data; as libarchive writes it */
	} filters[] = {{"gzip", true}, {"bzip2", true}, {"xz", true},   {"lz4", true},
		       {"lzip", true}, {"lzma", false}, {"zstd", false}};
	struct tree_entry entry = {"a", 'f', NULL, 0644, 0, NULL, 0};
	static char big[300000];
	char path[128], expected[256];
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(big) - 1; i++) {
		random = random * 1664525 + 1013904223;
		big[i] = (char)('!' + (random >> 24) % 90);
	}
	big[sizeof(big) - 1] = '\0';
	entry.text = big;
	for (size_t i = 0; i < 2 * COUNT(filters); i++) {
		bool cut = i % 2;
		struct verity_error err = {0};
		scratch_dir scratch;
		struct stat st;
		int r;

		if (!cut && !filters[i / 2].sums)
			continue;
		tree_scratch_make(&scratch);
		snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
		tree_archive(path, "ustar", filters[i / 2].filter, &entry, 1);
		assert_int_equal(stat(path, &st), 0);
		if (cut)
			damage(path, st.st_size - 1, st.st_size - 3);
		else
			damage(path, st.st_size / 2, st.st_size);
		close(tree_image(path, NULL, 1, &r, &err));
		snprintf(expected, sizeof(expected),
			 "%s: its compressed data is damaged or incomplete: ", path);
		if (r != -EINVAL || strncmp(err.message, expected, strlen(expected)) != 0)
			fail_msg("%s %s: %d '%s'", filters[i / 2].filter,
				 cut ? "cut" : "damaged", r, err.message);
	}
}

/* Cut anywhere, an archive is refused or gives a whole image of a part, never a crash. */
static void test_archive_cut(void **state)
{
	struct tree_entry entries[] = {
		{"a", 'f', NULL, 0644, 0, NULL, 0},
		{"b", 'f', "second", 0644, 0, NULL, 0},
	};
	char big[20000], path[128];
	struct verity_error err;
	scratch_dir scratch;
	struct stat st;
	int r;

	(void)state;
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	entries[0].text = big;
	tree_scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
	tree_archive(path, "ustar", NULL, entries, COUNT(entries));
	assert_int_equal(stat(path, &st), 0);
	for (off_t length = 10000; length > 0; length -= 977) {
		assert_int_equal(truncate(path, length), 0);
		close(tree_image(path, NULL, 1, &r, &err));
		assert_int_equal(r, -EINVAL);
		assert_int_equal(err.code, VERITY_E_BAD_TREE);
	}
}

/* "NAME=VALUE " of each attribute of the entry at the root called @name. */
static void check_attributes(const struct image_tree *tree, const char *name,
			     const char *expected)
{
	const struct image_node *node = image_node_child(tree->root, name);
	char text[512] = "";

	assert_non_null(node);
	for (const struct image_xattr *xattr = node->inode->xattrs; xattr;
	     xattr = xattr->next)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s=%.*s ",
			 xattr->name, (int)xattr->value_bytes,
			 (const char *)xattr->value);
	assert_string_equal(text, expected);
}

/* Those of the build host stay there; overlayfs's own mean the same in each spelling. */
static void test_attributes(void **state)
{
	static const struct {
		const char *xattr, *kept, *all;
		uint64_t left, left_of_all;
	} cases[] = {
		{"security.capability=c", "security.capability=c ",
		 "security.capability=c ", 0, 0},
		{"security.selinux=unconfined_u", "", "security.selinux=unconfined_u ", 1,
		 0},
		{"security.ima=x", "", "security.ima=x ", 1, 0},
		{"security.capability2=x", "", "security.capability2=x ", 1, 0},
		{"user.xdg.origin.url=http", "", "user.xdg.origin.url=http ", 1, 0},
		{"trusted.md5sum=1", "", "trusted.md5sum=1 ", 1, 0},
		{"com.apple.quarantine=q", "", "", 1, 1},
		{"system.nfs4_acl=q", "", "", 1, 1},
		{"trusted.overlay.opaque=y", "trusted.overlay.opaque=y ",
		 "trusted.overlay.opaque=y ", 0, 0},
		{"user.overlay.opaque=y", "trusted.overlay.opaque=y ",
		 "trusted.overlay.opaque=y ", 0, 0},
		{"user.fuseoverlayfs.opaque=y", "trusted.overlay.opaque=y ",
		 "trusted.overlay.opaque=y ", 0, 0},
		{"trusted.overlay.opaque=n", "", "", 0, 0},
		{"user.overlay.origin=x", "", "", 0, 0},
	};
	scratch_dir scratch;
	char path[128];

	(void)state;
	tree_scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
	for (size_t i = 0; i < 2 * COUNT(cases); i++) {
		cleanup_with(image_tree_free_p) struct image_tree *tree = NULL;
		const struct tree_entry entry = {.path = "d",
						 .type = 'd',
						 .mode = 0755,
						 .xattr = cases[i / 2].xattr};
		struct verity_error err = {0};
		cleanup_fd int fd = -1;

		tree_archive(path, "pax", NULL, &entry, 1);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		check_ok(image_tree_new(0, &tree, &err), &err);
		tree->all_attributes = i % 2;
		check_ok(image_tar_scan(fd, tree, &err), &err);
		check_attributes(tree, "d", i % 2 ? cases[i / 2].all : cases[i / 2].kept);
		assert_int_equal(tree->notes.attributes,
				 i % 2 ? cases[i / 2].left_of_all : cases[i / 2].left);
	}
}

/* A layer of OCI that replaces a folder, in each order; of files there is nothing to do.
 */
static void test_whiteout_and_folder(void **state)
{
	static const struct {
		struct tree_entry entries[4];
		size_t count;
		const char *attributes; /* of "app" */
	} cases[] = {
		{{FILE_(".wh.app"), DIR("app"), FILE_("app/x")},
		 3,
		 "trusted.overlay.opaque=y "},
		{{DIR("app"), FILE_("app/x"), FILE_(".wh.app")},
		 3,
		 "trusted.overlay.opaque=y "},
		{{FILE_(".wh.app"), FILE_("app/x")}, 2, "trusted.overlay.opaque=y "},
		{{FILE_("app/x"), FILE_(".wh.app")}, 2, "trusted.overlay.opaque=y "},
		{{FILE_("app"), FILE_(".wh.app"), DIR("app")},
		 3,
		 "trusted.overlay.opaque=y "},
		{{FILE_(".wh.app"), FILE_("app")}, 2, ""},
		{{FILE_(".wh.application"), DIR("app")}, 2, ""},
		{{DIR("app"), FILE_("app/.wh.app")}, 2, ""},
	};
	scratch_dir scratch;
	char path[128];

	(void)state;
	tree_scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
	for (size_t i = 0; i < COUNT(cases); i++) {
		cleanup_with(image_tree_free_p) struct image_tree *tree = NULL;
		struct verity_error err = {0};
		cleanup_fd int fd = -1;

		tree_archive(path, "pax", NULL, cases[i].entries, cases[i].count);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		check_ok(image_tree_new(0, &tree, &err), &err);
		check_ok(image_tar_scan(fd, tree, &err), &err);
		check_ok(image_tree_seal(tree, &err), &err);
		check_attributes(tree, "app", cases[i].attributes);
	}
}

/* A branch of aufs: one file of which all whiteouts are names, and what it hides. */
static void test_aufs(void **state)
{
	static const struct tree_entry entries[] = {
		{".wh..wh.aufs", 'f', NULL, 0444, 0, NULL, 0},
		{".wh..wh.orph", 'd', NULL, 0700, 0, NULL, 0},
		{".wh..wh.plnk", 'd', NULL, 0700, 0, NULL, 0},
		{".wh..wh.plnk/12.34", 'f', "linked", 0644, 0, NULL, 0},
		{"d", 'd', NULL, 0755, 0, NULL, 0},
		{"d/.wh.first", 'h', ".wh..wh.aufs", 0444, 0, NULL, 0},
		{"d/.wh.second", 'h', "d/.wh.first", 0444, 0, NULL, 0},
		{"one", 'h', ".wh..wh.plnk/12.34", 0644, 0, NULL, 0},
		{"two", 'h', ".wh..wh.plnk/12.34", 0644, 0, NULL, 0},
	};
	static const char expected[] = "d 755 0 3 0 /\n"
				       "d 755 0 2 0 /d\n"
				       "c 0 0 1 0 /d/first\n"
				       "c 0 0 1 0 /d/second\n"
				       "f 644 0 2 6 /one\n"
				       "f 644 0 2 6 /two\n";
	scratch_dir scratch, archive;
	char path[128];

	(void)state;
	tree_scratch_make(&scratch);
	tree_make(scratch.path, entries, COUNT(entries));
	check_image(scratch.path, expected);
	tree_scratch_make(&archive);
	snprintf(path, sizeof(path), "%s/t.tar", archive.path);
	tree_archive(path, "gnutar", NULL, entries, COUNT(entries));
	check_image(path, expected);
}

/* Each name once, however many files have it, and as many as have space. */
static void test_attributes_noted(void **state)
{
	struct tree_entry entries[40];
	char xattrs[COUNT(entries)][32], names[COUNT(entries)][8], path[128];
	cleanup_with(image_tree_free_p) struct image_tree *tree = NULL;
	struct verity_error err = {0};
	cleanup_fd int fd = -1;
	scratch_dir scratch;

	(void)state;
	for (size_t i = 0; i < COUNT(entries); i++) {
		snprintf(names[i], sizeof(names[i]), "f%zu", i);
		snprintf(xattrs[i], sizeof(xattrs[i]), "user.%s%zu=v",
			 i < 4 ? "a" : "attribute-", i < 4 ? i % 2 : i);
		entries[i] =
			(struct tree_entry){names[i], 'f', NULL, 0644, 0, xattrs[i], 0};
	}
	tree_scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/t.tar", scratch.path);
	tree_archive(path, "pax", NULL, entries, COUNT(entries));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	check_ok(image_tree_new(0, &tree, &err), &err);
	check_ok(image_tar_scan(fd, tree, &err), &err);
	assert_int_equal(tree->notes.attributes, COUNT(entries));
	assert_memory_equal(tree->notes.attribute_names,
			    "user.a0, user.a1, user.attribute-4, user.attribute-5, ", 54);
	assert_true(strlen(tree->notes.attribute_names) > 200);
}

/* Some that compress, some that do not, some alike, of all sizes around a block. */
static void many_make(const char *path, bool backwards)
{
	char name[128], *data = malloc(300000);
	unsigned seed;

	assert_non_null(data);
	for (unsigned n = 0; n < 48; n++) {
		unsigned i = backwards ? 47 - n : n;
		size_t size = (i * 37919U) % 300000;
		FILE *file;

		seed = i % 20;
		for (size_t b = 0; b < size; b++) {
			seed = seed * 1103515245U + 12345U;
			data[b] = (char)(i % 3 == 0 ? seed >> 16 : b / 100);
		}
		snprintf(name, sizeof(name), "%s/f%u", path, i);
		file = fopen(name, "wx");
		assert_non_null(file);
		assert_int_equal(fwrite(data, 1, size, file), size);
		assert_int_equal(fclose(file), 0);
	}
	free(data);
}

static void check_same(int a, int b)
{
	char left[4096], right[4096];
	ssize_t n;

	for (off_t place = 0;; place += n) {
		n = pread(a, left, sizeof(left), place);
		assert_int_equal(pread(b, right, sizeof(right), place), n);
		if (n <= 0)
			break;
		assert_memory_equal(left, right, (size_t)n);
	}
}

/* squashfs has 32 bits without a sign: until 2106, and what is later is cut to that. */
static void test_far_times(void **state)
{
	static const struct {
		int64_t file, date;
		uint32_t stored;
	} times[] = {
		{INT64_C(2208988800), INT64_C(4102444800), 2208988800U},
		{INT64_C(4102444800), INT64_C(2208988800), 2208988800U},
		{UINT32_MAX, INT64_C(5000000000), UINT32_MAX},
		{INT64_C(4294967296), INT64_C(5000000000), UINT32_MAX},
	};
	struct verity_error err = {0};
	scratch_dir scratch;
	char path[96];

	(void)state;
	tree_scratch_make(&scratch);
	tree_make(scratch.path, &(struct tree_entry)FILE_("far"), 1);
	snprintf(path, sizeof(path), "%s/far", scratch.path);
	for (size_t i = 0; i < COUNT(times); i++) {
		const struct overlay_image_options options = {.source_date =
								      times[i].date};
		const struct timespec times_of_file[2] = {{times[i].file, 0},
							  {times[i].file, 0}};
		cleanup_fd int fd = memfd_create("image", MFD_CLOEXEC);
		struct overlay_image_notes notes;
		struct stat st;
		uint64_t bytes;

		assert_int_equal(utimensat(AT_FDCWD, path, times_of_file, 0), 0);
		assert_int_equal(stat(path, &st), 0);
		if (st.st_mtime != times[i].file)
			fail_msg("the file system of %s has no such times", path);
		check_ok(overlay_image_write(scratch.path, fd, &options, &bytes, &notes,
					     &err),
			 &err);
		assert_int_equal(tree_time(fd, "far"), times[i].stored);
	}
}

static void test_same_bytes(void **state)
{
	static const char *const compressors[] = {"zstd", "gzip", "lz4", "xz"};
	static const unsigned threads[] = {1, 2, 7, 0};
	struct verity_error err = {0};
	scratch_dir forth, back;
	int r;

	(void)state;
	tree_scratch_make(&forth);
	tree_scratch_make(&back);
	many_make(forth.path, false);
	many_make(back.path, true);
	for (size_t c = 0; c < COUNT(compressors); c++) {
		cleanup_fd int first =
			tree_image(forth.path, compressors[c], 1, &r, &err);

		check_ok(r, &err);
		for (size_t t = 0; t < COUNT(threads); t++) {
			cleanup_fd int next = tree_image(back.path, compressors[c],
							 threads[t], &r, &err);

			check_ok(r, &err);
			check_same(first, next);
		}
	}
}

/* A file that no compressor makes smaller, the same for each @seed. */
static void noise_make(const char *folder, const char *name, uint32_t seed, size_t count)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < count; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 17;
		seed ^= seed << 5;
		assert_int_not_equal(fputc(seed >> 24, file), EOF);
	}
	assert_int_equal(fclose(file), 0);
}

/* All bytes are as frequent as the others in each; what compresses is compressed. */
static void test_even_bytes(void **state)
{
	enum { BYTES = 1 << 20, BLOCK = 1 << 17 };
	static const struct {
		uint32_t period; /* of the bytes in a block; 0: none */
		off_t least, most;
	} cases[] = {
		{0, BYTES, BYTES + 8192},
		{256, 256, 32768},
		{BLOCK / 2, BYTES / 2, BYTES / 2 + 32768},
	};
	struct verity_error err = {0};
	int r;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		cleanup_fd int image = -1;
		scratch_dir tree;
		char path[128];
		uint8_t *bytes;
		int fd;

		tree_scratch_make(&tree);
		noise_make(tree.path, "file", 1, BYTES);
		snprintf(path, sizeof(path), "%s/file", tree.path);
		fd = open(path, O_RDWR | O_CLOEXEC);
		bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		assert_true(bytes != MAP_FAILED);
		for (uint32_t at = 0; cases[i].period > 0 && at < BYTES; at++)
			if (at % BLOCK >= cases[i].period)
				bytes[at] = bytes[at - cases[i].period];
			else if (cases[i].period == 256)
				bytes[at] = (uint8_t)at;
		munmap(bytes, BYTES);
		close(fd);
		image = tree_image(tree.path, "zstd", 0, &r, &err);
		check_ok(r, &err);
		assert_in_range(lseek(image, 0, SEEK_END), cases[i].least, cases[i].most);
	}
}

static bool block_is_in(int fd, const uint8_t block[static 4096])
{
	uint8_t other[4096];

	for (off_t at = 0; pread(fd, other, sizeof(other), at) == sizeof(other);
	     at += (off_t)sizeof(other))
		if (memcmp(block, other, sizeof(other)) == 0)
			return true;
	return false;
}

/* One file of many has 100 bytes more, and what follows it in the image is the same. */
static void test_blocks_in_common(void **state)
{
	struct verity_error err = {0};
	uint8_t block[4096];
	int images[2], r;
	size_t blocks = 0, other = 0;

	(void)state;
	for (int version = 0; version < 2; version++) {
		scratch_dir tree;

		tree_scratch_make(&tree);
		noise_make(tree.path, "a", 1, 300000 + 100 * version);
		noise_make(tree.path, "z", 2, 1 << 20);
		for (uint32_t i = 0; i < 60; i++) {
			char name[16];

			snprintf(name, sizeof(name), "small%02u", i);
			noise_make(tree.path, name, 3 + i, 8000);
		}
		images[version] = tree_image(tree.path, "zstd", 0, &r, &err);
		check_ok(r, &err);
	}
	for (; pread(images[1], block, sizeof(block), (off_t)(blocks * sizeof(block))) ==
	       sizeof(block);
	     blocks++)
		other += !block_is_in(images[0], block);
	assert_true(blocks > 400);
	/* The block of small files with the end of "a", and inodes and tables. */
	assert_in_range(other, 1, 48);
	close(images[0]);
	close(images[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_folder),
		cmocka_unit_test(test_refused_archive),
		cmocka_unit_test(test_refused_names),
		cmocka_unit_test(test_refused_source),
		cmocka_unit_test(test_compressor_unknown),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_acl),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_merged_usr),
		cmocka_unit_test(test_archive),
		cmocka_unit_test(test_archive_cut),
		cmocka_unit_test(test_compressed_damaged),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_attributes_noted),
		cmocka_unit_test(test_whiteout_and_folder),
		cmocka_unit_test(test_aufs),
		cmocka_unit_test(test_far_times),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_blocks_in_common),
		cmocka_unit_test(test_even_bytes),
	};

	return cmocka_run_group_tests(tests, tree_group_setup, tree_group_teardown);
}
