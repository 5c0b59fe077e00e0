/* SPDX-License-Identifier: MIT */

/* `wmopkg which`: what supplies a path, now and after a reboot. */

#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/layers/changes.h"
#include "installer/layers/which.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define WHICH_FORMAT 1 /* of the JSON */

/* The answers for the stack that runs, and for the next. */
struct which {
	const char *path; /* from the root; borrowed */
	struct stacks *stacks;
	struct which_answer now, next;
	char mounted[PATH_MAX]; /* "": no other file system */
};

static void print_owner(FILE *out, const struct package_stack *stack, size_t layer)
{
	const struct stacks_package *owner = stacks_owner(stack, layer);

	if (!owner) {
		fputs("the firmware", out);
		return;
	}
	fprintf(out, "%s %s", owner->entry.name, owner->version);
	if (strcmp(owner->identity, owner->entry.name) != 0)
		fprintf(out, " (identity %s)", owner->identity);
}

/* "a 1.0, b 2.0 and the firmware" */
static void print_owners(FILE *out, const struct package_stack *stack,
			 const struct which_layers *layers)
{
	for (size_t i = 0; i < layers->count; i++) {
		if (i)
			fputs(i + 1 < layers->count ? ", " : " and ", out);
		print_owner(out, stack, layers->layers[i]);
	}
}

static const char *const kind_words[] = {
	[OVERLAY_CONTENTS_FILE] = "file",
	[OVERLAY_CONTENTS_FOLDER] = "folder",
	[OVERLAY_CONTENTS_OPAQUE] = "folder",
	[OVERLAY_CONTENTS_LINK] = "link",
	[OVERLAY_CONTENTS_WHITEOUT] = "device, pipe or socket",
	[OVERLAY_CONTENTS_SPECIAL] = "device, pipe or socket",
};

static void print_present(FILE *out, const struct package_stack *stack,
			  const struct which_step *step)
{
	fputs(kind_words[step->view.kind], out);
	if (step->target[0]) {
		fputs(" to ", out);
		report_plain(out, step->target);
		fputc(',', out);
	}
	fputs(" of ", out);
	if (step->merged.count)
		print_owners(out, stack, &step->merged);
	else
		print_owner(out, stack, step->view.layer);
	if (step->view.entry && step->view.entry->redirected)
		fputs(" (redirected: the kernel decides what is seen)", out);
	if (step->covers.count) {
		fputs("\n  covers: ", out);
		print_owners(out, stack, &step->covers);
	}
}

static void print_absent(FILE *out, const struct package_stack *stack,
			 const struct which_step *step)
{
	static const char *const words[] = {
		[OVERLAY_LOOKUP_DELETED] = "deleted by ",
		[OVERLAY_LOOKUP_HIDDEN] = "hidden by a folder of ",
		[OVERLAY_LOOKUP_BLOCKED] =
			"not there: a path above it is not a folder in ",
		[OVERLAY_LOOKUP_ABSENT] = "not there",
	};

	fputs(words[step->view.status], out);
	if (step->view.status == OVERLAY_LOOKUP_ABSENT)
		return;
	/* The layer on top keeps the files of the engine as the firmware has them. */
	if (stacks_owner(stack, step->view.layer))
		print_owner(out, stack, step->view.layer);
	else
		fputs("the activation engine", out);
	if (step->below.status != OVERLAY_LOOKUP_PRESENT)
		return;
	fprintf(out, " (%s of ", kind_words[step->below.kind]);
	print_owner(out, stack, step->below.layer);
	fputc(')', out);
}

/* NULL: out of memory. */
static char *answer_text(const struct package_stack *stack,
			 const struct which_answer *answer)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < answer->count; i++) {
		const struct which_step *step = &answer->steps[i];

		fputc('/', out);
		report_plain(out, step->path);
		fputs(": ", out);
		if (step->view.status == OVERLAY_LOOKUP_PRESENT)
			print_present(out, stack, step);
		else
			print_absent(out, stack, step);
		fputc('\n', out);
	}
	if (verity_text_end(out, &text))
		return text;
	free(text);
	return NULL;
}

static bool is_absent(const struct which_answer *answer)
{
	return answer->steps[0].view.status == OVERLAY_LOOKUP_ABSENT;
}

static int print_both(const struct which *which, struct verity_error *err)
{
	const struct stacks *stacks = which->stacks;
	cleanup_free char *now = answer_text(&stacks->now, &which->now);
	cleanup_free char *next = answer_text(&stacks->next, &which->next);

	if (!now || !next)
		return verity_no_memory(err);
	if (!is_absent(&which->now) || !is_absent(&which->next)) {
		fputs(now, stdout);
		if (strcmp(now, next) != 0)
			printf("After reboot:\n%s", next);
	}
	changes_print_unknown(stacks, false);
	return 0;
}

static int print_text(const struct which *which, struct verity_error *err)
{
	const char *seen = which->now.steps[0].path;

	/* What was typed may lead through links to another path. */
	if ((!is_absent(&which->now) || which->mounted[0]) &&
	    strcmp(seen, which->path + 1) != 0) {
		report_plain(stdout, which->path);
		fputs(" is /", stdout);
		report_plain(stdout, seen);
		putchar('\n');
	}
	if (!which->mounted[0])
		return print_both(which, err);
	putchar('/');
	report_plain(stdout, seen);
	fputs(": on another file system, which is mounted at ", stdout);
	report_plain(stdout, which->mounted);
	putchar('\n');
	return 0;
}

static void put_layers(struct verity_json_writer *json, const char *key,
		       const struct package_stack *stack,
		       const struct which_layers *layers)
{
	if (layers->count == 0)
		return;
	verity_json_open_list(json, key);
	for (size_t i = 0; i < layers->count; i++)
		changes_put_owner(json, NULL, stacks_owner(stack, layers->layers[i]));
	verity_json_close(json);
}

static void put_present(struct verity_json_writer *json,
			const struct package_stack *stack, const struct which_step *step)
{
	static const char *const kinds[] = {
		[OVERLAY_CONTENTS_FILE] = "file",
		[OVERLAY_CONTENTS_FOLDER] = "folder",
		[OVERLAY_CONTENTS_OPAQUE] = "folder",
		[OVERLAY_CONTENTS_LINK] = "link",
		[OVERLAY_CONTENTS_WHITEOUT] = "special",
		[OVERLAY_CONTENTS_SPECIAL] = "special",
	};

	verity_json_text(json, "kind", kinds[step->view.kind]);
	changes_put_owner(json, "owner", stacks_owner(stack, step->view.layer));
	verity_json_some_text(json, "target", step->target);
	put_layers(json, "merged", stack, &step->merged);
	put_layers(json, "covers", stack, &step->covers);
	if (step->view.entry && step->view.entry->redirected)
		verity_json_bool(json, "redirected", true);
}

static void put_answer(struct verity_json_writer *json, const char *key,
		       const struct package_stack *stack,
		       const struct which_answer *answer)
{
	static const char *const states[] = {
		[OVERLAY_LOOKUP_PRESENT] = "present",
		[OVERLAY_LOOKUP_DELETED] = "deleted",
		[OVERLAY_LOOKUP_HIDDEN] = "hidden",
		[OVERLAY_LOOKUP_BLOCKED] = "blocked",
		[OVERLAY_LOOKUP_ABSENT] = "absent",
	};

	verity_json_open_list(json, key);
	for (size_t i = 0; i < answer->count; i++) {
		const struct which_step *step = &answer->steps[i];

		verity_json_open(json, NULL);
		changes_put_path(json, "path", step->path);
		verity_json_text(json, "state", states[step->view.status]);
		if (step->view.status == OVERLAY_LOOKUP_PRESENT) {
			put_present(json, stack, step);
		} else if (step->view.status != OVERLAY_LOOKUP_ABSENT) {
			changes_put_owner(json, "by",
					  stacks_owner(stack, step->view.layer));
			if (step->below.status == OVERLAY_LOOKUP_PRESENT)
				changes_put_owner(json, "of",
						  stacks_owner(stack, step->below.layer));
		}
		verity_json_close(json);
	}
	verity_json_close(json);
}

static int print_json(const struct which *which, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	const struct stacks *stacks = which->stacks;

	verity_json_int(&json, "format", WHICH_FORMAT);
	verity_json_text(&json, "path", which->path);
	verity_json_some_text(&json, "mounted", which->mounted);
	put_answer(&json, "now", &stacks->now, &which->now);
	put_answer(&json, "after_reboot", &stacks->next, &which->next);
	changes_put_unknown(&json, stacks);
	return verity_json_print(&json, stdout, err);
}

enum exit_status command_which(struct device *device, const struct words *words)
{
	struct which which = {0};
	cleanup_free char *path = NULL;
	struct verity_error err;
	int r = which_absolute(words->values[WORD_PATH], &path, &err);

	which.path = path;
	if (r == 0)
		r = stacks_load(device, NULL, STACKS_WHOLE, &which.stacks, &err);
	if (r == 0)
		r = which_find(which.stacks, &which.stacks->now, path, &which.now, &err);
	if (r == 0)
		r = which_find(which.stacks, &which.stacks->next, path, &which.next,
			       &err);
	if (r == 0)
		r = which_mounted(which.stacks, which.now.steps[0].path, which.mounted,
				  &err);
	if (r == 0)
		r = words_has(words, WORD_JSON) ? print_json(&which, &err)
						: print_text(&which, &err);
	if (r == 0 && !which.mounted[0] && is_absent(&which.now) &&
	    is_absent(&which.next))
		r = verity_fail(&err, VERITY_E_NOT_FOUND,
				"%s: not there: neither the firmware nor an active "
				"package has it",
				path);
	which_free(&which.now);
	which_free(&which.next);
	stacks_free(which.stacks);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
