/* SPDX-License-Identifier: MIT */
#include "installer/commands/which.h"

#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "verity/util/cleanup.h"

static void which_free_p(struct which *which)
{
	which_free(&which->now);
	which_free(&which->next);
	layering_free(which->layering);
}

static void print_owner(FILE *out, const struct layering_stack *stack, size_t layer)
{
	const struct layering_package *owner = layering_owner(stack, layer);

	if (!owner) {
		fputs("the firmware", out);
		return;
	}
	fprintf(out, "%s %s", owner->entry.name, owner->version);
	if (strcmp(owner->identity, owner->entry.name) != 0)
		fprintf(out, " (identity %s)", owner->identity);
}

/* "a 1.0, b 2.0 and the firmware" */
static void print_owners(FILE *out, const struct layering_stack *stack,
			 const struct which_layers *layers)
{
	for (size_t i = 0; i < layers->count; i++) {
		if (i)
			fputs(i + 1 < layers->count ? ", " : " and ", out);
		print_owner(out, stack, layers->layers[i]);
	}
}

static const char *kind_word(enum overlay_contents_kind kind)
{
	switch (kind) {
	case OVERLAY_CONTENTS_FOLDER:
	case OVERLAY_CONTENTS_OPAQUE:
		return "folder";
	case OVERLAY_CONTENTS_LINK:
		return "link";
	case OVERLAY_CONTENTS_FILE:
		return "file";
	default:
		return "device, pipe or socket";
	}
}

static void print_present(FILE *out, const struct layering_stack *stack,
			  const struct which_step *step)
{
	fputs(kind_word(step->view.kind), out);
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
		fputs(" (redirected: what is seen is up to the kernel)", out);
	if (step->covers.count) {
		fputs("\n  covers: ", out);
		print_owners(out, stack, &step->covers);
	}
}

/* The layer on top is the firmware's word on what no package may have. */
static void print_absent(FILE *out, const struct layering_stack *stack,
			 const struct which_step *step)
{
	static const char *const words[] = {
		[OVERLAY_SHADOW_DELETED] = "deleted by",
		[OVERLAY_SHADOW_HIDDEN] = "hidden by a folder of",
		[OVERLAY_SHADOW_BLOCKED] = "not there: above it is no folder in",
		[OVERLAY_SHADOW_ABSENT] = "not there",
	};

	fputs(words[step->view.fate], out);
	if (step->view.fate == OVERLAY_SHADOW_ABSENT)
		return;
	fputc(' ', out);
	if (layering_owner(stack, step->view.layer))
		print_owner(out, stack, step->view.layer);
	else
		fputs("the activation engine", out);
	if (step->below.fate != OVERLAY_SHADOW_PRESENT)
		return;
	fprintf(out, " (%s of ", kind_word(step->below.kind));
	print_owner(out, stack, step->below.layer);
	fputc(')', out);
}

static void print_answer(FILE *out, const struct layering_stack *stack,
			 const struct which_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		const struct which_step *step = &answer->steps[i];

		fputc('/', out);
		report_plain(out, step->path);
		fputs(": ", out);
		if (step->view.fate == OVERLAY_SHADOW_PRESENT)
			print_present(out, stack, step);
		else
			print_absent(out, stack, step);
		fputc('\n', out);
	}
}

static char *answer_text(const struct layering_stack *stack,
			 const struct which_answer *answer)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_answer(out, stack, answer);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void print_unknown(const struct layering *layering)
{
	for (size_t i = 0; i < layering->unknown_count; i++) {
		const struct layering_unknown *unknown = &layering->unknown[i];

		printf("Not known: what %s%s%s has: ", unknown->name,
		       unknown->version[0] ? " " : "", unknown->version);
		report_plain(stdout, unknown->why.message);
		putchar('\n');
	}
}

static bool is_absent(const struct which_answer *answer)
{
	return answer->steps[0].view.fate == OVERLAY_SHADOW_ABSENT;
}

static int print_both(const struct which *which, struct verity_error *err)
{
	cleanup_free char *now = answer_text(&which->layering->now, &which->now);
	cleanup_free char *next = answer_text(&which->layering->next, &which->next);

	if (!now || !next)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (is_absent(&which->now) && is_absent(&which->next)) {
		print_unknown(which->layering);
		return 0;
	}
	fputs(now, stdout);
	if (strcmp(now, next) != 0)
		printf("After reboot:\n%s", next);
	print_unknown(which->layering);
	return 0;
}

/* What was typed may lead somewhere else, which is what is looked at. */
static void print_way(const struct which *which)
{
	const char *seen = which->now.steps[0].path;

	if (strcmp(seen, which->path + 1) == 0)
		return;
	report_plain(stdout, which->path);
	fputs(" is /", stdout);
	report_plain(stdout, seen);
	putchar('\n');
}

static int print_text(const struct which *which, struct verity_error *err)
{
	if (!is_absent(&which->now) || which->mounted[0])
		print_way(which);
	if (!which->mounted[0])
		return print_both(which, err);
	putchar('/');
	report_plain(stdout, which->now.steps[0].path);
	fputs(": on another file system, which is mounted at ", stdout);
	report_plain(stdout, which->mounted);
	putchar('\n');
	return 0;
}

static int load(struct device *device, struct which *which, struct verity_error *err)
{
	int r = layering_load(device, NULL, false, &which->layering, err);

	if (r == 0)
		r = which_find(which->layering, &which->layering->now, which->path,
			       &which->now, err);
	if (r == 0)
		r = which_find(which->layering, &which->layering->next, which->path,
			       &which->next, err);
	if (r == 0)
		r = which_mounted(which->layering, which->now.steps[0].path,
				  which->mounted, err);
	return r;
}

static int run(struct device *device, const char *typed, bool json,
	       struct verity_error *err)
{
	cleanup_with(which_free_p) struct which which = {0};
	cleanup_free char *path = NULL;
	int r = which_absolute(typed, &path, err);

	which.path = path;
	if (r == 0)
		r = load(device, &which, err);
	if (r == 0)
		r = json ? which_json(&which, err) : print_text(&which, err);
	if (r == 0 && !which.mounted[0] && is_absent(&which.now) &&
	    is_absent(&which.next))
		r = verity_fail(err, VERITY_E_NOT_FOUND,
				"%s: not there: neither the firmware nor an active "
				"package has it",
				path);
	return r;
}

enum exit_status command_which(struct device *device, const struct words *words)
{
	struct verity_error err;

	if (run(device, words->values[WORD_PATH], words_has(words, WORD_JSON), &err) < 0)
		return report_error(NULL, &err);
	return report_output();
}
