/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "installer/shell/columns.h"
#include "installer/shell/complete.h"
#include "tests/overlay/scratch.h"

#define WORDS_MAX 12
#define TEXT_MAX  1024

static int split(char *line, char **argv)
{
	int argc = 0;

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc < WORDS_MAX);
		argv[argc++] = word;
	}
	return argc;
}

/* The word to be completed is the last one; '|' alone stands for none yet. */
struct asked {
	char line[TEXT_MAX];
	char *argv[WORDS_MAX];
	struct complete_at at;
};

static void ask(unsigned context, const char *line, struct asked *ret)
{
	int argc;

	snprintf(ret->line, sizeof(ret->line), "%s", line);
	argc = split(ret->line, ret->argv);
	assert_true(argc > 0);
	ret->at = (struct complete_at){
		.config = "wmopkg.conf",
		.context = context,
		.words = ret->argv,
		.count = argc - 1,
		.begin = strcmp(ret->argv[argc - 1], "|") == 0 ? "" : ret->argv[argc - 1],
	};
}

static void make_device(void)
{
	char folder[TEXT_MAX / 2];
	char config[4 * TEXT_MAX];

	assert_non_null(getcwd(folder, sizeof(folder)));
	snprintf(
		config, sizeof(config),
		"data = \"%s/data\"\npersist = \"%s/none\"\nkeys = \"%s\"\nrun = \"%s\"\n"
		"cmdline = \"%s/cmdline\"\n",
		folder, folder, folder, folder, folder);
	scratch_write("wmopkg.conf", config);
	scratch_write("cmdline", "quiet wmopkg.media=stick:LABEL=STICK\n");
	assert_int_equal(mkdir("data", 0755), 0);
	assert_int_equal(mkdir("data/packages", 0755), 0);
	scratch_write("data/packages/alpha.wmopkg", "");
	scratch_write("data/packages/allow.wmopkg", "");
	assert_int_equal(mkdir("files", 0755), 0);
	assert_int_equal(mkdir("files/deep", 0755), 0);
	scratch_write("files/one.wmopkg", "");
	scratch_write("files/.hidden.wmopkg", "");
	scratch_write("files/notes", "");
	scratch_write("files/b\xc3\xa4r.wmopkg", "");
	scratch_write("files/b\xc3\xa5r.wmopkg", "");
	scratch_write("files/a\nb.wmopkg", "");
}

static int enter(void **state)
{
	int r = scratch_enter(state);

	if (r == 0)
		make_device();
	return r;
}

/* All of them, a blank between; where there are several, behind what they begin with. */
static void join(const struct candidates *found, char ret[static TEXT_MAX])
{
	int used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < found->count; i++)
		used += snprintf(ret + used, TEXT_MAX - (size_t)used, "%s%s",
				 i ? " " : "", found->items[i].text);
}

static void test_find(void **state)
{
	static const struct {
		unsigned context;
		const char *line;
		const char *found;
		size_t common;
	} cases[] = {
		{COMMAND_TOP, "pac", "package", 7},
		{COMMAND_TOP, "inst", "", 0},
		{COMMAND_TOP, "package inst", "install", 7},
		{COMMAND_TOP, "pack re", "reboot remove retry", 2},
		{COMMAND_TOP, "package unl", "", 0},
		{COMMAND_PACKAGE, "unl", "", 0},
		{COMMAND_PACKAGE, "do unl", "unlock", 6},
		{COMMAND_PACKAGE, "do package inst", "install", 7},
		{COMMAND_PACKAGE, "boot", "", 0},
		{COMMAND_ONCE, "boot-c", "boot-complete", 13},
		{COMMAND_ONCE, "pack", "", 0},
		{COMMAND_ONCE, "leave", "", 0},
		{COMMAND_PACKAGE, "frob |", "", 0},
		{COMMAND_PACKAGE, "re |", "", 0},
		{COMMAND_PACKAGE, "show bo", "boot", 4},
		{COMMAND_TOP, "show boot |", "json svg", 0},
		{COMMAND_ONCE, "show boot s", "svg", 3},
		{COMMAND_PACKAGE, "retry |", "allow alpha", 2},
		{COMMAND_PACKAGE, "remove al", "all allow alpha", 2},
		/* words for scripts are not offered, and no name twice */
		{COMMAND_PACKAGE, "rem alpha |", "allow", 0},
		{COMMAND_PACKAGE, "remove alpha --y", "", 0},
		{COMMAND_PACKAGE, "remove |", "all allow alpha", 0},
		/* what may be left out is shown, and never inserted */
		{COMMAND_PACKAGE, "show alpha |", "brief detail json", 0},
		{COMMAND_PACKAGE, "show alpha j", "json", 4},
		{COMMAND_PACKAGE, "verify files/notes |",
		 "--check-firmware --check-model json password user", 0},
		{COMMAND_PACKAGE, "install media external |",
		 "--check-firmware --check-model force persistent", 0},
		{COMMAND_PACKAGE, "install media external pe", "persistent", 10},
		{COMMAND_TOP, "boot set safe |", "0 1", 0},
		{COMMAND_TOP, "boot set wmopkg.disable al", "allow alpha", 2},
		{COMMAND_TOP, "boot set media |", "", 0},
		{COMMAND_TOP, "factory-reset |", "--purge --reboot cancel", 0},
		/* keywords in any case, names as they are */
		{COMMAND_TOP, "PAC", "package", 7},
		{COMMAND_PACKAGE, "install PRO", "proto", 5},
		{COMMAND_PACKAGE, "inst proto FT", "ftp", 3},
		{COMMAND_PACKAGE, "inst prot ft", "ftp", 3},
		{COMMAND_PACKAGE, "retry ALPH", "", 0},
		{COMMAND_PACKAGE, "retry alpha |", "", 0},
		{COMMAND_PACKAGE, "install proto |", "ftp http https scp sftp tftp", 0},
		{COMMAND_PACKAGE, "install proto http", "http https", 4},
		{COMMAND_PACKAGE, "install proto tftp |",
		 "--check-firmware --check-model force password persistent user", 0},
		{COMMAND_PACKAGE, "install media |", "external stick", 0},
		{COMMAND_PACKAGE, "install password |", "", 0},
		{COMMAND_PACKAGE, "install 192.0.2.1 |",
		 "--check-firmware --check-model force password persistent proto user",
		 0},
		{COMMAND_PACKAGE, "install files/o", "files/one.wmopkg", 16},
		{COMMAND_PACKAGE, "install ./files/", /* no notes, no hidden ones */
		 "./files/b\xc3\xa4r.wmopkg ./files/b\xc3\xa5r.wmopkg ./files/deep/ "
		 "./files/one.wmopkg",
		 8},
		{COMMAND_PACKAGE, "install files/b",
		 "files/b\xc3\xa4r.wmopkg files/b\xc3\xa5r.wmopkg", 7},
		{COMMAND_PACKAGE, "install files/.h", "files/.hidden.wmopkg", 20},
		{COMMAND_PACKAGE, "install no/such/", "", 0},
		/* a keyword is not offered the words of a file of that name */
		{COMMAND_TOP, "unlock clear |", "", 0},
		{COMMAND_PACKAGE, "verify media |", "external stick", 0},
		{COMMAND_PACKAGE, "show boot |", "json svg", 0},
		{COMMAND_PACKAGE, "verify files/n", "files/notes", 11},
		{COMMAND_TOP, "audit |", "json last verify", 0},
		{COMMAND_TOP, "help pac", "package", 7},
		{COMMAND_TOP, "leave |", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct candidate *first;
		struct candidates found;
		struct verity_error err;
		struct asked asked;
		char text[TEXT_MAX];
		size_t bytes;

		ask(cases[i].context, cases[i].line, &asked);
		assert_int_equal(complete_find(&asked.at, &found, &err), 0);
		join(&found, text);
		if (strcmp(text, cases[i].found) != 0)
			print_error("%s\n", cases[i].line);
		assert_string_equal(text, cases[i].found);
		candidates_insert(&found, &first, &bytes);
		assert_int_equal(bytes, cases[i].common);
		candidates_free(&found);
	}
}

static void test_secret(void **state)
{
	static const struct {
		const char *line;
		bool secret;
	} cases[] = {
		{"install password |", true},       {"install password gehe", true},
		{"install user password |", false}, {"install user a password x", true},
		{"install password a |", false},    {"remove |", false},
		{"frob password |", false},
	};
	struct asked asked;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(COMMAND_PACKAGE, cases[i].line, &asked);
		assert_int_equal(complete_is_secret(&asked.at), cases[i].secret);
	}
}

static void check_file(FILE *file, const char *expected)
{
	char text[TEXT_MAX] = "";

	rewind(file);
	(void)!fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	assert_string_equal(text, expected);
}

static void test_explain(void **state)
{
	static const struct {
		const char *line;
		const char *said;
	} cases[] = {
		{"retry |", "  NAME            an installed package\n"},
		{"remove a --y", "  NAME            an installed package\n"},
		{"remove a |", "  NAME            an installed package\n"
			       "  <Enter>         run the command\n"},
		{"install media external |",
		 "  persistent      the package survives a factory reset\n"
		 "  force           install it although it hides a part of the firmware\n"
		 "  path/on/media/PKGNAME.wmopkg\n"
		 "                  path of the file from the root of the medium\n"
		 "  --check-firmware\n"
		 "                  show what would be active with this firmware version\n"
		 "  --check-model   show what would be active on this device model\n"
		 "  <Enter>         run the command\n"},
		{"ret",
		 "  retry           try a quarantined package again at the next boot\n"},
		{"do pack",
		 "  package         enter the package context, or run one of its commands\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *file = tmpfile();
		struct asked asked;

		assert_non_null(file);
		ask(COMMAND_PACKAGE, cases[i].line, &asked);
		complete_explain(&asked.at, file);
		check_file(file, cases[i].said);
	}
}

static void test_columns(void **state)
{
	char texts[SHELL_COLUMNS_MAX + 5][8];
	struct candidate items[SHELL_COLUMNS_MAX + 5];
	struct candidates found = {items, 3};
	static const char ending[] = "\nx199\n... and 5 more\n";
	char end[64] = "";
	FILE *file = tmpfile();

	(void)state;
	items[0] = (struct candidate){.text = (char[]){"a/b/one"}};
	items[1] = (struct candidate){.text = (char[]){"a/b/two/"}, .more = true};
	items[2] = (struct candidate){.text = (char[]){"three"}};
	assert_non_null(file);
	shell_columns_print(file, &found);
	/* what is no terminal has no width: one below the other */
	check_file(file, "one\ntwo/\nthree\n");
	found.count = SHELL_COLUMNS_MAX + 5;
	for (size_t i = 0; i < found.count; i++) {
		snprintf(texts[i], sizeof(texts[i]), "x%zu", i);
		items[i].text = texts[i];
	}
	file = tmpfile();
	assert_non_null(file);
	shell_columns_print(file, &found);
	assert_int_equal(fseek(file, -(long)strlen(ending), SEEK_END), 0);
	assert_int_equal(fread(end, 1, sizeof(end) - 1, file), strlen(ending));
	assert_string_equal(end, ending);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, enter, scratch_leave);
}
