/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which layers a stack cannot be made with, found out by trying. What is tried, and in
 * which order, depends on the results only. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#define OVERLAY_SEARCH_TRIES 64

struct overlay_search {
	const size_t *line; /* indexes of the layers; what is to be kept comes first */
	size_t count;
	bool *left_out; /* by index; none of @line is at first */

	/* Return: whether a stack of the layers that are not left out can be made. */
	bool (*try)(void *context);
	void *context;
};

/**
 * overlay_search_run - leave out as few layers as possible of a stack that cannot be made
 *
 * Leaves out, from the end of the line, each layer that fails by itself or together with
 * those before it. One takes as many tries as halving the line takes. After
 * OVERLAY_SEARCH_TRIES what is not known to be good is left out.
 *
 * Return: whether the rest can be stacked; false: no stack can be made without any of
 * them, and none is left out.
 */
bool overlay_search_run(struct overlay_search *search);
