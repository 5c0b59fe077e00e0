/* SPDX-License-Identifier: MIT */
#include "overlay/stack/stack_plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verity/util/cleanup.h"

/* Those of every stack first, then what a writable one has. */
static const struct overlay_stack_option options[] = {
	{"redirect_dir", "nofollow"},
	{"metacopy", "off"},
	{"index", "off"},
	{"nfs_export", "off"},
	{"xino", "off"},
	{"upperdir", OVERLAY_STACK_UPPER},
	{"workdir", OVERLAY_STACK_WORK},
};

#define OPTIONS_COUNT   (sizeof(options) / sizeof(options[0]))
#define OPTIONS_WRITING 2

void overlay_stack_plan_free(struct overlay_stack_plan *plan)
{
	free(plan->names);
	plan->names = NULL;
	plan->count = 0;
}

static void __attribute__((format(printf, 2, 3)))
add(struct overlay_stack_plan *plan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(plan->names[plan->count++], OVERLAY_STACK_NAME_MAX, format, args);
	va_end(args);
}

int overlay_stack_plan_make(const struct overlay_stack_parts *parts,
			    struct overlay_stack_plan *ret, struct verity_error *err)
{
	struct overlay_stack_plan plan = {.nosuid = parts->nosuid,
					  .writable = parts->writable};
	size_t room = OVERLAY_STACK_MAX - parts->engine - parts->root;

	if (parts->packages > room)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%zu packages are to be active, and a stack takes %zu",
				   parts->packages, room);
	plan.names = calloc(parts->packages + 4, sizeof(*plan.names));
	if (!plan.names)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (parts->engine)
		add(&plan, OVERLAY_STACK_ENGINE);
	for (size_t i = 1; i <= parts->packages; i++)
		add(&plan, "%zu", i);
	if (parts->root)
		add(&plan, OVERLAY_STACK_ROOT);
	while (plan.count < (parts->writable ? 1 : 2))
		add(&plan, OVERLAY_STACK_EMPTY);
	*ret = plan;
	return 0;
}

int overlay_stack_plan_new(size_t packages, bool nosuid, struct overlay_stack_plan *ret,
			   struct verity_error *err)
{
	const struct overlay_stack_parts parts = {
		.engine = true,
		.packages = packages,
		.root = true,
		.nosuid = nosuid,
	};

	return overlay_stack_plan_make(&parts, ret, err);
}

bool overlay_stack_option_at(const struct overlay_stack_plan *plan, size_t index,
			     struct overlay_stack_option *ret)
{
	if (index >= OPTIONS_COUNT - (plan->writable ? 0 : OPTIONS_WRITING))
		return false;
	*ret = options[index];
	return true;
}

/* Appends; false where there is no room. */
static bool __attribute__((format(printf, 4, 5)))
put(char *text, size_t room, size_t *used, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text + *used, room - *used, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room - *used)
		return false;
	*used += (size_t)n;
	return true;
}

int overlay_stack_options(const struct overlay_stack_plan *plan, size_t room, char **ret,
			  struct verity_error *err)
{
	cleanup_free char *text = malloc(room);
	struct overlay_stack_option option;
	size_t used = 0;
	bool fits = true;

	if (!text)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; fits && i < plan->count; i++)
		fits = put(text, room, &used, "%s%s",
			   i ? ":" : "lowerdir=", plan->names[i]);
	for (size_t i = 0; fits && overlay_stack_option_at(plan, i, &option); i++)
		fits = put(text, room, &used, ",%s=%s", option.key, option.value);
	if (!fits)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "the mount options of %zu layers are longer "
				   "than the %zu bytes that this kernel takes",
				   plan->count, room - 1);
	*ret = steal_ptr(&text);
	return 0;
}

/* What is left to be seen of the plan. */
struct comparison {
	const struct overlay_stack_plan *plan;
	size_t layers; /* seen */
	bool upper, work;
	struct verity_error *err;
};

static int compare_layer(struct comparison *seen, const char *name, size_t size)
{
	const struct overlay_stack_plan *plan = seen->plan;
	size_t at = seen->layers++;

	if (at >= plan->count)
		return verity_fail(seen->err, VERITY_E_STACK,
				   "the kernel stacked more than the %zu layers planned",
				   plan->count);
	if (strlen(plan->names[at]) == size && memcmp(plan->names[at], name, size) == 0)
		return 0;
	return verity_fail(seen->err, VERITY_E_STACK,
			   "the kernel did not stack layer %zu of %zu as planned", at + 1,
			   plan->count);
}

static int compare_layers(struct comparison *seen, const char *text, size_t size)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at <= size;) {
		const char *colon = memchr(text + at, ':', size - at);
		size_t length = colon ? (size_t)(colon - text) - at : size - at;

		r = compare_layer(seen, text + at, length);
		at += length + 1;
	}
	return r;
}

static int compare_option(struct comparison *seen, const char *text, size_t size)
{
	size_t key = (size_t)((const char *)memchr(text, '=', size) - text);
	const char *value = text + key + 1;
	struct overlay_stack_option option;

	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		if (strlen(options[i].key) != key ||
		    memcmp(options[i].key, text, key) != 0)
			continue;
		if (!overlay_stack_option_at(seen->plan, i, &option) ||
		    strlen(option.value) != size - key - 1 ||
		    memcmp(option.value, value, size - key - 1) != 0)
			return verity_fail(seen->err, VERITY_E_STACK,
					   "the kernel mounted the stack with %.*s",
					   (int)size, text);
		seen->upper |= strcmp(option.key, "upperdir") == 0;
		seen->work |= strcmp(option.key, "workdir") == 0;
	}
	return 0;
}

static int compare_word(struct comparison *seen, const char *text, size_t size)
{
	static const char all[] = "lowerdir=", one[] = "lowerdir+=";

	if (size >= strlen(all) && memcmp(text, all, strlen(all)) == 0)
		return compare_layers(seen, text + strlen(all), size - strlen(all));
	if (size >= strlen(one) && memcmp(text, one, strlen(one)) == 0)
		return compare_layer(seen, text + strlen(one), size - strlen(one));
	return memchr(text, '=', size) ? compare_option(seen, text, size) : 0;
}

int overlay_stack_compare(const struct overlay_stack_plan *plan,
			  const char *options_shown, struct verity_error *err)
{
	struct comparison seen = {.plan = plan, .err = err};
	const char *at = options_shown;
	int r = 0;

	/* as where the kernel could not use the work folder */
	if (plan->writable && strncmp(at, "ro", 2) == 0 && strchr(",", at[2]))
		return verity_fail(err, VERITY_E_STACK,
				   "the kernel mounted the stack read-only; its log may "
				   "say why");

	while (r == 0 && *at) {
		size_t size = strcspn(at, ",");

		r = compare_word(&seen, at, size);
		at += size + (at[size] == ',');
	}
	if (r < 0)
		return r;
	if (seen.layers < plan->count)
		return verity_fail(err, VERITY_E_STACK,
				   "the kernel did not stack layer %zu of %zu as planned",
				   seen.layers + 1, plan->count);
	if (seen.upper != plan->writable || seen.work != plan->writable)
		return verity_fail(err, VERITY_E_STACK,
				   "the kernel mounted the stack without its upper");
	return 0;
}
