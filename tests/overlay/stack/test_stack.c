/* SPDX-License-Identifier: MIT */
#include "overlay/fs/mountinfo.h"
#include "overlay/stack/stack.h"
#include <errno.h>

#include "tests/check.h"
#include "verity/util/cleanup.h"

#define PAGE 4096

static int plan_new(size_t packages, bool nosuid, struct overlay_stack_plan *ret,
		    struct verity_error *err)
{
	const struct overlay_stack_parts parts = {
		.engine = true, .packages = packages, .root = true, .nosuid = nosuid};

	return overlay_stack_plan_make(&parts, ret, err);
}

static void test_plan(void **state)
{
	struct overlay_stack_plan plan = {0};
	struct verity_error err;

	(void)state;
	check_ok(plan_new(2, true, &plan, &err), &err);
	assert_int_equal(plan.count, 4);
	assert_string_equal(plan.names[0], "engine");
	assert_string_equal(plan.names[1], "1");
	assert_string_equal(plan.names[2], "2");
	assert_string_equal(plan.names[3], "root");
	assert_true(plan.nosuid);
	overlay_stack_plan_free(&plan);
	assert_null(plan.names);
}

static void test_most(void **state)
{
	struct overlay_stack_plan plan = {0};
	cleanup_free char *options = NULL;
	struct verity_error err;

	(void)state;
	check_ok(plan_new(498, false, &plan, &err), &err);
	assert_int_equal(plan.count, OVERLAY_STACK_MAX);
	check_ok(overlay_stack_options(&plan, PAGE, &options, &err), &err);
	assert_true(strlen(options) < PAGE);
	check_ok(overlay_stack_compare(&plan, options, &err), &err);
	overlay_stack_plan_free(&plan);

	assert_int_equal(plan_new(499, false, &plan, &err), -E2BIG);
	check_error(&err, VERITY_E_TOO_MANY,
		    "499 packages are to be active, and a stack takes 498");
	assert_null(plan.names);
}

static void test_parts(void **state)
{
	static const struct {
		struct overlay_stack_parts parts;
		const char *options; /* of the layers */
	} cases[] = {
		{{.engine = true, .packages = 2, .root = true},
		 "lowerdir=engine:1:2:root,"},
		{{.packages = 1, .root = true}, "lowerdir=1:root,"},
		{{.engine = true, .packages = 2}, "lowerdir=engine:1:2,"},
		/* the kernel makes no overlay of one folder that can only be read */
		{{.packages = 1}, "lowerdir=1:empty,"},
		{{.packages = 1, .writable = true}, "lowerdir=1,"},
		{{.root = true, .writable = true}, "lowerdir=root,"},
	};
	struct overlay_stack_plan plan = {0};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_free char *options = NULL;

		check_ok(overlay_stack_plan_make(&cases[i].parts, &plan, &err), &err);
		check_ok(overlay_stack_options(&plan, PAGE, &options, &err), &err);
		if (strncmp(options, cases[i].options, strlen(cases[i].options)) != 0)
			fail_msg("case %zu: %s", i, options);
		check_ok(overlay_stack_compare(&plan, options, &err), &err);
		overlay_stack_plan_free(&plan);
	}
	assert_int_equal(
		overlay_stack_plan_make(
			&(struct overlay_stack_parts){.packages = 500, .root = true},
			&plan, &err),
		-E2BIG);
	check_error(&err, VERITY_E_TOO_MANY,
		    "500 packages are to be active, and a stack takes 499");
}

static void test_options(void **state)
{
	struct overlay_stack_plan plan = {0};
	char *options = NULL;
	struct verity_error err;
	const char *wanted =
		"lowerdir=engine:1:2:root,redirect_dir=nofollow,metacopy=off,index=off,"
		"nfs_export=off,xino=off";

	(void)state;
	check_ok(plan_new(2, false, &plan, &err), &err);
	check_ok(overlay_stack_options(&plan, strlen(wanted) + 1, &options, &err), &err);
	assert_string_equal(options, wanted);
	free(options);
	options = NULL;
	assert_int_equal(overlay_stack_options(&plan, strlen(wanted), &options, &err),
			 -E2BIG);
	check_error(
		&err, VERITY_E_TOO_MANY,
		"the mount options of 4 layers are longer than the 92 bytes that this "
		"kernel takes");
	assert_null(options);
	plan.writable = true;
	check_ok(overlay_stack_options(&plan, PAGE, &options, &err), &err);
	assert_string_equal(options,
			    "lowerdir=engine:1:2:root,redirect_dir=nofollow,metacopy=off,"
			    "index=off,nfs_export=off,xino=off,upperdir=upper,"
			    "workdir=work");
	check_ok(overlay_stack_compare(&plan, options, &err), &err);
	free(options);
	overlay_stack_plan_free(&plan);
}

static void test_compare(void **state)
{
	static const struct {
		bool writable;
		const char *options;
		const char *message; /* NULL: as planned */
	} cases[] = {
		{false, "ro,lowerdir=engine:1:2:root", NULL},
		{false, "ro,lowerdir=engine:1:2:root,xino=off,redirect_dir=nofollow",
		 NULL},
		{false,
		 "ro,lowerdir+=engine,lowerdir+=1,lowerdir+=2,lowerdir+=root,uuid=off",
		 NULL},
		{false, "ro,lowerdir=engine:1:root:2",
		 "the kernel did not stack layer 3 of 4 as planned"},
		{false, "ro,lowerdir=engine:1:2",
		 "the kernel did not stack layer 4 of 4 as planned"},
		{false, "ro,lowerdir=engine:1:2:roo",
		 "the kernel did not stack layer 4 of 4 as planned"},
		{false, "ro,lowerdir=engine:1:2:rootx",
		 "the kernel did not stack layer 4 of 4 as planned"},
		{false, "ro,lowerdir=engine:1:2:rootxxxxxxxxxxxxxxxxxxxx",
		 "the kernel did not stack layer 4 of 4 as planned"},
		{false,
		 "ro,lowerdir=", "the kernel did not stack layer 1 of 4 as planned"},
		{false, "ro", "the kernel did not stack layer 1 of 4 as planned"},
		{false, "", "the kernel did not stack layer 1 of 4 as planned"},
		{false, "ro,lowerdir=engine:1:2:root:more",
		 "the kernel stacked more than the 4 layers planned"},
		{false,
		 "ro,lowerdir+=engine,lowerdir+=1,lowerdir+=2,lowerdir+=root,lowerdir+=x",
		 "the kernel stacked more than the 4 layers planned"},
		{false, "ro,lowerdir=engine:1:2:root,redirect_dir=on",
		 "the kernel mounted the stack with redirect_dir=on"},
		{false, "ro,lowerdir=engine:1:2:root,redirect_dir=follow",
		 "the kernel mounted the stack with redirect_dir=follow"},
		{false, "ro,lowerdir=engine:1:2:root,metacopy=on",
		 "the kernel mounted the stack with metacopy=on"},
		{false, "ro,lowerdir=engine:1:2:root,index=on",
		 "the kernel mounted the stack with index=on"},
		{false, "ro,lowerdir=engine:1:2:root,upperdir=upper,workdir=work",
		 "the kernel mounted the stack with upperdir=upper"},
		{true, "rw,lowerdir=engine:1:2:root,upperdir=upper,workdir=work", NULL},
		{true, "rw,lowerdir=engine:1:2:root,upperdir=/upper,workdir=work",
		 "the kernel mounted the stack with upperdir=/upper"},
		{true, "ro,lowerdir=engine:1:2:root,upperdir=upper,workdir=work",
		 "the kernel mounted the stack read-only; its log may say why"},
		{true, "rw,lowerdir=engine:1:2:root",
		 "the kernel mounted the stack without its upper"},
		{true, "rw,lowerdir=engine:1:2:root,upperdir=upper",
		 "the kernel mounted the stack without its upper"},
	};
	struct overlay_stack_plan plan = {0};
	struct verity_error err;

	(void)state;
	check_ok(plan_new(2, false, &plan, &err), &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r;

		plan.writable = cases[i].writable;
		r = overlay_stack_compare(&plan, cases[i].options, &err);
		if ((r == 0) != (cases[i].message == NULL))
			fail_msg("'%s'", cases[i].options);
		if (r < 0)
			check_error(&err, VERITY_E_STACK, cases[i].message);
	}
	overlay_stack_plan_free(&plan);
}

static void test_mountinfo(void **state)
{
	char good[] = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - overlay wmopkg "
		      "ro,lowerdir=a\n";
	char plain[] = "36 35 98:0 / / rw - tmpfs tmpfs rw";
	char bad[][40] = {"", "36 35 98:0 / / rw", "36 35 98:0 / / rw - overlay",
			  "36 35 98:0 / / rw - overlay wmopkg", " - "};
	struct overlay_mountinfo info;

	(void)state;
	assert_int_equal(overlay_mountinfo_split(good, &info), 0);
	assert_string_equal(info.type, "overlay");
	assert_string_equal(info.source, "wmopkg");
	assert_string_equal(info.options, "ro,lowerdir=a");
	assert_int_equal(overlay_mountinfo_split(plain, &info), 0);
	assert_string_equal(info.options, "rw");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(overlay_mountinfo_split(bad[i], &info), -EINVAL);
}

static void test_is_at(void **state)
{
	bool found = true;
	struct verity_error err;

	(void)state;
	check_ok(overlay_stack_is_at("/proc", &found, &err), &err);
	assert_false(found);
	assert_int_equal(overlay_stack_is_at("/not/there", &found, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "/not/there: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),    cmocka_unit_test(test_most),
		cmocka_unit_test(test_parts),   cmocka_unit_test(test_options),
		cmocka_unit_test(test_compare), cmocka_unit_test(test_mountinfo),
		cmocka_unit_test(test_is_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
