/* SPDX-License-Identifier: MIT */
#include "overlay/config/anchor.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define SECURE_BOOT "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define EFIVARS     "firmware/efi/efivars"
#define OFF         "\6\0\0\0\0"

static void test_decode(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum overlay_variable variable;
	} cases[] = {
		{OFF, 5, OVERLAY_VARIABLE_OFF},
		{"\6\0\0\0\1", 5, OVERLAY_VARIABLE_ON},
		{"\6\0\0\0\2", 5, OVERLAY_VARIABLE_MALFORMED},
		{"\6\0\0\0\377", 5, OVERLAY_VARIABLE_MALFORMED},
		{"\7\0\0\0\0", 5, OVERLAY_VARIABLE_MALFORMED}, /* not volatile */
		{"\2\0\0\0\0", 5, OVERLAY_VARIABLE_MALFORMED}, /* not at run time */
		{"\6\0\0\200\0", 5, OVERLAY_VARIABLE_MALFORMED},
		{"\0\0\0\0\0", 5, OVERLAY_VARIABLE_MALFORMED},
		{"\0\0\0\6\0", 5, OVERLAY_VARIABLE_MALFORMED}, /* other byte order */
		{OFF, 4, OVERLAY_VARIABLE_MALFORMED},
		{"", 0, OVERLAY_VARIABLE_MALFORMED},
		{OFF "\0", 6, OVERLAY_VARIABLE_MALFORMED},
		{OFF "\0\0\0", 8, OVERLAY_VARIABLE_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (overlay_anchor_decode(cases[i].bytes, cases[i].size) !=
		    cases[i].variable)
			fail_msg("case %zu", i);
}

#define COUNTS_AS_ON "Secure Boot counts as on, because the UEFI variable SecureBoot "

/* Every combination of facts. */
static void test_decide(void **state)
{
	static const struct {
		enum overlay_variable variable;
		bool kernel, lockdown;
		bool present;
		enum overlay_anchor_evidence evidence;
		const char *text;
	} cases[] = {
		{OVERLAY_VARIABLE_OFF, false, false, false, OVERLAY_EVIDENCE_VARIABLE_OFF,
		 "the UEFI variable SecureBoot is 0"},
		{OVERLAY_VARIABLE_OFF, true, false, true, OVERLAY_EVIDENCE_KERNEL,
		 "the kernel was started with Secure Boot on"},
		{OVERLAY_VARIABLE_OFF, false, true, true, OVERLAY_EVIDENCE_LOCKDOWN,
		 "the kernel is locked down"},
		{OVERLAY_VARIABLE_OFF, true, true, true, OVERLAY_EVIDENCE_KERNEL,
		 "the kernel was started with Secure Boot on"},
		{OVERLAY_VARIABLE_ON, false, false, true, OVERLAY_EVIDENCE_VARIABLE_ON,
		 "the UEFI variable SecureBoot is 1"},
		{OVERLAY_VARIABLE_ON, true, false, true, OVERLAY_EVIDENCE_VARIABLE_ON,
		 "the UEFI variable SecureBoot is 1"},
		{OVERLAY_VARIABLE_ON, false, true, true, OVERLAY_EVIDENCE_VARIABLE_ON,
		 "the UEFI variable SecureBoot is 1"},
		{OVERLAY_VARIABLE_ON, true, true, true, OVERLAY_EVIDENCE_VARIABLE_ON,
		 "the UEFI variable SecureBoot is 1"},
		{OVERLAY_VARIABLE_MALFORMED, false, false, true,
		 OVERLAY_EVIDENCE_MALFORMED, COUNTS_AS_ON "is malformed"},
		{OVERLAY_VARIABLE_MALFORMED, true, false, true, OVERLAY_EVIDENCE_KERNEL,
		 "the kernel was started with Secure Boot on"},
		{OVERLAY_VARIABLE_MALFORMED, false, true, true, OVERLAY_EVIDENCE_LOCKDOWN,
		 "the kernel is locked down"},
		{OVERLAY_VARIABLE_MALFORMED, true, true, true, OVERLAY_EVIDENCE_KERNEL,
		 "the kernel was started with Secure Boot on"},
		{OVERLAY_VARIABLE_UNREADABLE, false, false, true,
		 OVERLAY_EVIDENCE_UNREADABLE,
		 COUNTS_AS_ON "cannot be read: No such device (it takes UEFI runtime "
			      "services and efivarfs)"},
		{OVERLAY_VARIABLE_UNREADABLE, true, false, true, OVERLAY_EVIDENCE_KERNEL,
		 "the kernel was started with Secure Boot on"},
		{OVERLAY_VARIABLE_UNREADABLE, false, true, true,
		 OVERLAY_EVIDENCE_LOCKDOWN, "the kernel is locked down"},
		{OVERLAY_VARIABLE_UNREADABLE, true, true, true, OVERLAY_EVIDENCE_KERNEL,
		 "the kernel was started with Secure Boot on"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct overlay_anchor_facts facts = {
			.variable = cases[i].variable,
			.error = ENODEV,
			.kernel_says = cases[i].kernel,
			.locked_down = cases[i].lockdown,
		};
		struct overlay_anchor_result result;

		print_message("case %zu\n", i);
		overlay_anchor_decide(OVERLAY_ANCHOR_EFI, &facts, &result);
		assert_int_equal(result.present, cases[i].present);
		assert_int_equal(result.evidence, cases[i].evidence);
		assert_string_equal(result.text, cases[i].text);
		/* Neither of them asks for any fact. */
		overlay_anchor_decide(OVERLAY_ANCHOR_NONE, &facts, &result);
		assert_false(result.present);
		assert_string_equal(result.text, "the configuration sets anchor = none");
		overlay_anchor_decide(OVERLAY_ANCHOR_ALWAYS, &facts, &result);
		assert_true(result.present);
		assert_string_equal(result.text,
				    "the configuration sets anchor = always");
	}
}

static void write_file(const char *path, const char *bytes, size_t size)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
}

/* With the tree of this folder in place of /sys. */
static struct overlay_anchor_facts gather(int efivars, int security)
{
	cleanup_fd int sys = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct overlay_anchor_facts facts;

	overlay_anchor_gather(&(struct overlay_anchor_sources){sys, efivars, security},
			      &facts);
	return facts;
}

static void make_folders(const char *path)
{
	char folder[128] = "";

	for (const char *part = path; *part; part += strspn(part, "/")) {
		part += strcspn(part, "/");
		memcpy(folder, path, (size_t)(part - path));
		folder[part - path] = '\0';
		(void)mkdir(folder, 0755);
	}
}

/* What is not on an efivarfs is no variable, at its path or anywhere. */
static void test_forged_variable(void **state)
{
	cleanup_fd int folder = -1;
	struct overlay_anchor_facts facts = gather(-ENODEV, -ENOENT);

	(void)state;
	assert_int_equal(facts.variable, OVERLAY_VARIABLE_UNREADABLE);
	assert_int_equal(facts.error, ENODEV);
	assert_int_equal(gather(-EPERM, -EPERM).error, EPERM);
	make_folders(EFIVARS);
	assert_int_equal(gather(-ENODEV, -ENOENT).error, ENODEV);
	write_file(EFIVARS "/" SECURE_BOOT, OFF, 5);
	facts = gather(-ENODEV, -ENOENT);
	assert_int_equal(facts.variable, OVERLAY_VARIABLE_UNREADABLE);
	assert_int_equal(facts.error, EMEDIUMTYPE);
	folder = open(EFIVARS, O_PATH | O_DIRECTORY | O_CLOEXEC);
	facts = gather(folder, -ENOENT);
	assert_int_equal(facts.variable, OVERLAY_VARIABLE_UNREADABLE);
	assert_int_equal(facts.error, EMEDIUMTYPE);
	assert_int_equal(unlink(EFIVARS "/" SECURE_BOOT), 0);
	assert_int_equal(gather(folder, -ENOENT).error, ENOENT);
	assert_int_equal(mkfifo(EFIVARS "/" SECURE_BOOT, 0644), 0);
	assert_int_equal(gather(folder, -ENOENT).error, EINVAL);
	assert_int_equal(unlink(EFIVARS "/" SECURE_BOOT), 0);
}

/* The byte of the zero page: only 3 says anything. */
static void test_boot_params(void **state)
{
	char page[4096] = "";

	(void)state;
	make_folders("kernel/boot_params");
	assert_false(gather(-ENODEV, -ENOENT).kernel_says);
	for (int value = 0; value < 256; value++) {
		page[0x1ec] = (char)value;
		write_file("kernel/boot_params/data", page, sizeof(page));
		assert_int_equal(gather(-ENODEV, -ENOENT).kernel_says, value == 3);
	}
	page[0x1ec] = 3;
	write_file("kernel/boot_params/data", page, 0x1ec);
	assert_false(gather(-ENODEV, -ENOENT).kernel_says);
	write_file("kernel/boot_params/data", page, 0x1ed);
	assert_true(gather(-ENODEV, -ENOENT).kernel_says);
	assert_int_equal(unlink("kernel/boot_params/data"), 0);
}

static void test_lockdown(void **state)
{
	static const struct {
		const char *text;
		bool locked_down;
	} cases[] = {
		{"[none] integrity confidentiality\n", false},
		{"none [integrity] confidentiality\n", true},
		{"none integrity [confidentiality]\n", true},
		{"none [another] \n", true},
		{"[nonesuch] none\n", true},
		{"", false},
		{"none integrity confidentiality\n", false},
	};

	(void)state;
	make_folders("kernel/security");
	make_folders("mounted");
	for (size_t i = 0; i < COUNT(cases); i++) {
		cleanup_fd int mounted = -1;

		write_file("kernel/security/lockdown", cases[i].text,
			   strlen(cases[i].text));
		if (gather(-ENODEV, -EPERM).locked_down != cases[i].locked_down)
			fail_msg("case %zu", i);
		write_file("mounted/lockdown", cases[i].text, strlen(cases[i].text));
		assert_int_equal(unlink("kernel/security/lockdown"), 0);
		mounted = open("mounted", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (gather(-ENODEV, mounted).locked_down != cases[i].locked_down)
			fail_msg("case %zu, mounted", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decide),
		cmocka_unit_test(test_forged_variable),
		cmocka_unit_test(test_boot_params),
		cmocka_unit_test(test_lockdown),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
