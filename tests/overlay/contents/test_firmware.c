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
		enum overlay_contents_kind kind = 0;
		int r = overlay_firmware_look(root, cases[i].path, &kind, &err);

		if (r != cases[i].result || kind != cases[i].kind)
			fail_msg("%s: %d, %d", cases[i].path, r, (int)kind);
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
	enum overlay_contents_kind kind = 0;
	cleanup_fd int root = -1;
	struct verity_error err = {0};

	(void)state;
	check_ok(overlay_firmware_open("/", &root, &err), &err);
	assert_int_equal(overlay_firmware_look(root, "proc", &kind, &err), 0);
	assert_int_equal(kind, OVERLAY_CONTENTS_FOLDER);
	assert_int_equal(overlay_firmware_look(root, "proc/version", &kind, &err),
			 -ENOENT);
	assert_int_equal(overlay_firmware_look(root, "proc/sys/kernel", &kind, &err),
			 -ENOENT);
}

static char *list(const char *folder)
{
	static const char letters[] = "fdolws";
	struct overlay_contents contents = {0};
	struct verity_error err = {0};
	cleanup_fd int root = -1;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	check_ok(overlay_firmware_open(folder, &root, &err), &err);
	check_ok(overlay_firmware_engine(&(struct overlay_firmware){.root = root},
					 &contents, &err),
		 &err);
	for (size_t i = 0; i < contents.count; i++)
		fprintf(out, "%c:%s%s%s\n", letters[contents.entries[i].kind],
			contents.entries[i].path, contents.entries[i].target ? ">" : "",
			contents.entries[i].target ? contents.entries[i].target : "");
	fclose(out);
	overlay_contents_free(&contents);
	return text;
}

static void test_engine(void **state)
{
	cleanup_free char *plain = NULL;
	cleanup_free char *none = NULL;
	cleanup_free char *linked = NULL;

	(void)state;
	make("plain/etc/wmopkg/keys/root.pem");
	make("plain/usr/bin/wmopkg");
	make("plain/usr/bin/other");
	make("plain/usr/sbin/wmopkg-activate");
	plain = list("plain");
	assert_string_equal(plain, "d:etc\no:etc/wmopkg\nd:etc/wmopkg/keys\n"
				   "f:etc/wmopkg/keys/root.pem\nd:usr\nd:usr/bin\n"
				   "f:usr/bin/wmopkg\nd:usr/sbin\n"
				   "f:usr/sbin/wmopkg-activate\n");
	/* What the firmware does not have, no package has. */
	assert_int_equal(mkdir("none", 0755), 0);
	none = list("none");
	assert_string_equal(none, "d:etc\nw:etc/wmopkg\nd:usr\nd:usr/bin\n"
				  "w:usr/bin/wmopkg\nd:usr/sbin\n"
				  "w:usr/sbin/wmopkg-activate\n");
	/* A link on the way, and the thing itself a link. */
	make("linked/usr/bin/wmopkg-activate");
	make("linked/opt/conf/wmopkg.conf");
	make("linked/etc/motd");
	assert_int_equal(symlink("bin", "linked/usr/sbin"), 0);
	assert_int_equal(symlink("/opt/conf", "linked/etc/wmopkg"), 0);
	linked = list("linked");
	assert_string_equal(linked, "d:etc\nl:etc/wmopkg>/opt/conf\nd:opt\no:opt/conf\n"
				    "f:opt/conf/wmopkg.conf\nd:usr\nd:usr/bin\n"
				    "w:usr/bin/wmopkg\nf:usr/bin/wmopkg-activate\n"
				    "l:usr/sbin>bin\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_mounted),
		cmocka_unit_test(test_engine),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
