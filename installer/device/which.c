/* SPDX-License-Identifier: MIT */
#include "installer/device/which.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "overlay/fs/protect.h"
#include "overlay/stack/stack.h"
#include "verity/util/cleanup.h"

/* A way down from the root: what was walked, and what is still to be. */
struct way {
	char walked[PATH_MAX]; /* no links in it; "" is the root */
	char ahead[2 * PATH_MAX + 2];
	unsigned links;
};

void which_free(struct which_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		free(answer->steps[i].merged.layers);
		free(answer->steps[i].covers.layers);
	}
	free(answer->steps);
	*answer = (struct which_answer){0};
}

static void go_up(struct way *way)
{
	char *slash = strrchr(way->walked, '/');

	*(slash ? slash : way->walked) = '\0';
}

/* The next name of @ahead onto @walked; *ret_more: there are more to come. */
static int go_on(struct way *way, bool *ret_more, struct verity_error *err)
{
	size_t used = strlen(way->walked);
	char *start = way->ahead + strspn(way->ahead, "/");
	size_t size = strcspn(start, "/");
	int n = 0;

	if (size == 2 && strncmp(start, "..", 2) == 0)
		go_up(way);
	else if (size > 1 || (size == 1 && *start != '.'))
		n = snprintf(way->walked + used, sizeof(way->walked) - used, "%s%.*s",
			     used ? "/" : "", (int)size, start);
	if (n < 0 || (size_t)n >= sizeof(way->walked) - used)
		return verity_fail_errno(err, ENAMETOOLONG, "/%.128s...", way->walked);
	start += size;
	start += strspn(start, "/");
	*ret_more = *start != '\0';
	memmove(way->ahead, start, strlen(start) + 1);
	return 0;
}

static int read_target(const struct layering *layering,
		       const struct overlay_lookup_result *view, const char *path,
		       char ret[static PATH_MAX], struct verity_error *err)
{
	if (!view->entry)
		return layering_target(layering, path, ret, err);
	snprintf(ret, PATH_MAX, "%s", view->entry->target);
	return 0;
}

static int follow(struct way *way, const char *target, struct verity_error *err)
{
	cleanup_free char *rest = strdup(way->ahead);

	if (!rest)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (++way->links > WHICH_LINKS_MAX)
		return verity_fail_errno(err, ELOOP, "/%.128s", way->walked);
	if (snprintf(way->ahead, sizeof(way->ahead), "%s/%s", target, rest) >=
	    (int)sizeof(way->ahead))
		return verity_fail_errno(err, ENAMETOOLONG, "/%.128s", way->walked);
	if (target[0] == '/')
		way->walked[0] = '\0';
	else
		go_up(way);
	return 0;
}

/* To the last name of @ahead, through all links but that one. */
static int walk(const struct layering *layering, const struct layering_stack *stack,
		struct way *way, struct verity_error *err)
{
	struct overlay_lookup_result view;
	char target[PATH_MAX];
	bool more = true;
	int r = 0;

	while (r == 0 && more) {
		r = go_on(way, &more, err);
		if (r < 0 || !more)
			break;
		r = overlay_lookup_find(&stack->shadow, 0, way->walked, &view, NULL, err);
		if (r < 0 || view.status != OVERLAY_LOOKUP_PRESENT ||
		    view.kind != OVERLAY_CONTENTS_LINK)
			continue;
		r = read_target(layering, &view, way->walked, target, err);
		if (r == 0)
			r = follow(way, target, err);
	}
	return r;
}

static bool is_firmware(const struct layering_stack *stack, size_t layer)
{
	return layering_owner(stack, layer) == NULL;
}

/* The layer on top and the one at the bottom are both the firmware's. */
static void add_layer(const struct layering_stack *stack, struct which_layers *to,
		      size_t layer)
{
	for (size_t i = 0; i < to->count; i++)
		if (is_firmware(stack, layer) && is_firmware(stack, to->layers[i]))
			return;
	to->layers[to->count++] = layer;
}

/* What would be seen without the layers above @from, and without those, and so on. */
static int find_covered(const struct layering_stack *stack, size_t from,
			struct which_step *step, struct verity_error *err)
{
	int r = 0;

	while (r == 0 && from <= stack->shadow.count) {
		struct overlay_lookup_result view;

		r = overlay_lookup_find(&stack->shadow, from, step->path, &view, NULL,
					err);
		if (r < 0 || view.status != OVERLAY_LOOKUP_PRESENT)
			break;
		if (!is_firmware(stack, view.layer) ||
		    !is_firmware(stack, step->view.layer))
			add_layer(stack, &step->covers, view.layer);
		from = view.layer + 1;
	}
	return r;
}

static int find_present(const struct layering_stack *stack, const bool *merged,
			struct which_step *step, struct verity_error *err)
{
	size_t last = step->view.layer;

	for (size_t i = 0; i <= stack->shadow.count; i++)
		if (merged[i]) {
			add_layer(stack, &step->merged, i);
			last = i;
		}
	return find_covered(stack, last + 1, step, err);
}

static int look(const struct layering *layering, const struct layering_stack *stack,
		struct which_step *step, struct verity_error *err)
{
	size_t layers = stack->shadow.count + 1;
	cleanup_free bool *merged = calloc(layers, sizeof(*merged));
	int r;

	step->merged.layers = calloc(layers, sizeof(size_t));
	step->covers.layers = calloc(layers, sizeof(size_t));
	if (!merged || !step->merged.layers || !step->covers.layers)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = overlay_lookup_find(&stack->shadow, 0, step->path, &step->view, merged, err);
	if (r < 0 || step->view.status == OVERLAY_LOOKUP_ABSENT)
		return r;
	if (step->view.status != OVERLAY_LOOKUP_PRESENT)
		return overlay_lookup_find(&stack->shadow, step->view.layer + 1,
					   step->path, &step->below, NULL, err);
	if (step->view.kind == OVERLAY_CONTENTS_LINK)
		r = read_target(layering, &step->view, step->path, step->target, err);
	return r < 0 ? r : find_present(stack, merged, step, err);
}

static int add_step(const struct layering *layering, const struct layering_stack *stack,
		    struct way *way, struct which_answer *answer,
		    struct verity_error *err)
{
	struct which_step *grown =
		reallocarray(answer->steps, answer->count + 1, sizeof(*answer->steps));
	struct which_step *step;
	int r = walk(layering, stack, way, err);

	if (!grown)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	answer->steps = grown;
	if (r < 0)
		return r;
	step = &answer->steps[answer->count++];
	*step = (struct which_step){0};
	strcpy(step->path, way->walked);
	return look(layering, stack, step, err);
}

int which_find(const struct layering *layering, const struct layering_stack *stack,
	       const char *path, struct which_answer *ret, struct verity_error *err)
{
	cleanup_with(which_free) struct which_answer answer = {0};
	struct way way = {.links = 0};
	int r = 0;

	if (snprintf(way.ahead, sizeof(way.ahead), "%s", path) >= PATH_MAX)
		return verity_fail_errno(err, ENAMETOOLONG, "%.128s...", path);
	for (bool more = true; r == 0 && more;) {
		const char *target;

		r = add_step(layering, stack, &way, &answer, err);
		if (r < 0)
			break;
		target = answer.steps[answer.count - 1].target;
		more = *target != '\0';
		if (more)
			r = follow(&way, target, err);
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
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = whole;
	return 0;
}

/* Whether / is the root of what this boot has stacked, or of the firmware alone. */
static int is_running(const struct layering *layering, bool *ret,
		      struct verity_error *err)
{
	bool stacked = false;
	char place[PATH_MAX];
	int r = overlay_stack_is_at("/", &stacked, err);

	for (size_t i = 0; r == 0 && !stacked && i < layering->firmware.count; i++) {
		snprintf(place, sizeof(place), "/%s", layering->hierarchies[i]);
		(void)!overlay_stack_is_at(place, &stacked, err);
	}
	if (r == 0)
		*ret = !layering->stacked || stacked;
	return r;
}

/* A hierarchy may be a mount by itself; what lies in it is looked for from there. */
static size_t top_of(const struct layering *layering, const char *path)
{
	const char *rest;
	int fd = overlay_firmware_at(&layering->firmware, path, &rest);

	if (fd == layering->firmware.root)
		return 1; /* "/" */
	return (size_t)(rest - path) + (*rest ? 0 : 1);
}

static bool is_mounted_on(int top, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV,
	};
	cleanup_fd int fd = (int)syscall(SYS_openat2, top, path, &how, sizeof(how));

	return fd < 0 && errno == EXDEV;
}

/* The copies that keep the engine's files what they are belong to the stack. */
static bool is_mounted(int top, const char *place, const char *rest)
{
	return is_mounted_on(top, rest) && !overlay_protected_path(place);
}

/* The first folder or file below @top on the way that is mounted on. */
static int find_mount(char place[static PATH_MAX], size_t top, bool *ret,
		      struct verity_error *err)
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
		end += strspn(end, "/");
		end += strcspn(end, "/");
		after = *end;
		*end = '\0';
		*ret = is_mounted(fd, place, place + top + strspn(place + top, "/"));
		if (*ret)
			return 0;
		*end = after;
	}
	return 0;
}

int which_mounted(const struct layering *layering, const char *path,
		  char ret[static PATH_MAX], struct verity_error *err)
{
	char place[PATH_MAX];
	bool running = false, found = false;
	int r = is_running(layering, &running, err);

	if (r < 0)
		return r;
	ret[0] = '\0';
	if (!running || !path[0] ||
	    snprintf(place, sizeof(place), "/%s", path) >= (int)sizeof(place))
		return 0;
	r = find_mount(place, top_of(layering, path), &found, err);
	if (r == 0 && found)
		strcpy(ret, place);
	return r;
}
