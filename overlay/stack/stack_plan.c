/* SPDX-License-Identifier: MIT */
/* Names layers, writes mount options, and compares those that the kernel shows. */
#include "overlay/stack/stack_plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/text.h"

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
		return verity_no_memory(err);
	if (parts->engine)
		add(&plan, OVERLAY_STACK_ENGINE);
	for (size_t i = 1; i <= parts->packages; i++)
		if (!parts->left_out || !parts->left_out[i - 1])
			add(&plan, "%zu", i);
	if (parts->root)
		add(&plan, OVERLAY_STACK_ROOT);
	while (plan.count < (parts->writable ? 1 : 2))
		add(&plan, OVERLAY_STACK_EMPTY);
	*ret = plan;
	return 0;
}

const struct overlay_stack_option *overlay_stack_option_at(
	const struct overlay_stack_plan *plan, size_t index)
{
	return index < OPTIONS_COUNT - (plan->writable ? 0 : OPTIONS_WRITING)
		       ? &options[index]
		       : NULL;
}

int overlay_stack_options(const struct overlay_stack_plan *plan, size_t max, char **ret,
			  struct verity_error *err)
{
	const struct overlay_stack_option *option;
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	for (size_t i = 0; stream && i < plan->count; i++)
		fprintf(stream, "%s%s", i ? ":" : "lowerdir=", plan->names[i]);
	for (size_t i = 0; stream && (option = overlay_stack_option_at(plan, i)); i++)
		fprintf(stream, ",%s=%s", option->key, option->value);
	if (!verity_text_end(stream, &text))
		return verity_no_memory(err);
	if (size >= max)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "the mount options of %zu layers are longer "
				   "than the %zu bytes that this kernel takes",
				   plan->count, max - 1);
	*ret = steal_ptr(&text);
	return 0;
}

/* @seen: layers so far; raised */
static int compare_layer(const struct overlay_stack_plan *plan, const char *name,
			 size_t *seen, struct verity_error *err)
{
	size_t at = (*seen)++;

	if (at >= plan->count)
		return verity_fail(err, VERITY_E_STACK,
				   "the kernel stacked more than the %zu layers planned",
				   plan->count);
	if (strcmp(plan->names[at], name) == 0)
		return 0;
	return verity_fail(err, VERITY_E_STACK,
			   "the kernel did not stack layer %zu of %zu as planned", at + 1,
			   plan->count);
}

/* @seen: options for writing so far; raised. What the plan does not name may be any. */
static int compare_option(const struct overlay_stack_plan *plan, const char *key,
			  const char *value, size_t *seen, struct verity_error *err)
{
	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		if (strcmp(options[i].key, key) != 0)
			continue;
		if (!overlay_stack_option_at(plan, i) ||
		    strcmp(options[i].value, value) != 0)
			return verity_fail(err, VERITY_E_STACK,
					   "the kernel mounted the stack with %s=%s", key,
					   value);
		*seen += i >= OPTIONS_COUNT - OPTIONS_WRITING;
	}
	return 0;
}

int overlay_stack_compare(const struct overlay_stack_plan *plan,
			  const char *options_shown, struct verity_error *err)
{
	cleanup_free char *copy = strdup(options_shown);
	char *rest = copy, *word, *value, *name;
	size_t layers = 0, writing = 0;
	int r = 0;

	if (!copy)
		return verity_no_memory(err);
	while (r == 0 && (word = strsep(&rest, ","))) {
		value = word;
		strsep(&value, "=");
		/* as where the kernel could not use the work folder */
		if (word == copy && plan->writable && strcmp(word, "ro") == 0)
			return verity_fail(err, VERITY_E_STACK,
					   "the kernel mounted the stack read-only; its "
					   "log may say why");
		if (!value)
			continue;
		if (strcmp(word, "lowerdir+") == 0)
			r = compare_layer(plan, value, &layers, err);
		else if (strcmp(word, "lowerdir") == 0)
			while (r == 0 && (name = strsep(&value, ":")))
				r = compare_layer(plan, name, &layers, err);
		else
			r = compare_option(plan, word, value, &writing, err);
	}
	if (r < 0)
		return r;
	if (layers < plan->count)
		return verity_fail(err, VERITY_E_STACK,
				   "the kernel did not stack layer %zu of %zu as planned",
				   layers + 1, plan->count);
	if (writing != (plan->writable ? OPTIONS_WRITING : 0))
		return verity_fail(err, VERITY_E_STACK,
				   "the kernel mounted the stack without its upper");
	return 0;
}
