/* SPDX-License-Identifier: MIT */
/* Needs and conflicts between packages, as a graph of those that would be active. */
#include "overlay/store/relations.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/text.h"
#include "verity/util/version.h"

#define NONE SIZE_MAX

/*
 * A package that loses a conflict takes with it those that need it; what lost to one of
 * these is asked again, in another round. Two are enough for packages that are meant to
 * work together. After so many the answer is taken as it is: nothing in it conflicts or
 * lacks a need, but one package more could have been active.
 */
#define ROUNDS 16

/* An edge of the graph, from one package to another. */
struct pair {
	size_t from, to;
	bool named; /* of a conflict: @from names @to */
};

/* Edges by the package that they start from. */
struct edges {
	struct pair *pairs; /* owned; sorted by .from */
	size_t *first;      /* owned; of each package, and their number behind the last */
	size_t count;
};

struct graph {
	struct overlay_related *items; /* borrowed */
	size_t count;
	size_t *names;           /* owned; indices by identity, an active one first */
	struct edges dependents; /* from what is needed to what needs it */
	struct edges rivals;     /* of a conflict, from either to the other */
	bool *in;                /* owned; would be active, as far as is known */
	bool *stays;             /* owned; for drop_rivals() */
	bool *doubtful;          /* owned; for drop_dependents() */
	bool *fallen;            /* owned; lacks a need, for good */
	size_t fallen_count;
	size_t *root; /* owned; of what has fallen: the first of those that fell for it */
	size_t *stack;                /* owned; for spread() */
	struct verity_error *reasons; /* owned */
};

static void graph_free(struct graph *graph)
{
	free(graph->names);
	free(graph->dependents.pairs);
	free(graph->dependents.first);
	free(graph->rivals.pairs);
	free(graph->rivals.first);
	free(graph->in);
	free(graph->stays);
	free(graph->doubtful);
	free(graph->fallen);
	free(graph->root);
	free(graph->stack);
	free(graph->reasons);
}

static int compare_names(const void *a, const void *b)
{
	const struct overlay_related *left = *(const struct overlay_related *const *)a;
	const struct overlay_related *right = *(const struct overlay_related *const *)b;
	int order = strcmp(left->identity, right->identity);

	if (order)
		return order;
	if (left->active != right->active)
		return left->active ? -1 : 1;
	if (left->entry.kind != right->entry.kind)
		return left->entry.kind == OVERLAY_PERSISTENT ? -1 : 1;
	return strcmp(left->entry.name, right->entry.name);
}

static int sort_names(struct graph *graph, struct verity_error *err)
{
	cleanup_free const struct overlay_related **sorted =
		calloc(graph->count, sizeof(*sorted));

	if (!sorted)
		return verity_no_memory(err);
	for (size_t i = 0; i < graph->count; i++)
		sorted[i] = &graph->items[i];
	qsort(sorted, graph->count, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < graph->count; i++)
		graph->names[i] = (size_t)(sorted[i] - graph->items);
	return 0;
}

/* The active package of this identity, else one that is not; NONE: there is none. */
static size_t find(const struct graph *graph, const char *identity)
{
	size_t low = 0, high = graph->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(graph->items[graph->names[middle]].identity, identity) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == graph->count ||
	    strcmp(graph->items[graph->names[low]].identity, identity) != 0)
		return NONE;
	return graph->names[low];
}

static bool is_late_enough(const struct overlay_related *item,
			   const struct verity_need *need)
{
	return !need->version[0] ||
	       verity_version_compare(item->version, need->version) >= 0;
}

/* The package that this need is met by while it is active; NONE: nothing meets it. */
static size_t find_met(const struct graph *graph, const struct verity_need *need)
{
	size_t found = find(graph, need->name);

	return found != NONE && graph->items[found].active &&
			       is_late_enough(&graph->items[found], need)
		       ? found
		       : NONE;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *left = a, *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	return (left->to > right->to) - (left->to < right->to);
}

static void index_pairs(struct edges *edges, size_t count)
{
	size_t at = 0;

	if (edges->count > 1)
		qsort(edges->pairs, edges->count, sizeof(*edges->pairs), compare_pairs);
	for (size_t i = 0; i <= count; i++) {
		while (at < edges->count && edges->pairs[at].from < i)
			at++;
		edges->first[i] = at;
	}
}

/* What has an unmet need from the beginning gets no edge for it. */
static void add_pairs(struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		const struct verity_manifest *manifest = graph->items[i].manifest;

		for (size_t k = 0; graph->in[i] && k < manifest->needs_count; k++) {
			size_t to = find_met(graph, &manifest->needs[k]);

			if (to != NONE)
				graph->dependents.pairs[graph->dependents.count++] =
					(struct pair){to, i, false};
		}
		for (size_t k = 0; graph->in[i] && k < manifest->conflicts_count; k++) {
			size_t to = find(graph, manifest->conflicts[k]);
			struct pair *next = &graph->rivals.pairs[graph->rivals.count];

			if (to == NONE || !graph->in[to])
				continue;
			next[0] = (struct pair){i, to, true};
			next[1] = (struct pair){to, i, false};
			graph->rivals.count += 2;
		}
	}
	index_pairs(&graph->dependents, graph->count);
	index_pairs(&graph->rivals, graph->count);
}

static int graph_make(struct overlay_related *items, size_t count, struct graph *ret,
		      struct verity_error *err)
{
	size_t needs = 0, conflicts = 0;

	for (size_t i = 0; i < count; i++) {
		if (!items[i].active)
			continue;
		needs += items[i].manifest->needs_count;
		conflicts += items[i].manifest->conflicts_count;
	}
	*ret = (struct graph){
		.items = items,
		.count = count,
		.names = calloc(count + 1, sizeof(*ret->names)),
		.dependents.pairs = calloc(needs + 1, sizeof(struct pair)),
		.dependents.first = calloc(count + 1, sizeof(size_t)),
		.rivals.pairs = calloc(2 * conflicts + 1, sizeof(struct pair)),
		.rivals.first = calloc(count + 1, sizeof(size_t)),
		.in = calloc(count + 1, sizeof(bool)),
		.stays = calloc(count + 1, sizeof(bool)),
		.doubtful = calloc(count + 1, sizeof(bool)),
		.fallen = calloc(count + 1, sizeof(bool)),
		.root = calloc(count + 1, sizeof(size_t)),
		.stack = calloc(count + 1, sizeof(size_t)),
		.reasons = calloc(count + 1, sizeof(*ret->reasons)),
	};
	if (!ret->names || !ret->dependents.pairs || !ret->dependents.first ||
	    !ret->rivals.pairs || !ret->rivals.first || !ret->in || !ret->stays ||
	    !ret->doubtful || !ret->fallen || !ret->root || !ret->stack || !ret->reasons)
		return verity_no_memory(err);
	for (size_t i = 0; i < count; i++)
		ret->in[i] = items[i].active;
	if (sort_names(ret, err) < 0)
		return verity_no_memory(err);
	add_pairs(ret);
	return 0;
}

static void find_depths(struct graph *graph)
{
	const struct edges *edges = &graph->dependents;
	bool changed = true;

	for (int pass = 0; changed && pass < OVERLAY_RELATIONS_DEPTH_MAX; pass++) {
		changed = false;
		for (size_t i = 0; i < edges->count; i++) {
			unsigned depth = graph->items[edges->pairs[i].from].depth + 1;
			struct overlay_related *to = &graph->items[edges->pairs[i].to];

			if (depth > OVERLAY_RELATIONS_DEPTH_MAX || depth <= to->depth)
				continue;
			to->depth = depth;
			changed = true;
		}
	}
}

/* A long chain would not fit in a message: only its two ends are in it. */
static void explain_chain(struct graph *graph, size_t index, size_t found,
			  const char *need, const char *as)
{
	size_t root = graph->root[found];

	graph->root[index] = root;
	verity_fail(&graph->reasons[index], VERITY_E_MISSING_NEED,
		    "it needs %s, which is not active%s: %s%s%s", need, as,
		    root == found ? "" : graph->items[root].entry.name,
		    root == found ? "" : ": ", graph->reasons[root].message);
}

/* Why the first need that is not met is not. */
static void explain_need(struct graph *graph, size_t index)
{
	const struct verity_manifest *manifest = graph->items[index].manifest;
	struct verity_error *why = &graph->reasons[index];
	const struct overlay_related *other;
	char need[VERITY_NEED_BYTES], as[VERITY_NAME_MAX + 32] = "";
	bool met = true, late_enough = false;
	size_t found = NONE;

	graph->root[index] = index;
	for (size_t i = 0; met && i < manifest->needs_count; i++) {
		verity_need_format(&manifest->needs[i], need);
		found = find(graph, manifest->needs[i].name);
		late_enough = found != NONE &&
			      is_late_enough(&graph->items[found], &manifest->needs[i]);
		met = late_enough && graph->in[found];
	}
	if (found == NONE) {
		verity_fail(why, VERITY_E_MISSING_NEED,
			    "it needs %s, which is not installed", need);
		return;
	}
	other = &graph->items[found];
	if (strcmp(other->entry.name, other->identity) != 0)
		verity_text_append(as, sizeof(as), " (installed as %s)",
				   other->entry.name);
	if (!late_enough)
		verity_fail(why, VERITY_E_MISSING_NEED,
			    "it needs %s, and %s has version %s%s", need, other->identity,
			    other->version, as);
	else if (!graph->fallen[found])
		verity_fail(why, VERITY_E_MISSING_NEED,
			    "it needs %s, which is not active%s: %s", need, as,
			    other->active ? graph->reasons[found].message
					  : other->reason->message);
	else
		explain_chain(graph, index, found, need, as);
}

static void fall(struct graph *graph, size_t index)
{
	graph->in[index] = false;
	graph->fallen[index] = true;
	graph->fallen_count++;
	explain_need(graph, index);
}

/* Leaves out what needs a package that is not in, and what needs that. */
static void spread(struct graph *graph, size_t index)
{
	const struct edges *edges = &graph->dependents;
	size_t count = 0;

	graph->stack[count++] = index;
	while (count > 0) {
		size_t at = graph->stack[--count];

		for (size_t i = edges->first[at]; i < edges->first[at + 1]; i++) {
			size_t to = edges->pairs[i].to;

			if (!graph->in[to])
				continue;
			fall(graph, to);
			graph->stack[count++] = to;
		}
	}
}

/* Those that lack a need from the beginning, or since the round before. */
static void drop_unmet(struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		const struct verity_manifest *manifest = graph->items[i].manifest;
		bool met = true;

		for (size_t k = 0; graph->in[i] && met && k < manifest->needs_count; k++)
			met = find_met(graph, &manifest->needs[k]) != NONE;
		if (!met)
			fall(graph, i);
	}
	for (size_t i = 0; i < graph->count; i++)
		if (graph->fallen[i])
			spread(graph, i);
}

/* A package in the order in which those that conflict stay. */
struct rank {
	const struct overlay_related *item;
	size_t index;
	bool names; /* a package that is like it in all that counts before this */
};

static bool is_alike(const struct overlay_related *a, const struct overlay_related *b)
{
	return a->trusted == b->trusted && a->entry.kind == b->entry.kind &&
	       a->good == b->good;
}

static int compare_ranks(const void *a, const void *b)
{
	const struct rank *left = a, *right = b;
	const struct overlay_related *l = left->item, *r = right->item;

	if (l->trusted != r->trusted)
		return l->trusted ? -1 : 1;
	if (l->entry.kind != r->entry.kind)
		return l->entry.kind == OVERLAY_PERSISTENT ? -1 : 1;
	if (l->good != r->good)
		return l->good ? -1 : 1;
	if (left->names != right->names)
		return left->names ? 1 : -1;
	if (l->manifest->priority != r->manifest->priority)
		return l->manifest->priority > r->manifest->priority ? -1 : 1;
	return strcmp(r->entry.name, l->entry.name);
}

static size_t rank_rivals(const struct graph *graph, struct rank *ret)
{
	const struct edges *edges = &graph->rivals;
	size_t count = 0;

	for (size_t i = 0; i < graph->count; i++) {
		struct rank rank = {&graph->items[i], i, false};

		if (!graph->in[i] || edges->first[i] == edges->first[i + 1])
			continue;
		for (size_t k = edges->first[i]; k < edges->first[i + 1]; k++) {
			const struct pair *pair = &edges->pairs[k];

			rank.names = rank.names ||
				     (pair->named && graph->in[pair->to] &&
				      is_alike(rank.item, &graph->items[pair->to]));
		}
		ret[count++] = rank;
	}
	if (count > 1)
		qsort(ret, count, sizeof(*ret), compare_ranks);
	return count;
}

static void explain_conflict(struct graph *graph, size_t index, size_t other)
{
	const struct edges *edges = &graph->rivals;
	const struct overlay_related *winner = &graph->items[other];
	bool named = false, names = false;

	for (size_t i = edges->first[index]; i < edges->first[index + 1]; i++) {
		if (edges->pairs[i].to != other)
			continue;
		names = names || edges->pairs[i].named;
		named = named || !edges->pairs[i].named;
	}
	verity_fail(&graph->reasons[index], VERITY_E_CONFLICT,
		    "it conflicts with the %s package '%s', version %s, which stays "
		    "active; this is in %s",
		    winner->entry.kind == OVERLAY_PERSISTENT ? "persistent" : "ordinary",
		    winner->entry.name, winner->version,
		    names && named ? "both manifests"
		    : names        ? "its own manifest"
				   : "the manifest of the other");
}

/* From the first of the line on, each stays unless a rival before it does. */
static void drop_rivals(struct graph *graph, struct rank *line)
{
	const struct edges *edges = &graph->rivals;
	size_t count = rank_rivals(graph, line);
	bool *stays = graph->stays;

	memset(stays, 0, graph->count * sizeof(*stays));
	for (size_t i = 0; i < count; i++) {
		size_t index = line[i].index, other = NONE;

		for (size_t k = edges->first[index];
		     other == NONE && k < edges->first[index + 1]; k++)
			if (stays[edges->pairs[k].to])
				other = edges->pairs[k].to;
		stays[index] = other == NONE;
		graph->in[index] = stays[index];
		if (other != NONE)
			explain_conflict(graph, index, other);
	}
}

static bool has_lost(const struct graph *graph, size_t index)
{
	return graph->items[index].active && !graph->in[index] && !graph->fallen[index];
}

/* What lacks a need if all that lost stay out. */
static void find_doubtful(struct graph *graph)
{
	const struct edges *edges = &graph->dependents;
	size_t count = 0;

	memset(graph->doubtful, 0, graph->count * sizeof(*graph->doubtful));
	for (size_t i = 0; i < graph->count; i++) {
		if (!has_lost(graph, i))
			continue;
		graph->stack[count++] = i;
		while (count > 0) {
			size_t at = graph->stack[--count];

			for (size_t k = edges->first[at]; k < edges->first[at + 1]; k++) {
				size_t to = edges->pairs[k].to;

				if (!graph->in[to] || graph->doubtful[to])
					continue;
				graph->doubtful[to] = true;
				graph->stack[count++] = to;
			}
		}
	}
}

/* Whether a package that lost did so only to others that may fall in this round. */
static bool may_return(const struct graph *graph, size_t index)
{
	const struct edges *edges = &graph->rivals;

	for (size_t i = edges->first[index]; i < edges->first[index + 1]; i++)
		if (graph->stays[edges->pairs[i].to] &&
		    !graph->doubtful[edges->pairs[i].to])
			return false;
	return true;
}

/*
 * What falls does so for good: so at first only for those that do not return in the next
 * round, and for the others where there is no such one.
 *
 * @last: there is no other round
 * Return: whether more packages lack a need.
 */
static bool drop_dependents(struct graph *graph, bool last)
{
	size_t before = graph->fallen_count;

	find_doubtful(graph);
	for (size_t i = 0; i < graph->count; i++)
		if (has_lost(graph, i) && !may_return(graph, i))
			spread(graph, i);
	if (graph->fallen_count > before && !last)
		return true;
	for (size_t i = 0; i < graph->count; i++)
		if (has_lost(graph, i))
			spread(graph, i);
	return graph->fallen_count > before;
}

bool overlay_relations_exist(const struct overlay_related *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].active &&
		    items[i].manifest->needs_count + items[i].manifest->conflicts_count)
			return true;
	return false;
}

int overlay_relations_settle(struct overlay_related *items, size_t count,
			     struct verity_error *err)
{
	cleanup_with(graph_free) struct graph graph = {.count = 0};
	cleanup_free struct rank *line = NULL;
	int r;

	if (!overlay_relations_exist(items, count))
		return 0;
	line = calloc(count + 1, sizeof(*line));
	if (!line)
		return verity_no_memory(err);
	r = graph_make(items, count, &graph, err);
	if (r < 0)
		return r;
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < count; i++)
			graph.in[i] = items[i].active && !graph.fallen[i];
		drop_unmet(&graph);
		drop_rivals(&graph, line);
		if (!drop_dependents(&graph, round == ROUNDS - 1))
			break;
	}
	find_depths(&graph);
	for (size_t i = 0; i < count; i++) {
		if (!items[i].active || graph.in[i])
			continue;
		*items[i].reason = graph.reasons[i];
		items[i].active = false;
	}
	return 0;
}
