/* SPDX-License-Identifier: MIT */
#include "overlay/contents/firmware.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static void make(const char *path)
{
	char folder[128];

	snprintf(folder, sizeof(folder), "%s", path);
	for (char *slash = strchr(folder, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)!mkdir(folder, 0755);
		*slash = '/';
	}
	scratch_write(path, "x\n");
}

static void test_look(void **state)
{
	static const struct {
		const char *path;
		int result;
		enum overlay_contents_kind kind;
	} cases[] = {
		{"", 0, OVERLAY_CONTENTS_FOLDER},
		{"etc", 0, OVERLAY_CONTENTS_FOLDER},
		{"etc/motd", 0, OVERLAY_CONTENTS_FILE},
		{"etc/none", -ENOENT, 0},
		{"etc/motd/none", -ENOENT, 0},
		{"link", 0, OVERLAY_CONTENTS_LINK},
		{"out", 0, OVERLAY_CONTENTS_LINK},
		{"dangling", 0, OVERLAY_CONTENTS_LINK},
		/* never through a link, wherever it leads */
		{"link/motd", -ENOENT, 0},
		{"out/passwd", -ENOENT, 0},
		{"pipe", 0, OVERLAY_CONTENTS_SPECIAL},
	};
	cleanup_fd int root = -1;
	struct verity_error err = {0};
	char target[PATH_MAX];

	(void)state;
	make("look/etc/motd");
	assert_int_equal(symlink("etc", "look/link"), 0);
	assert_int_equal(symlink("/etc", "look/out"), 0);
	assert_int_equal(symlink("none", "look/dangling"), 0);
	assert_int_equal(mkfifo("look/pipe", 0644), 0);
	check_ok(overlay_firmware_open("look", &root, &err), &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_contents_look look = {0};
		int r = overlay_firmware_look(root, cases[i].path, &look, &err);

		if (r != cases[i].result || look.kind != cases[i].kind)
			fail_msg("%s: %d, %d", cases[i].path, r, (int)look.kind);
	}
	check_ok(overlay_firmware_target(root, "out", target, &err), &err);
	assert_string_equal(target, "/etc");
	assert_int_equal(overlay_firmware_target(root, "none", target, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "the firmware's /none: No such file or directory");
	assert_int_equal(overlay_firmware_open("none", &root, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "the firmware's tree: none: No such file or directory");
}

/* What is mounted within the tree is not the firmware's; that there is a folder is. */
static void test_mounted(void **state)
{
	struct overlay_contents_look look = {0};
	cleanup_fd int root = -1;
	struct verity_error err = {0};

	(void)state;
	check_ok(overlay_firmware_open("/", &root, &err), &err);
	assert_int_equal(overlay_firmware_look(root, "proc", &look, &err), 0);
	assert_int_equal(look.kind, OVERLAY_CONTENTS_FOLDER);
	assert_int_equal(overlay_firmware_look(root, "proc/version", &look, &err),
			 -ENOENT);
	assert_int_equal(overlay_firmware_look(root, "proc/sys/kernel", &look, &err),
			 -ENOENT);
}

/* Whether a path is there only because this build installs its programs elsewhere. */
static bool is_elsewhere(const char *path)
{
	static const char *const folders[] = {WMOPKG_BINDIR, WMOPKG_SBINDIR};
	size_t size = strcspn(path, "/");

	for (size_t i = 0; i < 2; i++)
		if (strncmp(folders[i], path, size) == 0 && folders[i][size] == '/' &&
		    strncmp(path, "usr", size) != 0)
			return true;
	return false;
}

static char *list(const char *folder, const struct overlay_protect *own)
{
	static const char letters[] = "fdolws";
	struct overlay_contents contents = {0};
	struct verity_error err = {0};
	cleanup_fd int root = -1;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	check_ok(overlay_firmware_open(folder, &root, &err), &err);
	check_ok(overlay_firmware_engine(&(struct overlay_firmware){.root = root}, own,
					 &contents, &err),
		 &err);
	for (size_t i = 0; i < contents.count; i++) {
		const struct overlay_contents_entry *entry = &contents.entries[i];

		if (!is_elsewhere(entry->path))
			fprintf(out, "%c:%s%s%s\n", letters[entry->kind], entry->path,
				entry->target ? ">" : "",
				entry->target ? entry->target : "");
	}
	fclose(out);
	overlay_contents_free(&contents);
	return text;
}

#define PROGRAMS(folder, first, second)                                                  \
	"d:" folder "\n" first ":" folder "/wmopkg\n" second ":" folder                  \
	"/wmopkg-activate\nw:" folder "/wmopkg-fetch\nw:" folder                         \
	"/wmopkg-shutdown\nw:" folder "/wmopkg-web\n"
#define NONE(folder) PROGRAMS(folder, "w", "w")
#define LOCAL        "d:usr/local\n" NONE("usr/local/bin") NONE("usr/local/sbin")

static void check_list(const char *folder, const struct overlay_protect *own,
		       const char *wanted)
{
	cleanup_free char *text = list(folder, own);

	assert_string_equal(text, wanted);
}

static void test_engine(void **state)
{
	(void)state;
	make("plain/etc/wmopkg/keys/root.pem");
	make("plain/usr/bin/wmopkg");
	make("plain/usr/bin/other");
	make("plain/usr/sbin/wmopkg-activate");
	check_list("plain", NULL,
		   NONE("bin") "d:etc\no:etc/wmopkg\nd:etc/wmopkg/keys\n"
			       "f:etc/wmopkg/keys/root.pem\n" NONE(
				       "sbin") "d:usr\n" PROGRAMS("usr/bin", "f", "w")
				       LOCAL PROGRAMS("usr/sbin", "w", "f"));
	/* What the firmware does not have, no package has. */
	assert_int_equal(mkdir("none", 0755), 0);
	check_list("none", NULL,
		   NONE("bin") "d:etc\nw:etc/wmopkg\n" NONE("sbin") "d:usr\n" NONE(
			   "usr/bin") LOCAL NONE("usr/sbin"));
}

/* A link on the way, and the thing itself a link; a folder of links only once. */
static void test_engine_links(void **state)
{
	(void)state;
	make("linked/usr/bin/wmopkg-activate");
	make("linked/real/conf/wmopkg.conf");
	make("linked/real/x/program");
	make("linked/etc/motd");
	assert_int_equal(mkdir("linked/usr/local", 0755), 0);
	assert_int_equal(symlink("bin", "linked/usr/sbin"), 0);
	assert_int_equal(symlink("usr/bin", "linked/bin"), 0);
	assert_int_equal(symlink("usr/sbin", "linked/sbin"), 0);
	assert_int_equal(symlink("/real/conf", "linked/etc/wmopkg"), 0);
	assert_int_equal(symlink("../../real/x", "linked/usr/local/bin"), 0);
	assert_int_equal(symlink("program", "linked/real/x/wmopkg"), 0);
	check_list(
		"linked", NULL,
		"l:bin>usr/bin\nd:etc\nl:etc/wmopkg>/real/conf\nd:real\no:real/conf\n"
		"f:real/conf/wmopkg.conf\nd:real/x\nf:real/x/program\n"
		"l:real/x/wmopkg>program\nw:real/x/wmopkg-activate\n"
		"w:real/x/wmopkg-fetch\nw:real/x/wmopkg-shutdown\nw:real/x/wmopkg-web\n"
		"l:sbin>usr/sbin\nd:usr\n" PROGRAMS(
			"usr/bin", "w",
			"f") "d:usr/local\n"
			     "l:usr/local/bin>../../real/x\n" NONE(
				     "usr/local/sbin") "l:usr/sbin>bin\n");
}

/* A way that ends in the firmware: what is in its place stays the firmware's. */
static void test_engine_no_way(void **state)
{
	(void)state;
	make("blocked/usr/local");
	make("blocked/usr/sbin");
	assert_int_equal(symlink("loop", "blocked/loop"), 0);
	assert_int_equal(symlink("loop/x", "blocked/bin"), 0);
	check_list("blocked", NULL,
		   "l:bin>loop/x\nd:etc\nw:etc/wmopkg\nl:loop>loop\n" NONE(
			   "sbin") "d:usr\n" NONE("usr/bin") "f:usr/local\nf:usr/sbin\n");
}

/* What the configuration adds, there or not. */
static void test_engine_own(void **state)
{
	const struct overlay_protect own = {
		.paths = {"/var/keys", "/srv/x/wmopkg", "/srv/none"}, .count = 3};

	(void)state;
	make("own/var/keys/root.pem");
	make("own/srv/x/wmopkg");
	make("own/srv/x/other");
	check_list(
		"own", &own,
		NONE("bin") "d:etc\nw:etc/wmopkg\n" NONE(
			"sbin") "d:srv\nw:srv/none\n"
				"d:srv/x\nf:srv/x/wmopkg\nd:usr\n" NONE("usr/bin") LOCAL NONE(
					"usr/sbin") "d:var\no:var/keys\nf:var/keys/root.pem\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),          cmocka_unit_test(test_mounted),
		cmocka_unit_test(test_engine),        cmocka_unit_test(test_engine_links),
		cmocka_unit_test(test_engine_no_way), cmocka_unit_test(test_engine_own),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
