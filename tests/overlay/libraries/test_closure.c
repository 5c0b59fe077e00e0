/* SPDX-License-Identifier: MIT */
#include "overlay/libraries/closure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "overlay/libraries/elf.h"
#include "overlay/libraries/essential.h"
#include "overlay/libraries/ld_cache.h"
#include "overlay/libraries/touched.h"
#include "tests/check.h"
#include "tests/overlay/libraries/crafted_elf.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"
#include "verity/util/le32.h"

#define LOADER "/lib64/ld-linux-x86-64.so.2"

static void make_folders(const char *path)
{
	char folder[256];

	snprintf(folder, sizeof(folder), "%s", path);
	for (char *slash = strchr(folder, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)!mkdir(folder, 0755);
		*slash = '/';
	}
}

static void put_bytes(const char *path, const void *bytes, size_t count)
{
	cleanup_file FILE *file = NULL;

	make_folders(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
}

static void put_elf(const char *path, struct crafted_elf elf)
{
	uint8_t bytes[CRAFTED_ELF_BYTES];

	put_bytes(path, bytes, crafted_elf_make(&elf, bytes));
}

static void put_link(const char *path, const char *target)
{
	make_folders(path);
	assert_int_equal(symlink(target, path), 0);
}

/* "glibc-ld.so.cache1.1" with these pairs; @old: "ld.so-1.7.0" before it. */
static size_t make_cache(const char *const *pairs, bool old, uint8_t ret[static 4096])
{
	uint32_t count = 0, start = old ? 16 : 0, texts, used;

	memset(ret, 0, 4096);
	if (old)
		memcpy(ret, "ld.so-1.7.0", 11);
	while (pairs[2 * count])
		count++;
	memcpy(ret + start, "glibc-ld.so.cache1.1", 20);
	verity_le32_put(ret + start + 20, count);
	texts = used = 48 + 24 * count;
	for (uint32_t i = 0; i < 2 * count; i++) {
		uint32_t at = start + 48 + 24 * (i / 2) + 4 + 4 * (i % 2);

		verity_le32_put(ret + at, used);
		strcpy((char *)ret + start + used, pairs[i]);
		used += (uint32_t)strlen(pairs[i]) + 1;
	}
	assert_true(texts < 4096 && start + used < 4096);
	return start + used;
}

static char *list(const struct overlay_paths *paths)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < paths->count; i++)
		fprintf(out, "%s\n", paths->items[i]);
	fclose(out);
	return text;
}

/* @there: NULL: not looked at */
static void check_closure(const char *root, const char *program, const char *tried,
			  const char *there)
{
	cleanup_fd int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct overlay_closure_tree tree = {overlay_closure_at_root, &fd};
	cleanup_with(overlay_closure_free) struct overlay_closure closure = {0};
	cleanup_free char *found = NULL, *seen = NULL;
	struct verity_error err = {0};

	/* Once more: what was found is known then, and gives the same. */
	for (int i = 0; i < 2; i++)
		check_ok(overlay_closure_add(&closure, &tree, program, true, &err), &err);
	found = list(&closure.tried);
	assert_string_equal(found, tried);
	seen = list(&closure.there);
	if (there)
		assert_string_equal(seen, there);
}

/* A merged /usr with a cache: what it names is taken, and nothing else is looked for. */
static void test_cache(void **state)
{
	static const char *const pairs[] = {
		"liba.so.1", "/lib/x86_64-linux-gnu/liba.so.1",
		"liba.so.1", "/lib32/liba.so.1",
		"libb.so.2", "/lib/x86_64-linux-gnu/libb.so.2",
		"libb.so.2", "/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libb.so.2",
		NULL};
	uint8_t cache[4096];

	(void)state;
	put_elf("cached/usr/bin/p",
		(struct crafted_elf){.interpreter = LOADER, .needed = {"liba.so.1"}});
	put_elf("cached/usr/lib/x86_64-linux-gnu/liba.so.1.0",
		(struct crafted_elf){.needed = {"libb.so.2", "liba.so.1"}});
	put_elf("cached/usr/lib/x86_64-linux-gnu/libb.so.2", (struct crafted_elf){0});
	put_elf("cached/usr/lib32/liba.so.1",
		(struct crafted_elf){.class = ELFCLASS32, .machine = EM_386});
	put_elf("cached/usr/lib64/ld-linux-x86-64.so.2", (struct crafted_elf){0});
	put_link("cached/usr/lib/x86_64-linux-gnu/liba.so.1", "liba.so.1.0");
	put_link("cached/lib", "usr/lib");
	put_link("cached/lib32", "usr/lib32");
	put_link("cached/lib64", "usr/lib64");
	for (int old = 0; old < 2; old++) {
		put_bytes("cached/etc/ld.so.cache", cache, make_cache(pairs, old, cache));
		check_closure("cached", "usr/bin/p",
			      "etc/ld.so.cache\netc/ld.so.preload\n"
			      "lib64/ld-linux-x86-64.so.2\n"
			      "lib/x86_64-linux-gnu/liba.so.1\n"
			      "lib/x86_64-linux-gnu/libb.so.2\n"
			      "lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libb.so.2\n",
			      "usr/bin/p\netc/ld.so.cache\nlib64\n"
			      "usr/lib64/ld-linux-x86-64.so.2\nlib\n"
			      "usr/lib/x86_64-linux-gnu/liba.so.1\n"
			      "usr/lib/x86_64-linux-gnu/liba.so.1.0\n"
			      "usr/lib/x86_64-linux-gnu/libb.so.2\n");
	}
}

#define FASTER(folder)                                                                   \
	folder "/glibc-hwcaps\n" folder "/tls\n" folder "/x86_64\n" folder               \
	       "/haswell\n" folder "/xeon_phi\n" folder "/avx512_1\n" folder             \
	       "/i686\n" folder "/sse2\n" folder "/v6l\n" folder "/v7l\n" folder         \
	       "/v8l\n" folder "/neon\n" folder "/vfp\n"

/* Without a cache each folder may be the first; big-endian, 32 bits. */
static void test_folders(void **state)
{
	const struct crafted_elf kind = {
		.class = ELFCLASS32, .order = ELFDATA2MSB, .machine = EM_PPC};
	struct crafted_elf program = kind, other = kind;

	(void)state;
	program.interpreter = "/lib/ld.so.1";
	program.needed[0] = "liba.so";
	program.needed[1] = "libgcc_s.so.1";
	other.needed[0] = "/opt/lib/libx.so";
	other.needed[1] = "relative/libx.so";
	put_elf("folders/bin/p", program);
	put_elf("folders/lib/ld.so.1", kind);
	put_elf("folders/usr/lib/liba.so", other);
	/* of another kind, so that it is passed over; it could be replaced, though */
	put_elf("folders/lib/liba.so", (struct crafted_elf){0});
	put_elf("folders/lib/libgcc_s.so.1", kind);
	check_closure(
		"folders", "bin/p",
		"etc/ld.so.cache\netc/ld.so.preload\nlib/ld.so.1\n" FASTER(
			"lib") "lib/liba.so\n" FASTER("usr/lib") "usr/lib/liba.so\n"
								 "lib/"
								 "libgcc_s.so.1\n"
								 "usr/lib/"
								 "libgcc_s.so.1\n"
								 "opt/lib/libx.so\n",
		"bin/p\nlib/ld.so.1\nusr/lib/liba.so\nlib/libgcc_s.so.1\n");
}

/* The lists of a program and of its libraries; what is in a list comes first. */
static void test_lists(void **state)
{
	(void)state;
	put_elf("lists/opt/x/bin/p",
		(struct crafted_elf){.interpreter = "/lib/ld-musl-x86_64.so.1",
				     .rpath =
					     "$ORIGIN/../lib:/none/$PLATFORM:${ORIGIN}/q",
				     .needed = {"liba.so", "libc.musl-x86_64.so.1"}});
	put_elf("lists/opt/x/lib/liba.so", (struct crafted_elf){.needed = {"libb.so"}});
	put_elf("lists/opt/x/bin/q/libb.so", (struct crafted_elf){0});
	put_elf("lists/lib/ld-musl-x86_64.so.1", (struct crafted_elf){0});
	put_link("lists/lib/libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1");
	put_bytes("lists/etc/ld-musl-x86_64.path", "/lib:/opt/own\n", 14);
	check_closure("lists", "opt/x/bin/p",
		      "etc/ld-musl-x86_64.path\netc/ld.so.cache\netc/ld.so.preload\n"
		      "lib/ld-musl-x86_64.so.1\n"
		      "opt/x/bin/../lib/liba.so\n"
		      "opt/x/bin/../lib/libc.musl-x86_64.so.1\n"
		      "opt/x/bin/q/libc.musl-x86_64.so.1\n"
		      "lib/libc.musl-x86_64.so.1\n"
		      "opt/x/bin/../lib/libb.so\nopt/x/bin/q/libb.so\n",
		      NULL);
	put_elf("run/usr/bin/p", (struct crafted_elf){.interpreter = LOADER,
						      .runpath = "/opt/$LIB",
						      .needed = {"liba.so"}});
	put_elf("run/opt/lib64/liba.so", (struct crafted_elf){.needed = {"libb.so"}});
	put_elf("run/lib64/libb.so", (struct crafted_elf){0});
	check_closure(
		"run", "usr/bin/p",
		"etc/ld.so.cache\netc/ld.so.preload\n"
		"lib64/ld-linux-x86-64.so.2\n" FASTER(
			"opt/lib64") "opt/lib64/liba.so\n" FASTER("lib64") "lib64/libb.so\n",
		NULL);
}

/* A preloaded library, a script with its interpreter, and what is no program. */
static void test_others(void **state)
{
	(void)state;
	put_elf("others/bin/sh", (struct crafted_elf){.interpreter = LOADER});
	put_elf("others/opt/own.so", (struct crafted_elf){0});
	put_bytes("others/bin/script", "#! /bin/sh -e\n", 14);
	put_bytes("others/bin/text", "text\n", 5);
	put_bytes("others/bin/loop", "#!/bin/loop\n", 12);
	put_bytes("others/etc/ld.so.preload", "/opt/own.so\t/none.so\n", 21);
	put_link("others/bin/dangling", "/none");
	put_link("others/bin/itself", "itself");
	check_closure("others", "bin/script",
		      "bin/sh\netc/ld.so.cache\netc/ld.so.preload\nopt/own.so\nnone.so\n"
		      "lib64/ld-linux-x86-64.so.2\n",
		      "bin/script\nbin/sh\netc/ld.so.preload\nopt/own.so\n");
	check_closure("others", "bin/text", "", "bin/text\n");
	check_closure("others", "bin/loop", "bin/loop\n", "bin/loop\n");
	check_closure("others", "bin/dangling", "", "");
	check_closure("others", "bin/itself", "", "");
	check_closure("others", "bin/none", "", "");
	check_closure("others", "bin", "", "");
}

static int read_elf(const uint8_t *bytes, size_t count, struct overlay_elf *ret)
{
	cleanup_fd int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, count), count);
	return overlay_elf_read(fd, ret);
}

/* Whatever a file says, it is a program, or it is malformed. */
static void test_malformed(void **state)
{
	const struct crafted_elf good = {.interpreter = LOADER,
					 .runpath = "/opt/lib",
					 .needed = {"liba.so.1", "libb.so.2"}};
	uint8_t bytes[CRAFTED_ELF_BYTES], changed[CRAFTED_ELF_BYTES];
	size_t count = crafted_elf_make(&good, bytes);
	struct overlay_elf elf = {.count = 0};

	(void)state;
	assert_int_equal(read_elf(bytes, count, &elf), 0);
	assert_int_equal(elf.count, 2);
	assert_string_equal(elf.needed[1], "libb.so.2");
	assert_string_equal(elf.interpreter, LOADER);
	assert_string_equal(elf.runpath, "/opt/lib");
	assert_null(elf.rpath);
	overlay_elf_free(&elf);
	for (size_t i = 0; i < count; i++) {
		/* the texts end with the file, so none may be missing */
		assert_int_equal(read_elf(bytes, i, &elf), -ENOEXEC);
		for (int high = 0; high < 2; high++) {
			int r;

			memcpy(changed, bytes, count);
			changed[i] = high ? 0xff : (uint8_t)(changed[i] ^ 1);
			r = read_elf(changed, count, &elf);
			if (r == 0)
				overlay_elf_free(&elf);
			else
				assert_int_equal(r, -ENOEXEC);
		}
	}
}

static int count_one(void *context, const char *path)
{
	(void)path;
	++*(size_t *)context;
	return 0;
}

static void test_cache_malformed(void **state)
{
	static const char *const pairs[] = {"liba.so.1", "/lib/liba.so.1", "libb.so.1",
					    "/lib/libb.so.1", NULL};
	uint8_t bytes[4096 + 1];

	(void)state;
	for (int old = 0; old < 2; old++) {
		size_t count = make_cache(pairs, old, bytes), found = 0;

		for (size_t i = 0; i <= count; i++) {
			/* exactly as long, for the sanitizer */
			char *copy = malloc(i + 1);

			memcpy(copy, bytes, i);
			copy[i] = '\0';
			found = 0;
			assert_int_equal(overlay_ld_cache_find(copy, i, false,
							       "libb.so.1", count_one,
							       &found),
					 0);
			assert_true(found <= 1);
			free(copy);
		}
		assert_int_equal(found, 1);
		/* the other byte order: a number of entries that cannot be */
		assert_int_equal(overlay_ld_cache_find((char *)bytes, count, true,
						       "libb.so.1", count_one, &found),
				 0);
		assert_int_equal(found, 1);
	}
}

/* PAM modules belong to the login; what is not there is passed over. */
static void test_essential(void **state)
{
	cleanup_with(overlay_closure_free) struct overlay_closure closure = {0};
	cleanup_free char *there = NULL;
	static const char words[] =
		"init=/opt/other rinit=/opt/other init=/opt/first quiet init=x\n";
	struct verity_error err = {0};
	cleanup_fd int fd = -1;
	const struct overlay_closure_tree tree = {overlay_closure_at_root, &fd};

	(void)state;
	put_elf("essential/usr/lib/systemd/systemd",
		(struct crafted_elf){.interpreter = LOADER, .needed = {"libm.so"}});
	put_elf("essential/usr/lib/x86_64-linux-gnu/security/pam_unix.so",
		(struct crafted_elf){.needed = {"libcrypt.so"}});
	put_elf("essential/usr/lib/x86_64-linux-gnu/libcrypt.so",
		(struct crafted_elf){0});
	put_elf("essential/usr/lib/x86_64-linux-gnu/libm.so", (struct crafted_elf){0});
	put_elf("essential/usr/lib/x86_64-linux-gnu/libother.so",
		(struct crafted_elf){0});
	put_link("essential/sbin/init", "/usr/lib/systemd/systemd");
	put_link("essential/lib", "usr/lib");
	fd = open("essential", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_elf("essential/opt/first", (struct crafted_elf){.needed = {"libfirst.so"}});
	put_elf("essential/usr/lib/libfirst.so", (struct crafted_elf){0});
	put_elf("essential/opt/other", (struct crafted_elf){0});
	put_bytes("cmdline", words, strlen(words));
	check_ok(overlay_essential_find(&tree, "no such file", &closure, &err), &err);
	assert_int_equal(closure.there.count, 6);
	check_ok(overlay_essential_find(&tree, "cmdline", &closure, &err), &err);
	there = list(&closure.there);
	assert_string_equal(there, "sbin/init\nusr/lib/systemd/systemd\n"
				   "usr/lib/x86_64-linux-gnu/libm.so\nlib\n"
				   "usr/lib/x86_64-linux-gnu/security/pam_unix.so\n"
				   "usr/lib/x86_64-linux-gnu/libcrypt.so\n"
				   "opt/first\nusr/lib/libfirst.so\n");
}

static void check_touched(const struct overlay_touching *by, const char *wanted)
{
	static const char *const paths[] = {"lib/a/x.so", "lib/a/y.so", "usr/lib/a/z.so",
					    "opt/none/x.so", "etc/none"};
	cleanup_with(overlay_paths_free) struct overlay_paths all = {0};
	cleanup_with(overlay_paths_free) struct overlay_paths found = {0};
	cleanup_free char *text = NULL;
	struct verity_error err = {0};
	cleanup_fd int root = open("touched", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(overlay_paths_add(&all, paths[i]), 0);
	check_ok(overlay_touched_find(root, by, &all, &found, &err), &err);
	text = list(&found);
	assert_string_equal(text, wanted);
}

/* Only what is in the place of a path, or keeps the way to it from being merged. */
static void test_touched(void **state)
{
	struct overlay_touching by = {.count = 1};

	(void)state;
	put_bytes("touched/usr/lib/a/x.so", "x", 1);
	put_link("touched/usr/lib/a/y.so", "x.so");
	put_link("touched/lib", "usr/lib");
	put_bytes("by-file/1/usr/lib/a/x.so", "x", 1);
	put_bytes("by-nothing/1/usr/lib/a/other.so", "x", 1);
	put_bytes("by-nothing/2/usr/lib/b/x.so", "x", 1);
	make_folders("by-link/1/lib/");
	put_link("by-folder/1/usr/lib", "elsewhere");
	put_bytes("by-none/1/opt/none/x.so", "x", 1);
	put_bytes("by-none/2/etc/none", "x", 1);
	put_bytes("upper/a/z.so", "x", 1);
	by.fd = open("by-file", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* y.so leads there */
	check_touched(&by, "lib/a/x.so\nlib/a/y.so\n");
	by.fd = open("by-nothing", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	by.count = 2;
	check_touched(&by, "");
	by.fd = open("by-none", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_touched(&by, "opt/none/x.so\netc/none\n");
	by.count = 1;
	by.fd = open("by-link", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_touched(&by, "lib/a/x.so\nlib/a/y.so\n");
	by.fd = open("by-folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_touched(&by, "lib/a/x.so\nlib/a/y.so\nusr/lib/a/z.so\n");
	/* what was changed in a hierarchy, and in the whole root */
	by.fd = open("upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	by.upper = "/usr/lib";
	check_touched(&by, "usr/lib/a/z.so\n");
	by.fd = open("by-file/1", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	by.upper = "";
	check_touched(&by, "lib/a/x.so\nlib/a/y.so\n");
}

static void count_unreadable(void *context, size_t layer, const struct verity_error *why)
{
	size_t *counts = context;

	counts[layer]++;
	assert_int_equal(why->code, VERITY_E_IO);
}

/* What a package that cannot be read has is not known; the others are asked all the same.
 */
static void test_unreadable(void **state)
{
	size_t counts[2] = {0};
	struct overlay_touching by = {
		.count = 2, .unreadable = count_unreadable, .context = counts};

	(void)state;
	put_bytes("unreadable/2/etc/none", "x", 1);
	put_link("unreadable/1", "1");
	by.fd = open("unreadable", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_touched(&by, "etc/none\n");
	assert_true(counts[0] > 0);
	assert_int_equal(counts[1], 0);
}

/* What one program needs is known to the next one, and is still noted for it. */
static void test_programs_share(void **state)
{
	static const char *const programs[] = {"usr/bin/p", "usr/bin/q", "usr/bin/r"};
	cleanup_with(overlay_closure_free) struct overlay_closure together = {0};
	struct overlay_closure_tree tree = {overlay_closure_at_root, NULL};
	struct verity_error err = {0};
	cleanup_fd int fd = -1;
	size_t tried = 0;

	(void)state;
	put_elf("shared/usr/bin/p", (struct crafted_elf){.interpreter = LOADER,
							 .needed = {"liba.so"},
							 .rpath = "$ORIGIN/../own"});
	put_elf("shared/usr/bin/q",
		(struct crafted_elf){.interpreter = LOADER, .needed = {"liba.so"}});
	put_elf("shared/usr/bin/r",
		(struct crafted_elf){.interpreter = LOADER, .needed = {"libb.so"}});
	put_elf("shared/usr/own/liba.so", (struct crafted_elf){.needed = {"libb.so"}});
	put_elf("shared/lib/liba.so", (struct crafted_elf){.needed = {"libb.so"}});
	put_elf("shared/lib/libb.so.1", (struct crafted_elf){0});
	put_link("shared/lib/libb.so", "libb.so.1");
	put_link("shared/usr/own/libb.so", "../../lib/libb.so");
	fd = open("shared", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tree.context = &fd;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		check_ok(overlay_closure_add(&together, &tree, programs[i], true, &err),
			 &err);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		cleanup_with(overlay_closure_free) struct overlay_closure own = {0};

		check_ok(overlay_closure_add(&own, &tree, programs[i], true, &err), &err);
		assert_true(own.there.count >= 3);
		for (size_t k = 0; k < own.tried.count; k++)
			assert_true(
				overlay_paths_has(&together.tried, own.tried.items[k]));
		for (size_t k = 0; k < own.there.count; k++)
			assert_true(
				overlay_paths_has(&together.there, own.there.items[k]));
		tried += own.tried.count;
	}
	assert_true(tried > together.tried.count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs_share),  cmocka_unit_test(test_cache),
		cmocka_unit_test(test_folders),         cmocka_unit_test(test_lists),
		cmocka_unit_test(test_others),          cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_cache_malformed), cmocka_unit_test(test_essential),
		cmocka_unit_test(test_touched),         cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
