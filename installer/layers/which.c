/* SPDX-License-Identifier: MIT */

/* Follows a path through a stack, and finds which layers supply it. */

#include "installer/layers/which.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "overlay/fs/open_beneath.h"
#include "overlay/fs/walk_links.h"
#include "overlay/stack/stack.h"
#include "verity/util/cleanup.h"

void which_free(struct which_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		free(answer->steps[i].merged.layers);
		free(answer->steps[i].covers.layers);
	}
	free(answer->steps);
	*answer = (struct which_answer){0};
}

/* @r of the functions of overlay/fs/walk_links.h */
static int fail_walk(int r, const struct overlay_walk *walk, struct verity_error *err)
{
	return r < 0 ? verity_fail_errno(err, -r, "/%.128s%s", walk->path,
					 r == -ENAMETOOLONG ? "..." : "")
		     : r;
}

/* To the last name ahead, through all links but that one. */
static int walk_to_last(const struct stacks *stacks, const struct package_stack *stack,
			struct overlay_walk *walk, struct verity_error *err)
{
	struct overlay_lookup_result view;
	char target[PATH_MAX];
	int r;

	while ((r = overlay_walk_next(walk)) > 0 && !overlay_walk_is_last(walk)) {
		r = overlay_lookup_find(&stack->lookup, 0, walk->path, &view, NULL, err);
		if (r < 0)
			return r;
		if (view.status != OVERLAY_LOOKUP_PRESENT ||
		    view.kind != OVERLAY_CONTENTS_LINK)
			continue;
		r = stacks_link_target(stacks, &view, walk->path, target, err);
		if (r < 0)
			return r;
		r = overlay_walk_follow(walk, target);
		if (r < 0)
			break;
	}
	return r < 0 ? fail_walk(r, walk, err) : 0;
}

static bool is_firmware(const struct package_stack *stack, size_t layer)
{
	return stacks_owner(stack, layer) == NULL;
}

/* The layer on top and the one at the bottom are both the firmware's. */
static void add_layer(const struct package_stack *stack, struct which_layers *to,
		      size_t layer)
{
	for (size_t i = 0; i < to->count; i++)
		if (is_firmware(stack, layer) && is_firmware(stack, to->layers[i]))
			return;
	to->layers[to->count++] = layer;
}

/* What would be seen without the layers that are on top now, and so on down. */
static int find_covered(const struct package_stack *stack, size_t from,
			struct which_step *step, struct verity_error *err)
{
	struct overlay_lookup_result view;
	int r = 0;

	for (; from <= stack->lookup.count; from = view.layer + 1) {
		r = overlay_lookup_find(&stack->lookup, from, step->path, &view, NULL,
					err);
		if (r < 0 || view.status != OVERLAY_LOOKUP_PRESENT)
			break;
		if (!is_firmware(stack, view.layer) ||
		    !is_firmware(stack, step->view.layer))
			add_layer(stack, &step->covers, view.layer);
	}
	return r;
}

static int look(const struct stacks *stacks, const struct package_stack *stack,
		struct which_step *step, struct verity_error *err)
{
	size_t layers = stack->lookup.count + 1;
	cleanup_free bool *merged = calloc(layers, sizeof(*merged));
	size_t last;
	int r;

	step->merged.layers = calloc(layers, sizeof(size_t));
	step->covers.layers = calloc(layers, sizeof(size_t));
	if (!merged || !step->merged.layers || !step->covers.layers)
		return verity_no_memory(err);
	r = overlay_lookup_find(&stack->lookup, 0, step->path, &step->view, merged, err);
	if (r < 0 || step->view.status == OVERLAY_LOOKUP_ABSENT)
		return r;
	if (step->view.status != OVERLAY_LOOKUP_PRESENT)
		return overlay_lookup_find(&stack->lookup, step->view.layer + 1,
					   step->path, &step->below, NULL, err);
	if (step->view.kind == OVERLAY_CONTENTS_LINK)
		r = stacks_link_target(stacks, &step->view, step->path, step->target,
				       err);
	if (r < 0)
		return r;
	last = step->view.layer;
	for (size_t i = 0; i < layers; i++)
		if (merged[i]) {
			add_layer(stack, &step->merged, i);
			last = i;
		}
	return find_covered(stack, last + 1, step, err);
}

int which_find(const struct stacks *stacks, const struct package_stack *stack,
	       const char *path, struct which_answer *ret, struct verity_error *err)
{
	cleanup_with(which_free) struct which_answer answer = {0};
	struct overlay_walk walk;
	int r = overlay_walk_begin(&walk, path, WHICH_LINKS_MAX);

	if (r < 0)
		return verity_fail_errno(err, -r, "%.128s...", path);
	for (bool more = true; r == 0 && more;) {
		struct which_step *steps = reallocarray(answer.steps, answer.count + 1,
							sizeof(*answer.steps));
		struct which_step *step;

		if (!steps)
			return verity_no_memory(err);
		answer.steps = steps;
		r = walk_to_last(stacks, stack, &walk, err);
		if (r < 0)
			return r;
		step = &answer.steps[answer.count++];
		*step = (struct which_step){0};
		strcpy(step->path, walk.path);
		r = look(stacks, stack, step, err);
		more = r == 0 && step->target[0] != '\0';
		if (more)
			r = fail_walk(overlay_walk_follow(&walk, step->target), &walk,
				      err);
	}
	if (r < 0)
		return r;
	*ret = answer;
	answer = (struct which_answer){0};
	return 0;
}

int which_absolute(const char *path, char **ret, struct verity_error *err)
{
	cleanup_free char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);
	char *whole = NULL;

	if (path[0] != '/' && !folder)
		return verity_fail_errno(err, errno, "the current folder");
	if (asprintf(&whole, "%s%s%s", folder ? folder : "", folder ? "/" : "", path) < 0)
		return verity_no_memory(err);
	*ret = whole;
	return 0;
}

/* The first folder or file below @top on the way to @place that is mounted on. */
static int find_mount(const struct stacks *stacks, char place[static PATH_MAX],
		      size_t top, bool *ret, struct verity_error *err)
{
	char after = place[top];
	cleanup_fd int fd = -1;

	*ret = false;
	place[top] = '\0';
	fd = open(place, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : verity_fail_errno(err, errno, "%s", place);
	place[top] = after;
	for (char *end = place + top; *end;) {
		const char *rest = place + top + strspn(place + top, "/");
		const struct overlay_contents_entry *entry;
		cleanup_fd int found = -1;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		after = *end;
		*end = '\0';
		found = overlay_open_at(fd, rest, O_PATH | O_NOFOLLOW, RESOLVE_NO_XDEV);
		/* The mounts that protect the files of the engine belong to the stack. */
		entry = overlay_contents_find(&stacks->engine, place + 1);
		*ret = found == -EXDEV &&
		       (!entry || entry->kind == OVERLAY_CONTENTS_FOLDER);
		if (*ret)
			return 0;
		*end = after;
	}
	return 0;
}

int which_mounted(const struct stacks *stacks, const char *path,
		  char ret[static PATH_MAX], struct verity_error *err)
{
	char place[PATH_MAX];
	bool stacked = false, found = false;
	const char *rest;
	size_t top = 1; /* "/" */
	int r = overlay_stack_is_at("/", &stacked, err);

	if (r < 0)
		return r;
	for (size_t i = 0; !stacked && i < stacks->firmware.count; i++) {
		snprintf(place, sizeof(place), "/%s", stacks->hierarchies[i]);
		(void)!overlay_stack_is_at(place, &stacked, err);
	}
	ret[0] = '\0';
	/* / is the stack of this boot, or the firmware where nothing is stacked. */
	if ((stacks->stacked && !stacked) || !path[0] ||
	    snprintf(place, sizeof(place), "/%s", path) >= (int)sizeof(place))
		return 0;
	/* A hierarchy may be a mount of its own: then the search starts there. */
	if (overlay_firmware_at(&stacks->firmware, path, &rest) != stacks->firmware.root)
		top = (size_t)(rest - path) + (*rest ? 0 : 1);
	r = find_mount(stacks, place, top, &found, err);
	if (r == 0 && found)
		strcpy(ret, place);
	return r;
}
