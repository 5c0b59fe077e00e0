/* SPDX-License-Identifier: MIT */
#include "overlay/config/bootconf.h"
#include <errno.h>
#include <stdio.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"

static void test_switches(void **state)
{
	static const struct {
		const char *text;
		bool allow_untrusted;
		bool safe;
	} cases[] = {
		{"", false, false},
		{"root=/dev/sda1 ro quiet", false, false},
		{"wmopkg.safe", false, true},
		{"quiet wmopkg.safe=1 ro\n", false, true},
		{"wmopkg.safe=0", false, false},
		{"wmopkg.safe=yes", false, false},
		{"wmopkg.safe=", false, false},
		{"wmopkg.safe=11", false, false},
		{"wmopkg.safe wmopkg.safe=0", false, false},
		{"wmopkg.safe=1 wmopkg.safe=maybe", false, true},
		{"wmopkg.safety=1 xwmopkg.safe=1", false, false},
		{"wmopkg.allow_untrusted=1", true, false},
		{"wmopkg.allow_untrusted", false, false},
		{"wmopkg.allow_untrusted=true", false, false},
		{"wmopkg.allow_untrusted=1 wmopkg.allow_untrusted=0", false, false},
		{"WMOPKG.ALLOW_UNTRUSTED=1", false, false},
		{"wmopkg.allow_untrusted=\"1\"", true, false},
		{"\"wmopkg.allow_untrusted=1\"", true, false},
		{"note=\"x wmopkg.allow_untrusted=1 y\"", false, false},
		{"note=\"open wmopkg.safe", false, false},
		{"\twmopkg.safe\t\twmopkg.allow_untrusted=1 ", true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_bootconf conf;

		overlay_bootconf_decode(cases[i].text, strlen(cases[i].text), &conf);
		if (conf.allow_untrusted != cases[i].allow_untrusted ||
		    conf.safe != cases[i].safe)
			fail_msg("'%s'", cases[i].text);
	}
}

static void test_factory_reset(void **state)
{
	static const struct {
		const char *text;
		bool asked;
	} cases[] = {
		{"", false},
		{"wmopkg.factory_reset=1", true},
		{"wmopkg.factory_reset", false},
		{"wmopkg.factory_reset=0", false},
		{"wmopkg.factory_reset=yes", false},
		{"wmopkg.factory_reset=1 wmopkg.factory_reset=0", false},
		{"wmopkg.factory_reset=\"1\" ro", true},
		{"wmopkg.factory_reset_not=1 x=wmopkg.factory_reset=1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_bootconf conf;

		overlay_bootconf_decode(cases[i].text, strlen(cases[i].text), &conf);
		if (conf.factory_reset != cases[i].asked)
			fail_msg("'%s'", cases[i].text);
	}
}

static void test_disable(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		const char *disabled;
	} cases[] = {
		{"wmopkg.disable=a", 1, "a"},
		{"wmopkg.disable=a,b-1.0,c", 3, "b-1.0"},
		{"wmopkg.disable=a wmopkg.disable=b", 2, "b"},
		{"wmopkg.disable=a,a,a", 1, "a"},
		{"wmopkg.disable=,,a,", 1, "a"},
		{"wmopkg.disable=\"a,b\"", 2, "b"},
		{"wmopkg.disable=../x,/etc,.y,z", 1, "z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_bootconf conf;

		overlay_bootconf_decode(cases[i].text, strlen(cases[i].text), &conf);
		if (conf.disabled_count != cases[i].count ||
		    !overlay_bootconf_disabled(&conf, cases[i].disabled) ||
		    overlay_bootconf_disabled(&conf, "other"))
			fail_msg("'%s'", cases[i].text);
	}
}

/* The labels and matches of @conf, as they would be written. */
static const char *list_media(const struct overlay_bootconf *conf)
{
	static char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < conf->media_count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%s",
					 i ? "," : "", conf->media[i].label,
					 conf->media[i].match);
	return text;
}

#define TEN      "0123456789"
#define HUNDRED  TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LABEL_64 "a23" TEN TEN TEN TEN TEN TEN "b"

static void test_media(void **state)
{
	static const struct {
		const char *text;
		const char *media;
	} cases[] = {
		{"", ""},
		{"wmopkg.media=a:LABEL=STICK", "a:LABEL=STICK"},
		{"wmopkg.media=a:UUID=12AB-34cd,b:PARTLABEL=service,c:/dev/mmcblk0p1",
		 "a:UUID=12AB-34cd,b:PARTLABEL=service,c:/dev/mmcblk0p1"},
		{"wmopkg.media=a:LABEL=X wmopkg.media=b:LABEL=Y", "a:LABEL=X,b:LABEL=Y"},
		{"wmopkg.media=a:LABEL=X,b:LABEL=Y,a:LABEL=Z", "a:LABEL=Z,b:LABEL=Y"},
		{"\"wmopkg.media=a:LABEL=MY STICK,b:LABEL=Ä\"",
		 "a:LABEL=MY STICK,b:LABEL=Ä"},
		{"wmopkg.media=\"a:LABEL=MY STICK\"", "a:LABEL=MY STICK"},
		{"wmopkg.media=a:LABEL=x:y=z", "a:LABEL=x:y=z"},
		{"wmopkg.media=A.b_c-1:/dev/disk/by-path/x",
		 "A.b_c-1:/dev/disk/by-path/x"},
		{"wmopkg.media=" LABEL_64 ":LABEL=X", LABEL_64 ":LABEL=X"},
		{"wmopkg.media=a:LABEL=" HUNDRED TEN TEN "12",
		 "a:LABEL=" HUNDRED TEN TEN "12"},
		/* malformed: the others count */
		{"wmopkg.media=,,a:LABEL=X,", "a:LABEL=X"},
		{"wmopkg.media=a,b:,:LABEL=X,c:LABEL,d:LABEL=,e:/dev/,f:LABEL=X",
		 "f:LABEL=X"},
		{"wmopkg.media=a:STICK,b:label=X,c:PARTUUID=1,d:ID=1,e:sda1", ""},
		{"wmopkg.media=a:/etc/passwd,b:/devices/x,c:dev/sda1,d:/dev", ""},
		{"wmopkg.media=a:/dev/../etc,b:/dev/..,c:/dev/x/../y,d:/dev/..x",
		 "d:/dev/..x"},
		{"wmopkg.media=../a:LABEL=X,.a:LABEL=X,a b:LABEL=X,ä:LABEL=X", ""},
		{"wmopkg.media=external:LABEL=X", ""},
		{"wmopkg.media=" LABEL_64 "x:LABEL=X", ""},
		{"wmopkg.media=a:LABEL=" HUNDRED TEN TEN "123", ""},
		{"wmopkg.media=a:LABEL=\x1b[2J,b:LABEL=\xff,c:LABEL=\u202e", ""},
		{"wmopkg.media", ""},
		{"wmopkg.medias=a:LABEL=X xwmopkg.media=a:LABEL=X", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_bootconf conf;

		overlay_bootconf_decode(cases[i].text, strlen(cases[i].text), &conf);
		if (strcmp(list_media(&conf), cases[i].media) != 0)
			fail_msg("'%s': '%s'", cases[i].text, list_media(&conf));
	}
}

static void test_media_match(void **state)
{
	static const struct {
		const char *match;
		enum overlay_match kind;
		const char *value;
	} cases[] = {
		{"LABEL=STICK", OVERLAY_MATCH_LABEL, "STICK"},
		{"LABEL=LABEL=", OVERLAY_MATCH_LABEL, "LABEL="},
		{"UUID=12AB-34CD", OVERLAY_MATCH_UUID, "12AB-34CD"},
		{"PARTLABEL=a b", OVERLAY_MATCH_PARTLABEL, "a b"},
		{"/dev/sda1", OVERLAY_MATCH_DEVICE, "/dev/sda1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_media media = {.label = "a"};
		const char *value;

		snprintf(media.match, sizeof(media.match), "%s", cases[i].match);
		assert_int_equal(overlay_media_match(&media, &value), cases[i].kind);
		assert_string_equal(value, cases[i].value);
	}
}

static void test_limits(void **state)
{
	static char text[OVERLAY_CMDLINE_MAX];
	struct overlay_bootconf conf;
	size_t size = (size_t)snprintf(text, sizeof(text), "wmopkg.disable=");

	(void)state;
	for (int i = 0; i < 1000; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "n%d,", i);
	overlay_bootconf_decode(text, size, &conf);
	assert_int_equal(conf.disabled_count, OVERLAY_DISABLED_MAX);

	size = (size_t)snprintf(text, sizeof(text), "wmopkg.media=");
	for (int i = 0; i < 1000; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size,
					 "n%d:/dev/x%d,", i, i);
	/* what is there already can be said anew */
	size += (size_t)snprintf(text + size, sizeof(text) - size, "n0:/dev/y");
	overlay_bootconf_decode(text, size, &conf);
	assert_int_equal(conf.media_count, OVERLAY_MEDIA_MAX);
	assert_string_equal(conf.media[0].match, "/dev/y");
	assert_string_equal(conf.media[15].label, "n15");

	/* not 0-terminated, and 0 bytes within */
	overlay_bootconf_decode("wmopkg.safe\0wmopkg.allow_untrusted=1X", 36, &conf);
	assert_true(conf.safe && conf.allow_untrusted);
}

/* What somebody wrote in the hope that it counts. */
static void test_unused(void **state)
{
#define SAFE                                                                             \
	"kernel command line: wmopkg.safe: its value is not understood and has no effect "
#define LIST(name)                                                                       \
	"kernel command line: wmopkg." name                                              \
	": what is not understood of its value has no effect "
	static const struct {
		const char *text, *told; /* told: how the first one begins; NULL: none */
	} cases[] = {
		{"quiet wmopkg.safe wmopkg.safe=0 wmopkg.debug=1", NULL},
		{"wmopkg.disable=,,a,a, wmopkg.disable= wmopkg.media=,a:LABEL=X,", NULL},
		{"note=\"wmopkg.safe=yes wmopkg.x\" xwmopkg.y WMOPKG.SAFE=1", NULL},
		{"wmopkg.safe=yes", SAFE "(wmopkg.safe takes 0 or 1)"},
		{"wmopkg.safe=", SAFE},
		{"wmopkg.safe=11 wmopkg.safe=1", SAFE},
		{"\"wmopkg.safe=1 \"", SAFE},
		{"wmopkg.allow_untrusted",
		 "kernel command line: wmopkg.allow_untrusted: its value is not "
		 "understood and has no effect (wmopkg.allow_untrusted takes 0 or 1)"},
		{"wmopkg.disable", LIST("disable")},
		{"wmopkg.disable=a,../b",
		 LIST("disable") "(wmopkg.disable takes package"},
		{"wmopkg.media=x", LIST("media") "(wmopkg.media takes LABEL:MATCH"},
		{"wmopkg.media=a:LABEL=X,x", LIST("media")},
		{"wmopkg.saef=1",
		 "kernel command line: unknown boot configuration key 'wmopkg.saef'; "
		 "expected: allow_untrusted, safe, "},
		{"wmopkg.",
		 "kernel command line: unknown boot configuration key 'wmopkg.'"},
		{"wmopkg." HUNDRED "=1",
		 "kernel command line: unknown boot configuration key 'wmopkg." TEN TEN
			 TEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error why = {.message = ""};
		struct overlay_bootconf conf;
		const char *told = cases[i].told;
		unsigned at = 0;
		bool one;

		overlay_bootconf_decode(cases[i].text, strlen(cases[i].text), &conf);
		one = overlay_bootconf_unused(&conf, &at, &why);
		if (one != !!told ||
		    (told && strncmp(why.message, told, strlen(told)) != 0))
			fail_msg("'%s': '%s'", cases[i].text, why.message);
		if (one && overlay_bootconf_unused(&conf, &at, &why))
			fail_msg("'%s': and '%s'", cases[i].text, why.message);
	}
}

/* One for each key and each origin, and one more; then no more. */
static void test_unused_all(void **state)
{
	struct overlay_bootconf conf = {.unknown = "wmopkg.x"};
	struct verity_error why;
	unsigned at = 0;

	(void)state;
	for (unsigned key = 0; key < OVERLAY_BOOTKEYS; key++)
		conf.unused[key] = 1 << OVERLAY_BOOT_UBOOT | 1 << OVERLAY_BOOT_CMDLINE;
	for (unsigned i = 0; i < 2 * OVERLAY_BOOTKEYS + 1; i++)
		assert_true(overlay_bootconf_unused(&conf, &at, &why));
	assert_non_null(strstr(why.message, "'wmopkg.x'"));
	assert_false(overlay_bootconf_unused(&conf, &at, &why));
	assert_false(overlay_bootconf_unused(&conf, &at, &why));
}

static void test_load(void **state)
{
	struct overlay_bootconf conf = {.safe = true};
	struct verity_error err;

	(void)state;
	scratch_write("cmdline", "quiet wmopkg.allow_untrusted=1\n");
	check_ok(overlay_bootconf_load("cmdline", &conf, &err), &err);
	assert_true(conf.allow_untrusted);
	assert_false(conf.safe);
	check_ok(overlay_bootconf_load("/proc/cmdline", &conf, &err), &err);
	conf.safe = true;
	assert_int_equal(overlay_bootconf_load("not-there", &conf, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "not-there: No such file or directory");
	assert_true(conf.safe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switches),    cmocka_unit_test(test_factory_reset),
		cmocka_unit_test(test_disable),     cmocka_unit_test(test_media),
		cmocka_unit_test(test_media_match), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_unused),      cmocka_unit_test(test_unused_all),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
