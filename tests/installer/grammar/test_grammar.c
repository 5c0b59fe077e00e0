/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "installer/shell/command.h"

#define WORDS_MAX 12

static int split(char *line, char **argv)
{
	int argc = 0;

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc < WORDS_MAX);
		argv[argc++] = word;
	}
	return argc;
}

struct value {
	enum word word;
	const char *text;
};

static void test_match(void **state)
{
	static const struct {
		const char *line;
		struct value values[6];
	} cases[] = {
		{"install 192.0.2.1 a.wmopkg",
		 {{WORD_ADDRESS, "192.0.2.1"}, {WORD_SERVER_PATH, "a.wmopkg"}}},
		{"install proto sftp user bob password x persistent [2001:db8::1]:22 d/a.wmopkg",
		 {{WORD_PROTOCOL, "sftp"},
		  {WORD_USER, "bob"},
		  {WORD_PASSWORD, "x"},
		  {WORD_PERSISTENT, "persistent"},
		  {WORD_ADDRESS, "[2001:db8::1]:22"},
		  {WORD_SERVER_PATH, "d/a.wmopkg"}}},
		{"install user persistent proto tftp host user",
		 {{WORD_USER, "persistent"},
		  {WORD_PROTOCOL, "tftp"},
		  {WORD_ADDRESS, "host"},
		  {WORD_SERVER_PATH, "user"}}},
		/* words that may be left out stand anywhere */
		{"install host a.wmopkg persistent user bob proto tftp",
		 {{WORD_ADDRESS, "host"},
		  {WORD_SERVER_PATH, "a.wmopkg"},
		  {WORD_PERSISTENT, "persistent"},
		  {WORD_USER, "bob"},
		  {WORD_PROTOCOL, "tftp"}}},
		{"install ./a.wmopkg persistent",
		 {{WORD_SOURCE, "./a.wmopkg"}, {WORD_PERSISTENT, "persistent"}}},
		{"show json a", {{WORD_JSON, "json"}, {WORD_NAME, "a"}}},
		/* in any case */
		{"INSTALL Proto SFTP HOST A.WMOPKG",
		 {{WORD_PROTOCOL, "sftp"},
		  {WORD_ADDRESS, "HOST"},
		  {WORD_SERVER_PATH, "A.WMOPKG"}}},
		{"install A.WMOPKG", {{WORD_SOURCE, "A.WMOPKG"}}},
		{"remove ALL", {{WORD_ALL, "ALL"}}},
		/* the beginning of a keyword, where the words mean nothing else */
		{"install pers prot tft host a.wmopkg",
		 {{WORD_PERSISTENT, "pers"},
		  {WORD_PROTOCOL, "tftp"},
		  {WORD_ADDRESS, "host"},
		  {WORD_SERVER_PATH, "a.wmopkg"}}},
		{"install med ext a.wmopkg",
		 {{WORD_MEDIA, "ext"}, {WORD_MEDIA_PATH, "a.wmopkg"}}},
		{"install pass x host a.wmopkg",
		 {{WORD_PASSWORD, "x"},
		  {WORD_ADDRESS, "host"},
		  {WORD_SERVER_PATH, "a.wmopkg"}}},
		{"show med", {{WORD_NAME, "med"}}},
		{"show boot js", {{WORD_SHOW_BOOT, "boot"}, {WORD_JSON, "js"}}},
		{"remove al", {{WORD_NAME, "al"}}},
		{"factory-reset --pur", {{WORD_PURGE, "--pur"}}},
		{"boot se safe 1", {{WORD_BOOT_SET, "safe"}, {WORD_BOOT_VALUE, "1"}}},
		{"remove a b c --yes", {{WORD_NAME, "c"}, {WORD_YES, "--yes"}}},
		{"install password --yes host x",
		 {{WORD_PASSWORD, "--yes"},
		  {WORD_ADDRESS, "host"},
		  {WORD_SERVER_PATH, "x"}}},
		{"install ./a.wmopkg", {{WORD_SOURCE, "./a.wmopkg"}}},
		{"install a.wmopkg", {{WORD_SOURCE, "a.wmopkg"}}},
		{"install persistent https://host/a",
		 {{WORD_PERSISTENT, "persistent"}, {WORD_SOURCE, "https://host/a"}}},
		{"remove", {{WORD_NONE, NULL}}},
		{"remove --yes", {{WORD_YES, "--yes"}}},
		{"remove all", {{WORD_ALL, "all"}}},
		{"remove a --yes", {{WORD_NAME, "a"}, {WORD_YES, "--yes"}}},
		{"remove --yes a", {{WORD_NAME, "a"}, {WORD_YES, "--yes"}}},
		{"install media external", {{WORD_MEDIA, "external"}}},
		{"install consistent a.wmopkg",
		 {{WORD_ADDRESS, "consistent"}, {WORD_SERVER_PATH, "a.wmopkg"}}},
		{"install forge a.wmopkg",
		 {{WORD_ADDRESS, "forge"}, {WORD_SERVER_PATH, "a.wmopkg"}}},
		{"install external:21 a.wmopkg",
		 {{WORD_ADDRESS, "external:21"}, {WORD_SERVER_PATH, "a.wmopkg"}}},
		{"install persist ./a.wmopkg",
		 {{WORD_PERSISTENT, "persist"}, {WORD_SOURCE, "./a.wmopkg"}}},
		{"install media external d/a.wmopkg",
		 {{WORD_MEDIA, "external"}, {WORD_MEDIA_PATH, "d/a.wmopkg"}}},
		{"install media media persistent media",
		 {{WORD_MEDIA, "media"},
		  {WORD_PERSISTENT, "persistent"},
		  {WORD_MEDIA_PATH, "media"}}},
		{"conflicts media", {{WORD_NAME, "media"}}},
		{"show json", {{WORD_JSON, "json"}}},
		{"show media", {{WORD_SHOW_MEDIA, "media"}}},
		{"show media json", {{WORD_SHOW_MEDIA, "media"}, {WORD_JSON, "json"}}},
		{"show boot", {{WORD_SHOW_BOOT, "boot"}}},
		{"show boot json", {{WORD_SHOW_BOOT, "boot"}, {WORD_JSON, "json"}}},
		{"show boot svg", {{WORD_SHOW_BOOT, "boot"}, {WORD_SVG, "svg"}}},
		{"show brief", {{WORD_SHOW_BRIEF, "brief"}}},
		{"show a detail", {{WORD_NAME, "a"}, {WORD_SHOW_DETAIL, "detail"}}},
		{"show detail", {{WORD_SHOW_DETAIL, "detail"}}},
		{"audit last 3 json", {{WORD_LAST, "3"}, {WORD_JSON, "json"}}},
		{"show svg", {{WORD_NAME, "svg"}}},
		{"list boot json", {{WORD_NAME, "boot"}, {WORD_JSON, "json"}}},
		{"list media", {{WORD_NAME, "media"}}},
		{"media json", {{WORD_JSON, "json"}}},
		{"show a json", {{WORD_NAME, "a"}, {WORD_JSON, "json"}}},
		{"unlock clear", {{WORD_CLEAR, "clear"}}},
		{"unlock ./clear", {{WORD_FILE, "./clear"}}},
		{"unlock https://host/a", {{WORD_FILE, "https://host/a"}}},
		{"unlock user bob host a.unlock",
		 {{WORD_USER, "bob"},
		  {WORD_ADDRESS, "host"},
		  {WORD_SERVER_FILE, "a.unlock"}}},
		{"denylist media external d/a",
		 {{WORD_MEDIA, "external"}, {WORD_MEDIA_FILE, "d/a"}}},
		{"denylist json", {{WORD_JSON, "json"}}},
		{"verify a.wmopkg json", {{WORD_FILE, "a.wmopkg"}, {WORD_JSON, "json"}}},
		{"verify media external a.wmopkg json",
		 {{WORD_MEDIA, "external"},
		  {WORD_MEDIA_PATH, "a.wmopkg"},
		  {WORD_JSON, "json"}}},
		{"verify proto sftp user bob host a.wmopkg --check-model M json",
		 {{WORD_PROTOCOL, "sftp"},
		  {WORD_USER, "bob"},
		  {WORD_ADDRESS, "host"},
		  {WORD_SERVER_PATH, "a.wmopkg"},
		  {WORD_CHECK_MODEL, "M"},
		  {WORD_JSON, "json"}}},
		{"audit verify", {{WORD_VERIFY, "verify"}}},
		{"boot-complete", {{WORD_NONE, NULL}}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct words wanted = {{NULL}};
		struct grammar_next next;
		struct words words;
		char *argv[WORDS_MAX];
		char line[128];
		int argc, bad;

		snprintf(line, sizeof(line), "%s", cases[i].line);
		argc = split(line, argv);
		for (size_t k = 0; k < 6 && cases[i].values[k].word; k++)
			wanted.values[cases[i].values[k].word] = cases[i].values[k].text;
		if (grammar_match(command_find(argv[0])->forms, argc - 1, argv + 1,
				  &words, &bad, &next) < 0)
			fail_msg("%s", cases[i].line);
		for (size_t k = 0; k < WORD_COUNT; k++) {
			if (!wanted.values[k])
				assert_null(words.values[k]);
			else
				assert_string_equal(words.values[k], wanted.values[k]);
		}
	}
}

/* All values of a word that may be repeated. */
static void test_list(void **state)
{
	char *argv[] = {(char[]){"c"}, (char[]){"a"}, (char[]){"--yes"}, (char[]){"b"}};
	struct grammar_next next;
	struct words words;
	char *many[WORDS_LIST_MAX + 1];
	int bad;

	(void)state;
	assert_int_equal(grammar_match(command_find("remove")->forms, 4, argv, &words,
				       &bad, &next),
			 0);
	assert_int_equal(words.list_count, 3);
	assert_string_equal(words.list[0], "c");
	assert_string_equal(words.list[1], "a");
	assert_string_equal(words.list[2], "b");
	for (size_t i = 0; i <= WORDS_LIST_MAX; i++)
		many[i] = argv[0];
	assert_int_equal(grammar_match(command_find("remove")->forms, WORDS_LIST_MAX,
				       many, &words, &bad, &next),
			 0);
	assert_int_equal(grammar_match(command_find("remove")->forms, WORDS_LIST_MAX + 1,
				       many, &words, &bad, &next),
			 -EINVAL);
	assert_int_equal(bad, WORDS_LIST_MAX);
}

/* Which word is wrong, and what should be there. */
static void test_mismatch(void **state)
{
	static const struct {
		const char *line;
		int bad;
		const char *expected;
	} cases[] = {
		{"install proto", 1, "<ftp|tftp|scp|sftp|http|https>"},
		{"install proto gopher h x", 1, "<ftp|tftp|scp|sftp|http|https>"},
		{"install user -x h x", 1, "<name>"},
		{"install persistent persistent h x", 1,
		 "force, proto, user, password, address[:port], --check-firmware, --check-model, "
		 "media or URL | ./FILE.wmopkg"},
		{"install h", 1, "PKGNAME.wmopkg"},
		{"install h a.wmopkg x", 2,
		 "persistent, force, proto, user, password, --check-firmware, --check-model or "
		 "end of line"},
		{"install a.wmopkg b c", 2,
		 "persistent, force, proto, user, password, --check-firmware, --check-model or "
		 "end of line"},
		{"install media", 1, "<label>"},
		{"verify media external", 2, "path/on/media/PKGNAME.wmopkg"},
		{"install persistent media external", 3, "path/on/media/PKGNAME.wmopkg"},
		/* no hosts */
		{"install external a.wmopkg", 0,
		 "persistent, force, proto, user, password, address[:port], --check-firmware, "
		 "--check-model, media or URL | ./FILE.wmopkg"},
		{"install persistant ./a.wmopkg", 0,
		 "persistent, force, proto, user, password, address[:port], --check-firmware, "
		 "--check-model, media or URL | ./FILE.wmopkg"},
		{"install", 0, "address[:port], media or URL | ./FILE.wmopkg"},
		{"install media external a b", 3,
		 "persistent, force, --check-firmware, --check-model or end of line"},
		{"install user bob media external a", 2,
		 "persistent, force, proto, password, address[:port], --check-firmware, "
		 "--check-model or URL | ./FILE.wmopkg"},
		{"media a", 0, "json or end of line"},
		{"install --force", 0,
		 "persistent, force, proto, user, password, address[:port], --check-firmware, "
		 "--check-model, media or URL | ./FILE.wmopkg"},
		{"install bob@host a.wmopkg", 0,
		 "persistent, force, proto, user, password, address[:port], --check-firmware, "
		 "--check-model, media or URL | ./FILE.wmopkg"},
		{"remove a all", 1, "NAME, --yes or end of line"},
		{"remove --yes --yes", 1, "NAME, all or end of line"},
		{"show a b", 1, "brief, detail, json or end of line"},
		{"show json a b", 2, "end of line"},
		{"show --json", 0,
		 "media, json, pending, boot, NAME, brief, detail or end of line"},
		{"show boot a", 1, "json, svg or end of line"},
		{"show boot json svg", 2, "end of line"},
		{"retry", 0, "NAME"},
		{"retry a b", 1, "end of line"},
		{"verify", 0, "--check-firmware, URL | FILE, media or address[:port]"},
		{"verify a --check-model", 2, "MODEL"},
		{"verify --check-firmware 1 a b c", 4,
		 "proto, user, password, json, --check-model or end of line"},
		{"conflicts media json x", 2, "end of line"},
		{"audit all", 0, "verify, last, json or end of line"},
		{"boot-complete now", 0, "end of line"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct grammar_next next;
		struct words words;
		char expected[256];
		char *argv[WORDS_MAX];
		char line[128];
		int argc, bad;

		snprintf(line, sizeof(line), "%s", cases[i].line);
		argc = split(line, argv);
		assert_int_equal(grammar_match(command_find(argv[0])->forms, argc - 1,
					       argv + 1, &words, &bad, &next),
				 -EINVAL);
		grammar_describe(&next, expected, sizeof(expected));
		assert_string_equal(expected, cases[i].expected);
		assert_int_equal(bad, cases[i].bad);
	}
}

static void test_synopsis(void **state)
{
	static const struct {
		const char *command;
		size_t form;
		const char *synopsis;
	} cases[] = {
		{"install", 0,
		 "[persistent] [force] [proto <ftp|tftp|scp|sftp|http|https>] [user <name>] "
		 "[password <password>] address[:port] PKGNAME.wmopkg "
		 "[--check-firmware VERSION] [--check-model MODEL]"},
		{"remove", 0, "[NAME... | all] [--yes]"},
		{"install", 1,
		 "[persistent] [force] media <label> path/on/media/PKGNAME.wmopkg "
		 "[--check-firmware VERSION] [--check-model MODEL]"},
		{"show", 0, "media [json]"},
		{"show", 1, "pending"},
		{"show", 2, "boot [json | svg]"},
		{"show", 3, "[NAME] brief | detail"},
		{"show", 4, "[NAME] [json]"},
		{"list", 1, "[NAME] [json]"},
		{"media", 0, "[json]"},
		{"retry", 0, "NAME"},
		{"boot-complete", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct command *command = command_find(cases[i].command);
		char synopsis[256];
		char small[8];

		grammar_synopsis(command->forms[cases[i].form], synopsis,
				 sizeof(synopsis));
		assert_string_equal(synopsis, cases[i].synopsis);
		grammar_synopsis(command->forms[cases[i].form], small, sizeof(small));
		assert_int_equal(strncmp(small, synopsis, sizeof(small) - 1), 0);
	}
}

/* Each word that a form has is described, and forms are not longer than they may be. */
static void test_every_word(void **state)
{
	(void)state;
	for (size_t i = 0; command_at(i); i++)
		for (size_t k = 0; command_at(i)->forms[k]; k++) {
			const struct form_word *word = command_at(i)->forms[k]->words;

			for (; word->word; word++) {
				const struct word_info *info = word_info(word->word);

				assert_true(word - command_at(i)->forms[k]->words <
					    FORM_WORDS_MAX - 1);
				assert_non_null(info->help);
				assert_true(info->keyword || info->value);
				assert_int_equal(info->value == NULL,
						 info->kind == KIND_NONE);
			}
		}
}

/* A keyword is reserved exactly where some command that takes a package reads it first.
 */
static void test_reserved(void **state)
{
	(void)state;
	for (enum word word = WORD_NONE + 1; word < WORD_COUNT; word++) {
		const char *keyword = word_info(word)->keyword;
		bool reserved = false;

		if (!keyword || keyword[0] == '-')
			continue;
		for (size_t i = 0; command_at(i); i++) {
			const struct form *const *forms = command_at(i)->forms;
			char *const argv[] = {(char *)(uintptr_t)keyword, NULL};
			struct grammar_next unused;
			struct words words;
			bool takes_name = false;
			int bad;

			for (size_t k = 0; forms[k]; k++)
				for (size_t w = 0; forms[k]->words[w].word; w++)
					if (forms[k]->words[w].word == WORD_NAME)
						takes_name = true;
			if (takes_name &&
			    (grammar_match(forms, 1, argv, &words, &bad, &unused) < 0 ||
			     !words_has(&words, WORD_NAME)))
				reserved = true;
		}
		assert_int_equal(word_reserved(keyword), reserved);
	}
	assert_false(word_reserved("pkgname"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),      cmocka_unit_test(test_list),
		cmocka_unit_test(test_mismatch),   cmocka_unit_test(test_synopsis),
		cmocka_unit_test(test_every_word), cmocka_unit_test(test_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
