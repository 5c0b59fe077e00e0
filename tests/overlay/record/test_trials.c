/* SPDX-License-Identifier: MIT */
#include "overlay/record/trials.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "overlay/record/record.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define INSTALLED_MAX 8
#define BOOTS_MAX     16

/*
 * Boots, one a line: what is installed = what is left out. A letter is a package, upper
 * case a persistent one; the digit after it stands for its id, '?' for a file that cannot
 * be read; '-' after that: this boot does not activate it. '!': newly quarantined; '?':
 * not quarantined, but left out of this boot to find the cause. Then: "ok", the boot is
 * completed; "no-data", the volume of the ordinary ones is missing; "retry", what is left
 * out is to be tried again after this boot.
 */
struct plan {
	const char *name;
	const char *boots[BOOTS_MAX];
};

static const struct plan plans[] = {
	{"three boots, then the one on trial is left out, and stays out",
	 {"a1 =", "a1 =", "a1 =", "a1 = a!", "a1 = a", "a1 = a"}},
	{"a completed boot passes it, for good",
	 {"a1 =", "a1 =", "a1 = ok", "a1 =", "a1 = ok", "a1 ="}},
	{"those that passed stay while one is on trial",
	 {"a1 B1 = ok", "a1 B1 c1 =", "a1 B1 c1 =", "a1 B1 c1 =", "a1 B1 c1 = c!",
	  "a1 B1 c1 = c ok"}},
	{"it goes on: all ordinary ones, then all",
	 {"a1 b1 C1 = ok", "a1 b1 C1 =", "a1 b1 C1 =", "a1 b1 C1 =", "a1 b1 C1 = a?b?",
	  "a1 b1 C1 = a?b?", "a1 b1 C1 = a?b?", "a1 b1 C1 = a?b?C?",
	  "a1 b1 C1 = a?b?C?"}},
	{"trial, then ordinary, then persistent: nine boots",
	 {"a1 B1 = ok", "a1 B1 c1 =", "a1 B1 c1 =", "a1 B1 c1 =", "a1 B1 c1 = c!",
	  "a1 B1 c1 = c", "a1 B1 c1 = c", "a1 B1 c1 = a?c", "a1 B1 c1 = a?c",
	  "a1 B1 c1 = a?c", "a1 B1 c1 = a?B?c", "a1 B1 c1 = a?B?c"}},
	{"persistent ones alone: there is nothing to try before them",
	 {"A1 = ok", "A1 =", "A1 =", "A1 =", "A1 = A?"}},
	{"a persistent one on trial goes before an ordinary one that passed",
	 {"a1 = ok", "a1 B1 =", "a1 B1 =", "a1 B1 =", "a1 B1 = B?"}},
	{"a changed package is on trial again, with boots of its own",
	 {"a1 b1 = ok",
	  "a1 b1 =", "a1 b1 =", "a2 b1 =", "a2 b1 =", "a2 b1 =", "a2 b1 = a!"}},
	{"a quarantined package that is replaced is another one",
	 {"a1 =", "a1 =", "a1 =", "a1 = a!", "a2 =", "a2 ="}},
	{"who is installed in the middle of it has three boots all the same",
	 {"a1 =", "a1 =", "a1 b1 =", "a1 b1 = a!", "a1 b1 = a", "a1 b1 = a",
	  "a1 b1 = ab!"}},
	{"one that passed waits for one on trial that has boots left",
	 {"a1 = ok", "a1 =", "a1 =", "a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = b!",
	  "a1 b1 = b", "a1 b1 = b", "a1 b1 = a?b"}},
	{"a package that left is forgotten",
	 {"a1 =", "a1 =", "=", "a1 =", "a1 =", "a1 ="}},
	{"a quarantined package that left is forgotten",
	 {"a1 =", "a1 =", "a1 =", "a1 = a!", "=", "a1 ="}},
	{"when the culprit is taken out the others count anew",
	 {"a1 = ok", "a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 =", "a1 =", "a1 =", "a1 = a?"}},
	{"when the culprit is disabled the others count anew, and it goes on for it",
	 {"a1 = ok", "a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1- =", "a1 b1- = ok",
	  "a1 b1 = b!"}},
	{"one that is disabled for good does not make the others immortal",
	 {"a1 b1 =", "a1 b1- =", "a1 b1- =", "a1 b1- =", "a1 b1- = a!"}},
	{"safe mode counts for nobody, completed or not",
	 {"a1 =", "a1- = ok", "a1 =", "a1- =", "a1- =", "a1 =", "a1 = a!"}},
	{"who is removed after safe mode may have been the one",
	 {"a1 = ok", "a1 b1 =", "a1 b1 =", "a1 b1 =", "a1- b1- = ok",
	  "a1 =", "a1 =", "a1 =", "a1 = a?"}},
	{"and so may who is removed between two boots in safe mode",
	 {"a1 = ok", "a1 b1 =", "a1 b1 =", "a1 b1 =", "a1- b1- =", "a1- =", "a1 =",
	  "a1 =", "a1 =", "a1 = a?"}},
	{"and who is disabled, or replaced, after safe mode",
	 {"a1 = ok", "a1 b1 =", "a1 b1 =", "a1 b1 =", "a1- b1- =", "a1 b1- =", "a1 b1- =",
	  "a1 b1- =", "a1 b1- = a?"}},
	{"who stays through safe mode goes on where it was",
	 {"a1 = ok", "a1 b1 =", "a1 b1 =", "a1 b1 =", "a1- b1- = ok", "a1 b1 = b!",
	  "a1 b1 = b", "a1- b1- = ok", "a1 b1 = b", "a1 b1 = a?b"}},
	{"a volume that is missing at times is no removal",
	 {"a1 B1 = ok", "a1 B1 =", "B1 = no-data", "a1 B1 =", "a1 B1 = a?"}},
	{"a quarantined package on a volume that is missing is remembered",
	 {"a1 =", "a1 =", "a1 =", "a1 = a!", "= no-data", "a1 = a"}},
	{"a file that cannot be read for once is remembered",
	 {"a1 =", "a1 =", "a? =", "a1 =", "a1 = a!"}},
	{"retry tries it again, three boots",
	 {"a1 =", "a1 =", "a1 =", "a1 = a! retry",
	  "a1 =", "a1 =", "a1 =", "a1 = a! retry", "a1 = ok", "a1 ="}},
	{"one that moves to the other store is still the one that passed",
	 {"a1 = ok", "A1 c1 =", "A1 c1 =", "A1 c1 =", "A1 c1 = c!"}},
	{"and moves back, and is still on trial where it was",
	 {"A1 =", "a1 =", "A1 =", "a1 = a!"}},
	{"a quarantined one is not let off by a move",
	 {"a1 =", "a1 =", "a1 =", "a1 = a!", "A1 = A"}},
	{"another one of its name that comes to the other store is another one",
	 {"a1 = ok", "A2 c1 =", "A2 c1 =", "A2 c1 =", "A2 c1 = A?c?"}},
	{"nothing installed, nothing counted", {"=", "= ok", "="}},
	{"of two on trial, the older one is tried first, and passes; the other one fails again",
	 {"a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = a?b? ok", "a1 b1 = b? ok",
	  "a1 b1 =", "a1 b1 =", "a1 b1 = b? ok", "a1 b1 = b ok", "a1 b1 = b"}},
	{"the one that fails first is found out, and the other one comes back",
	 {"a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = a?b? ok", "a1 b1 = b?", "a1 b1 = b?",
	  "a1 b1 = a?b? ok", "a1 b1 = a ok", "a1 b1 = a ok"}},
	{"a power cut accuses nobody for long",
	 {"a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = a?b? ok", "a1 b1 = b?",
	  "a1 b1 = b? ok", "a1 b1 = ok", "a1 b1 ="}},
	{"one that passed is tried again before it is quarantined",
	 {"a1 b1 = ok", "a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = a?b? ok",
	  "a1 b1 = b? ok", "a1 b1 =", "a1 b1 =", "a1 b1 = b? ok", "a1 b1 = b"}},
	{"three power cuts leave a persistent one out of one boot",
	 {"A1 = ok", "A1 =", "A1 =", "A1 =", "A1 = A? ok", "A1 = ok", "A1 = ok"}},
	{"three on trial: two, one, and what is not suspect stays",
	 {"d1 = ok",
	  "a1 b1 c1 d1 =", "a1 b1 c1 d1 =", "a1 b1 c1 d1 =", "a1 b1 c1 d1 = a?b?c? ok",
	  "a1 b1 c1 d1 = c?", "a1 b1 c1 d1 = b?c? ok", "a1 b1 c1 d1 = c?",
	  "a1 b1 c1 d1 = b?c? ok", "a1 b1 c1 d1 = b ok", "a1 b1 c1 d1 = b"}},
	{"one that comes in the middle of it runs, and is a suspect if that boot fails",
	 {"a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = a?b? ok", "a1 b1 c1 = b?",
	  "a1 b1 c1 = b?c? ok", "a1 b1 c1 = b?", "a1 b1 c1 = b?c? ok", "a1 b1 c1 = c"}},
	{"a suspect that is removed is forgotten, and the search ends with the last",
	 {"a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = a?b? ok", "b1 = ok", "b1 ="}},
	{"a suspect that is replaced is another package",
	 {"a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = a?b? ok", "a2 b1 = ok", "a2 b1 ="}},
	{"safe mode says nothing of the suspects",
	 {"a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = a?b?", "a1- b1- =", "a1 b1 = a?b?"}},
	{"a suspect that is to be tried again is no suspect any more",
	 {"a1 b1 =", "a1 b1 =", "a1 b1 =", "a1 b1 = a?b? retry",
	  "a1 b1 =", "a1 b1 = ok"}},
	{"a boot that is completed now and then is never three in a row",
	 {"a1 =", "a1 =", "a1 = ok", "a1 =", "a1 =", "a1 = ok", "a1 ="}},
};

static size_t parse(const char *text, struct overlay_candidate *ret)
{
	size_t count = 0;

	for (const char *p = text; *p && *p != '='; p++) {
		struct overlay_candidate *candidate;

		if (*p == ' ')
			continue;
		candidate = &ret[count++];
		assert_true(count <= INSTALLED_MAX);
		*candidate = (struct overlay_candidate){.active = true};
		candidate->entry.name[0] = (char)tolower(*p);
		candidate->entry.kind =
			isupper(*p) ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
		p++;
		if (*p == '?') {
			candidate->active = false;
			continue;
		}
		candidate->id[0] = (uint8_t)candidate->entry.name[0];
		candidate->id[1] = (uint8_t)*p;
		if (p[1] == '-') {
			candidate->active = false;
			p++;
		}
	}
	return count;
}

static void list_left(const struct overlay_candidate *candidates, size_t count, char *ret)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (!candidates[i].quarantined && !candidates[i].suspect)
			continue;
		assert_false(candidates[i].quarantined && candidates[i].suspect);
		ret[used++] = candidates[i].entry.kind == OVERLAY_PERSISTENT
				      ? (char)toupper(candidates[i].entry.name[0])
				      : candidates[i].entry.name[0];
		if (candidates[i].suspect)
			ret[used++] = '?';
	}
	ret[used] = '\0';
}

static void complete(struct overlay_trials *trials,
		     const struct overlay_candidate *candidates, size_t count)
{
	struct overlay_state_entry entries[INSTALLED_MAX] = {0};
	const struct overlay_state state = {.entries = entries, .count = count};

	for (size_t i = 0; i < count; i++) {
		entries[i].entry = candidates[i].entry;
		entries[i].active = candidates[i].active && !candidates[i].quarantined &&
				    !candidates[i].suspect;
	}
	overlay_trials_complete(trials, &state);
	assert_false(overlay_trials_complete(trials, &state));
	if (!trials->idle)
		assert_int_equal(overlay_trials_incomplete(trials), 0);
}

/* As between two boots: what is remembered is what was written. */
static void write_and_read(struct overlay_trials *trials)
{
	cleanup_free char *text = NULL;
	struct verity_error err;

	check_ok(overlay_trials_encode(trials, &text, &err), &err);
	overlay_trials_free(trials);
	check_ok(overlay_trials_decode(text, strlen(text), trials, &err), &err);
}

static bool says(const char *boot, const char *word)
{
	return strstr(strchr(boot, '='), word) != NULL;
}

static void check_left(const struct plan *plan, const char *boot, const char *left,
		       int now)
{
	char wanted[2 * INSTALLED_MAX + 1] = "";
	int wanted_now = 0;
	size_t used = 0;

	for (const char *p = strchr(boot, '=') + 1; *p; p++)
		if (strchr("aAbBcCdDeEfF?", *p))
			wanted[used++] = *p;
		else if (*p == '!')
			wanted_now++;
		else if (*p != ' ')
			break;
	if (strcmp(left, wanted) != 0 || now != wanted_now)
		fail_msg("%s: %s: '%s' left out, %d of them new", plan->name, boot, left,
			 now);
}

static void run_boot(const struct plan *plan, const char *text,
		     struct overlay_trials *trials)
{
	struct overlay_candidate candidates[INSTALLED_MAX];
	size_t count = parse(text, candidates);
	const struct overlay_trials_boot boot = {
		.candidates = candidates,
		.count = count,
		.listed = {!says(text, "no-data"), true},
		.limit = 3,
	};
	char left[2 * INSTALLED_MAX + 1];
	struct verity_error err;
	int now = overlay_trials_begin(trials, &boot, &err);

	list_left(candidates, count, left);
	check_left(plan, text, left, now);
	if (says(text, "ok"))
		complete(trials, candidates, count);
	for (size_t i = 0; says(text, "retry") && i < count; i++)
		if (candidates[i].quarantined || candidates[i].suspect)
			assert_int_equal(overlay_trials_forget(
						 trials, candidates[i].entry.name, NULL),
					 1);
	write_and_read(trials);
}

static void test_plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct overlay_trials trials = {.completed = false};

		for (size_t j = 0; j < BOOTS_MAX && plans[i].boots[j]; j++)
			run_boot(&plans[i], plans[i].boots[j], &trials);
		overlay_trials_free(&trials);
	}
}

static int begin(struct overlay_trials *trials, const char *with, unsigned limit,
		 struct overlay_candidate *candidates)
{
	const struct overlay_trials_boot boot = {
		.candidates = candidates,
		.count = parse(with, candidates),
		.listed = {true, true},
		.limit = limit,
	};
	struct verity_error err;
	int r = overlay_trials_begin(trials, &boot, &err);

	check_ok(r, &err);
	return r;
}

/*
 * `a` needs `b` and is the cause, or `b` is: the one is found, and the other is active as
 * far as it can be. What is left out for its need is never counted.
 */
static void test_needs(void **state)
{
	(void)state;
	for (int bad = 0; bad < 2; bad++) {
		struct overlay_trials trials = {.completed = false};
		struct overlay_candidate candidates[INSTALLED_MAX];
		bool runs[2] = {false, false};

		for (int i = 0; i < 16; i++) {
			const struct overlay_trials_boot boot = {
				.candidates = candidates,
				.count = parse("a1 b1 =", candidates),
				.listed = {true, true},
				.limit = 3,
			};
			struct verity_error err;

			candidates[0].depth = 1;
			if (i > 0 && trials.items[1].state == OVERLAY_TRIAL_QUARANTINED)
				candidates[0].active = false;
			check_ok(overlay_trials_begin(&trials, &boot, &err), &err);
			for (int k = 0; k < 2; k++)
				runs[k] = candidates[k].active &&
					  !candidates[k].quarantined &&
					  !candidates[k].suspect;
			if (runs[0] && !runs[1]) {
				overlay_trials_skip(&trials, &candidates[0].entry);
				assert_false(trials.items[0].ran);
				assert_true(trials.idle);
				runs[0] = false;
			}
			candidates[0].active = runs[0];
			if (!runs[bad])
				complete(&trials, candidates, boot.count);
			write_and_read(&trials);
		}
		assert_int_equal(trials.items[bad].state, OVERLAY_TRIAL_QUARANTINED);
		assert_int_equal(runs[0], false);
		assert_int_equal(runs[1], bad == 0);
		overlay_trials_free(&trials);
	}
}

/* A boot that is not completed does not count for what it leaves out for its need. */
static void test_skip(void **state)
{
	struct overlay_candidate candidates[INSTALLED_MAX];
	struct overlay_trials trials = {.completed = false};
	const struct overlay_entry unknown = {.name = "x"};

	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_int_equal(begin(&trials, "a1 b1 =", 3, candidates), 0);
		complete(&trials, candidates, 2);
		assert_int_equal(begin(&trials, "a1 b1 =", 3, candidates), 0);
		overlay_trials_skip(&trials, &candidates[0].entry);
		overlay_trials_skip(&trials, &candidates[0].entry);
		overlay_trials_skip(&trials, &unknown);
		assert_int_equal(trials.items[0].incomplete, 0);
		assert_int_equal(trials.items[1].incomplete, 1);
		assert_false(trials.idle);
	}
	overlay_trials_free(&trials);
}

/* The device comes up whatever is wrong: in the end with no package at all. */
static void test_comes_up(void **state)
{
	for (unsigned limit = 1; limit < 6; limit++) {
		struct overlay_candidate candidates[INSTALLED_MAX];
		struct overlay_trials trials = {.completed = false};
		unsigned boots = 0;
		char left[2 * INSTALLED_MAX + 1] = "";

		(void)state;
		begin(&trials, "a1 B1", limit, candidates);
		complete(&trials, candidates, 2);
		while (strcmp(left, "a?B?c?D?") != 0) {
			begin(&trials, "a1 B1 c1 D1", limit, candidates);
			list_left(candidates, 4, left);
			boots++;
			assert_true(boots < 100);
		}
		assert_int_equal(boots, 3 * limit + 1);
		overlay_trials_free(&trials);
	}
}

#define MANY 64

/* A device with packages that keep it from booting. */
struct device {
	struct overlay_candidate candidates[MANY];
	size_t count;
	size_t bad[3];  /* each by itself; MANY: none */
	size_t pair[2]; /* only together; MANY: none */
	unsigned cuts;  /* of the next boots the power is cut */
	unsigned limit;
	struct overlay_trials trials;
	unsigned boots, failed;
};

static void device_begin(struct device *device, size_t count)
{
	*device = (struct device){.count = count,
				  .bad = {MANY, MANY, MANY},
				  .pair = {MANY, MANY},
				  .limit = 3};
	for (size_t i = 0; i < count; i++) {
		struct overlay_candidate *candidate = &device->candidates[i];

		snprintf(candidate->entry.name, sizeof(candidate->entry.name), "p%02zu",
			 i);
		candidate->id[0] = (uint8_t)(i + 1);
		candidate->active = true;
	}
}

static bool device_runs(const struct device *device, size_t index)
{
	return index < device->count && !device->candidates[index].quarantined &&
	       !device->candidates[index].suspect;
}

/* Return: whether the boot was completed. */
static bool device_boot(struct device *device)
{
	static struct overlay_state_entry entries[MANY];
	const struct overlay_state state = {.entries = entries, .count = device->count};
	const struct overlay_trials_boot boot = {.candidates = device->candidates,
						 .count = device->count,
						 .listed = {true, true},
						 .limit = device->limit};
	bool fails = device->cuts > 0;
	struct verity_error err;

	check_ok(overlay_trials_begin(&device->trials, &boot, &err), &err);
	if (device->count < 5)
		write_and_read(&device->trials);
	for (size_t i = 0; i < 3; i++)
		fails = fails || device_runs(device, device->bad[i]);
	fails = fails || (device_runs(device, device->pair[0]) &&
			  device_runs(device, device->pair[1]));
	device->cuts -= device->cuts > 0;
	device->boots++;
	device->failed += fails;
	if (fails)
		return false;
	for (size_t i = 0; i < device->count; i++) {
		entries[i].entry = device->candidates[i].entry;
		entries[i].active = device_runs(device, i);
	}
	overlay_trials_complete(&device->trials, &state);
	assert_false(overlay_trials_complete(&device->trials, &state));
	return true;
}

/* Boots until nothing is suspect any more, and the last boot was completed. */
static void device_settle(struct device *device, unsigned most)
{
	bool settled = false;

	while (!settled) {
		assert_true(device->boots < most);
		settled = device_boot(device);
		for (size_t i = 0; i < device->count; i++)
			settled = settled && !device->candidates[i].suspect;
	}
}

static size_t count_quarantined(const struct device *device)
{
	size_t count = 0;

	for (size_t i = 0; i < device->count; i++)
		count += device->candidates[i].quarantined;
	return count;
}

static unsigned halvings(size_t count)
{
	unsigned number = 0;

	for (; count > 1; count = (count + 1) / 2)
		number++;
	return number;
}

/* The bounds that docs/boot.md names. */
static unsigned most_boots(size_t count, unsigned culprits)
{
	return 3 + 1 + culprits * (halvings(count) + 4) + 1;
}

/* Each of up to 64 packages may be the one: it is found, and the others are active. */
static void test_one_culprit(void **state)
{
	(void)state;
	for (size_t count = 1; count <= MANY; count += count < 9 ? 1 : 55)
		for (size_t bad = 0; bad < count; bad += count < 9 ? 1 : 9)
			for (unsigned variant = 0; variant < 3; variant++) {
				struct device device;

				device_begin(&device, count);
				for (size_t i = 0; variant && i < count; i += variant)
					device.candidates[i].entry.kind =
						OVERLAY_PERSISTENT;
				/* all have passed, and one turns bad */
				if (variant == 2)
					assert_true(device_boot(&device));
				device.bad[0] = bad;
				device_settle(&device, most_boots(count, 1) + 4);
				assert_int_equal(count_quarantined(&device), 1);
				assert_true(device.candidates[bad].quarantined);
				assert_true(device.failed <=
					    (variant == 2 ? 6 : 3) + halvings(count) + 2);
				overlay_trials_free(&device.trials);
			}
}

static void test_two_culprits(void **state)
{
	(void)state;
	for (size_t count = 2; count <= 8; count++)
		for (size_t a = 0; a < count; a++)
			for (size_t b = 0; b < a; b++) {
				struct device each, pair;

				device_begin(&each, count);
				each.bad[0] = a;
				each.bad[1] = b;
				device_settle(&each, most_boots(count, 2));
				assert_int_equal(count_quarantined(&each), 2);
				assert_true(each.failed <= 3 + 2 * (halvings(count) + 2));
				assert_true(each.candidates[a].quarantined &&
					    each.candidates[b].quarantined);
				overlay_trials_free(&each.trials);

				/* only together: one of the two goes, nobody else */
				device_begin(&pair, count);
				pair.pair[0] = a;
				pair.pair[1] = b;
				device_settle(&pair, most_boots(count, 1));
				assert_int_equal(count_quarantined(&pair), 1);
				assert_true(pair.candidates[a].quarantined ||
					    pair.candidates[b].quarantined);
				overlay_trials_free(&pair.trials);
			}
}

/* A package on trial that fails only with one that has passed is the one that goes. */
static void test_with_one_that_passed(void **state)
{
	(void)state;
	for (size_t bad = 2; bad < 6; bad++) {
		struct device device;

		device_begin(&device, 2);
		assert_true(device_boot(&device));
		for (size_t i = 2; i < 6; i++) {
			device.candidates[i] = device.candidates[0];
			device.candidates[i].entry.name[0] = 'q';
			device.candidates[i].entry.name[2] = (char)('0' + i);
			device.candidates[i].id[0] = (uint8_t)(i + 1);
		}
		device.count = 6;
		device.pair[0] = 0;
		device.pair[1] = bad;
		device_settle(&device, 1 + most_boots(4, 1));
		assert_int_equal(count_quarantined(&device), 1);
		assert_true(device.candidates[bad].quarantined);
		overlay_trials_free(&device.trials);
	}
}

/*
 * Power cuts, as many as they like, at any time: what is persistent, or has passed, comes
 * back.
 */
static void test_power_cuts(void **state)
{
	(void)state;
	for (size_t count = 1; count < 9; count++)
		for (unsigned cuts = 1; cuts <= 20; cuts++)
			for (unsigned passed = 0; passed < 2; passed++) {
				struct device device;

				device_begin(&device, count);
				for (size_t i = 0; i < count; i += 1 + passed)
					device.candidates[i].entry.kind =
						OVERLAY_PERSISTENT;
				if (passed)
					assert_true(device_boot(&device));
				device.cuts = cuts;
				device_settle(&device, cuts + 10);
				assert_int_equal(count_quarantined(&device), 0);
				overlay_trials_free(&device.trials);
			}
}

/* What no boot completes costs no more than before: nothing runs after nine boots. */
static void test_nothing_helps(void **state)
{
	for (size_t count = 1; count < 9; count++) {
		struct device device;

		(void)state;
		device_begin(&device, count);
		for (size_t i = 0; i < count; i += 2)
			device.candidates[i].entry.kind = OVERLAY_PERSISTENT;
		device.cuts = 40;
		for (int i = 0; i < 10; i++)
			device_boot(&device);
		for (size_t i = 0; i < count; i++)
			assert_false(device_runs(&device, i));
		overlay_trials_free(&device.trials);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Left out in turns by pattern 0, at random by all others, and now and then unreadable.
 */
static void come_and_go(struct overlay_candidate *candidates, size_t count,
			unsigned number, unsigned pattern, uint32_t *seed)
{
	for (size_t i = 0; i < count; i++) {
		if (pattern == 0)
			candidates[i].active = i == 0 || number % (count - 1) != i - 1;
		else
			candidates[i].active = next_random(seed) % (pattern + 1) > 0;
		if (!candidates[i].active && next_random(seed) % 2)
			memset(candidates[i].id, 0, sizeof(candidates[i].id));
	}
}

/*
 * Whatever somebody wrote to PERSIST, completed boots bring all back that is not
 * quarantined, and boots that fail end with nothing that runs.
 */
static void test_any_record(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		struct device device;
		size_t quarantined = 0;

		device_begin(&device, 1 + next_random(&seed) % 8);
		device_boot(&device);
		device.trials.search = next_random(&seed) % 3;
		device.trials.failed = next_random(&seed) % 20;
		device.trials.idle = next_random(&seed) % 2;
		for (size_t i = 0; i < device.trials.count; i++) {
			struct overlay_trial *trial = &device.trials.items[i];

			trial->state = next_random(&seed) % 3;
			trial->suspicion = next_random(&seed) % 4;
			trial->incomplete = next_random(&seed) % 6;
			trial->ran = trial->state != OVERLAY_TRIAL_QUARANTINED &&
				     next_random(&seed) % 2;
			quarantined += trial->state == OVERLAY_TRIAL_QUARANTINED;
		}
		if (round % 2) {
			device.cuts = 100;
			for (int i = 0; i < 60; i++)
				device_boot(&device);
			for (size_t i = 0; i < device.count; i++)
				assert_false(device_runs(&device, i));
		} else {
			device_settle(&device, 16);
			assert_true(count_quarantined(&device) <= quarantined + 8);
		}
		overlay_trials_free(&device.trials);
	}
}

/* What the device must not start without is never left out, the others as ever. */
static void test_required(void **state)
{
	for (unsigned bad = 0; bad < 2; bad++) {
		struct device device;

		(void)state;
		device_begin(&device, 3);
		device.candidates[1].required = true;
		device.candidates[1].entry.kind = OVERLAY_PERSISTENT;
		device.bad[0] = bad;
		for (int i = 0; i < 40; i++) {
			device_boot(&device);
			assert_true(device_runs(&device, 1));
		}
		assert_int_equal(device.candidates[0].quarantined, bad == 0);
		assert_int_equal(count_quarantined(&device), bad == 0);
		overlay_trials_free(&device.trials);
	}
	/* one that fails only together with it goes */
	for (size_t a = 0; a < 6; a++) {
		struct device device;

		if (a == 2)
			continue;
		device_begin(&device, 6);
		device.candidates[2].required = true;
		device.pair[0] = 2;
		device.pair[1] = a;
		device_settle(&device, most_boots(6, 1) + 4);
		assert_true(device.candidates[a].quarantined);
		assert_int_equal(count_quarantined(&device), 1);
		overlay_trials_free(&device.trials);
	}
	/* the others are told apart around it, whether they have passed or not */
	for (size_t a = 0; a < 6; a++)
		for (size_t b = 0; b < 24; b++) {
			struct device device;

			device_begin(&device, 6);
			device.candidates[2].required = true;
			for (size_t i = b / 6 % 2; i < 6; i += 2)
				device.candidates[i].entry.kind = OVERLAY_PERSISTENT;
			if (b >= 12)
				assert_true(device_boot(&device));
			device.bad[0] = a == 2 ? 0 : a;
			device.bad[1] = b % 6 == 2 ? 0 : b % 6;
			device_settle(&device, most_boots(6, 2) + 4);
			assert_true(device_runs(&device, 2));
			assert_int_equal(count_quarantined(&device),
					 1 + (device.bad[0] != device.bad[1]));
			overlay_trials_free(&device.trials);
		}
}

/* Also where storage fails now and then, so that not all are there at each boot. */
static void test_comes_up_on_failing_storage(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned pattern = 0; pattern < 200; pattern += check_step(5)) {
		struct overlay_candidate candidates[INSTALLED_MAX];
		struct overlay_trials trials = {.completed = false};
		unsigned ran = 0;

		begin(&trials, "b1 C1 d1", 3, candidates);
		complete(&trials, candidates, 3);
		begin(&trials, "a1 b1 C1 d1", 3, candidates);
		for (unsigned number = 0; number < 100; number++) {
			const struct overlay_trials_boot boot = {
				.candidates = candidates,
				.count = parse("a1 b1 C1 d1", candidates),
				.listed = {true, true},
				.limit = 3,
			};

			come_and_go(candidates, boot.count, number, pattern % 8, &seed);
			assert_true(overlay_trials_begin(&trials, &boot, NULL) >= 0);
			write_and_read(&trials);
			ran += !trials.idle;
		}
		assert_true(ran < 3 * OVERLAY_TRIALS_ROUNDS);
		overlay_trials_free(&trials);
	}
}

static void test_incomplete(void **state)
{
	struct overlay_candidate candidates[INSTALLED_MAX];
	struct overlay_trials trials = {.completed = false};

	(void)state;
	assert_int_equal(overlay_trials_incomplete(&trials), 0);
	begin(&trials, "a1", 3, candidates);
	begin(&trials, "a1 b1", 3, candidates);
	assert_int_equal(overlay_trials_incomplete(&trials), 2);
	assert_false(trials.completed);
	complete(&trials, candidates, 2);
	assert_true(trials.completed);
	overlay_trials_free(&trials);
}

/* A boot in safe mode is a boot of this device, and says nothing of those left out. */
static void test_complete_idle(void **state)
{
	struct overlay_candidate candidates[INSTALLED_MAX];
	struct overlay_trials trials = {.completed = false};

	(void)state;
	begin(&trials, "a1", 3, candidates);
	begin(&trials, "a1-", 3, candidates);
	assert_true(trials.idle);
	assert_false(trials.completed);
	complete(&trials, candidates, 1);
	assert_true(trials.completed);
	assert_int_equal(trials.items[0].state, OVERLAY_TRIAL_RUNNING);
	assert_int_equal(overlay_trials_incomplete(&trials), 1);
	begin(&trials, "a1", 3, candidates);
	assert_false(trials.idle);
	assert_int_equal(overlay_trials_incomplete(&trials), 2);
	overlay_trials_free(&trials);
}

/* What could not be mounted has not passed, and did not keep the device from booting. */
static void test_complete_without(void **state)
{
	struct overlay_candidate candidates[INSTALLED_MAX];
	struct overlay_trials trials = {.completed = false};

	(void)state;
	for (int i = 0; i < 9; i++) {
		assert_int_equal(begin(&trials, "a1 b1", 3, candidates), 0);
		candidates[0].active = false;
		complete(&trials, candidates, 2);
	}
	assert_int_equal(trials.items[0].state, OVERLAY_TRIAL_RUNNING);
	assert_int_equal(trials.items[1].state, OVERLAY_TRIAL_PASSED);
	overlay_trials_free(&trials);
}

/* The state of a boot in safe mode speaks for no package, whatever was remembered. */
static void test_complete_safe(void **state)
{
	struct overlay_state_entry entry = {.entry = {.name = "a"}, .active = true};
	const struct overlay_state safe = {.entries = &entry, .count = 1, .safe = true};
	struct overlay_candidate candidates[INSTALLED_MAX];
	struct overlay_trials trials = {.completed = true};

	(void)state;
	begin(&trials, "a1", 3, candidates);
	assert_false(overlay_trials_complete(&trials, &safe));
	assert_int_equal(trials.items[0].incomplete, 1);
	overlay_trials_free(&trials);
}

static void test_forget(void **state)
{
	struct overlay_candidate candidates[INSTALLED_MAX];
	struct overlay_trials trials = {.completed = false};
	struct verity_quarantine held;
	struct verity_error err;
	uint8_t a1[VERITY_DIGEST_BYTES] = {'a', '1'};
	uint8_t b1[VERITY_DIGEST_BYTES] = {'b', '1'};

	(void)state;
	begin(&trials, "a1 b1 c1", 3, candidates);
	for (size_t i = 0; i < 3; i++)
		trials.items[i].state = OVERLAY_TRIAL_QUARANTINED;
	check_ok(overlay_trials_quarantine(&trials, &held, &err), &err);
	assert_int_equal(held.count, 3);
	assert_true(verity_quarantine_holds(&held, a1));
	free((void *)(uintptr_t)held.ids);
	/* The package of b, installed as d. */
	assert_int_equal(overlay_trials_forget(&trials, "d", b1), 1);
	assert_int_equal(overlay_trials_forget(&trials, "d", NULL), 0);
	/* c is the package of a, under another name. */
	memcpy(trials.items[1].id, a1, sizeof(a1));
	assert_int_equal(overlay_trials_forget(&trials, "c", NULL), 2);
	assert_int_equal(trials.count, 0);
	/* What is on trial, or has passed, stays what it is. */
	begin(&trials, "a1", 3, candidates);
	assert_int_equal(overlay_trials_forget(&trials, "a", a1), 0);
	assert_int_equal(trials.count, 1);
	overlay_trials_free(&trials);
}

#define ID "6131000000000000000000000000000000000000000000000000000000000000"

static void test_text(void **state)
{
	struct overlay_candidate candidates[INSTALLED_MAX];
	struct overlay_trials trials = {.completed = false};
	cleanup_free char *text = NULL;
	struct verity_error err;

	(void)state;
	begin(&trials, "a1", 3, candidates);
	check_ok(overlay_trials_encode(&trials, &text, &err), &err);
	assert_string_equal(text, "{\n"
				  "  \"type\": \"trials\",\n"
				  "  \"format\": 1,\n"
				  "  \"completed\": false,\n"
				  "  \"idle\": false,\n"
				  "  \"failed\": 1,\n"
				  "  \"packages\": [\n"
				  "    {\n"
				  "      \"name\": \"a\",\n"
				  "      \"persistent\": false,\n"
				  "      \"id\": \"" ID "\",\n"
				  "      \"state\": \"trial\",\n"
				  "      \"incomplete\": 1,\n"
				  "      \"ran\": true\n"
				  "    }\n"
				  "  ]\n"
				  "}");
	overlay_trials_free(&trials);
}

#define HEAD       "{\"type\":\"trials\",\"format\":1,\"completed\":true"
#define FRONT      HEAD ",\"idle\":false,\"failed\":0,\"packages\":"
#define ITEM(tail) "{\"name\":\"a\",\"persistent\":false,\"id\":\"" ID "\"," tail "}"
#define TRIAL      "\"state\":\"trial\",\"incomplete\":1,\"ran\":true"

static const struct {
	const char *text;
	const char *message;
} refused[] = {
	{"[]", "not one JSON object and nothing else"},
	{"{}", "type: missing"},
	{"{\"type\":\"unlock\"}", "type: not \"trials\""},
	{"{\"type\":\"trials\",\"format\":0}", "format: not 1"},
	{"{\"type\":\"trials\",\"format\":2}", "format: not 1"},
	{"{\"type\":\"trials\",\"format\":1}", "completed: missing"},
	{"{\"type\":\"trials\",\"format\":1,\"completed\":1}",
	 "completed: not true or false"},
	{HEAD "}", "idle: missing"},
	{HEAD ",\"idle\":true}", "failed: missing"},
	{HEAD ",\"idle\":true,\"failed\":1001}", "failed: outside 0 to 1000"},
	{FRONT "{}}", "packages: not a list"},
	{FRONT "[1]}", "packages[0]: not an object"},
	{FRONT "[{}]}", "packages[0].name: missing"},
	{FRONT "[{\"name\":\"../a\"}]}", "packages[0].name: not a valid package name"},
	{FRONT "[{\"name\":\"a\\u0000b\"}]}", "packages[0].name: not printable UTF-8"},
	{FRONT "[{\"name\":\"a\",\"persistent\":false,\"id\":\"00\"}]}",
	 "packages[0].id: not 64 hex digits"},
	{FRONT "[" ITEM("\"state\":\"gone\"") "]}",
	 "packages[0].state: none of \"trial\", \"passed\", \"quarantined\""},
	{FRONT "[" ITEM("\"state\":\"trial\",\"incomplete\":-1") "]}",
	 "packages[0].incomplete: outside 0 to 1000"},
	{FRONT "[" ITEM("\"state\":\"trial\",\"incomplete\":1001") "]}",
	 "packages[0].incomplete: outside 0 to 1000"},
	{FRONT "[" ITEM("\"state\":\"quarantined\",\"incomplete\":0,\"ran\":true") "]}",
	 "packages[0]: quarantined, and part of the last boot"},
	{FRONT "[" ITEM(TRIAL ",\"suspicion\":\"yes\"") "]}",
	 "packages[0].suspicion: none of \"none\", \"suspect\", \"accused\", \"alone\""},
	{FRONT "[" ITEM(TRIAL) "," ITEM(TRIAL) "]}", "packages: a: there twice"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct overlay_trials trials = {.count = 7};
		struct verity_error err;
		int r = overlay_trials_decode(refused[i].text, strlen(refused[i].text),
					      &trials, &err);

		if (r != -EBADMSG)
			fail_msg("%s: %d", refused[i].text, r);
		check_error(&err, VERITY_E_BAD_RECORD, refused[i].message);
		assert_int_equal(trials.count, 7);
	}
}

static void test_file(void **state)
{
	cleanup_fd int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct overlay_candidate candidates[INSTALLED_MAX];
	struct overlay_trials trials = {.count = 7};
	struct verity_error err;

	(void)state;
	check_ok(overlay_trials_load(here, &trials, &err), &err);
	assert_int_equal(trials.count, 0);
	begin(&trials, "a1 B1", 3, candidates);
	check_ok(overlay_trials_store(here, &trials, &err), &err);
	overlay_trials_free(&trials);
	check_ok(overlay_trials_load(here, &trials, &err), &err);
	assert_int_equal(trials.count, 2);
	assert_string_equal(trials.items[1].entry.name, "b");
	overlay_trials_free(&trials);

	scratch_write(OVERLAY_RECORD_TRIALS, "{");
	assert_int_equal(overlay_trials_load(here, &trials, &err), -EBADMSG);
	assert_string_equal(verity_code_name(err.code), "bad-record");
	assert_memory_equal(err.message, "trials.json: not JSON: ", 23);
	assert_int_equal(unlink(OVERLAY_RECORD_TRIALS), 0);
}

static void test_lock(void **state)
{
	cleanup_fd int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int other = -1;
	struct verity_error err;
	int lock = -1;

	(void)state;
	check_ok(overlay_trials_lock(-1, &lock, &err), &err);
	assert_int_equal(lock, -1);
	check_ok(overlay_trials_lock(here, &lock, &err), &err);
	other = open(".trials.lock", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	close(lock);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(unlink(".trials.lock"), 0);
}

static void test_no_record(void **state)
{
	struct overlay_trials trials = {.count = 7};
	struct verity_error err;

	(void)state;
	check_ok(overlay_trials_load(-1, &trials, &err), &err);
	assert_int_equal(trials.count, 0);
	assert_int_equal(overlay_trials_store(-1, &trials, &err), -ENOENT);
	check_error(
		&err, VERITY_E_NOT_FOUND,
		"there is no persist volume to keep trials on (check 'persist' in the configuration)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_comes_up),
		cmocka_unit_test(test_one_culprit),
		cmocka_unit_test(test_two_culprits),
		cmocka_unit_test(test_with_one_that_passed),
		cmocka_unit_test(test_power_cuts),
		cmocka_unit_test(test_nothing_helps),
		cmocka_unit_test(test_any_record),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_comes_up_on_failing_storage),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_complete_idle),
		cmocka_unit_test(test_complete_without),
		cmocka_unit_test(test_complete_safe),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_no_record),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
