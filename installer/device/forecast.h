/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What would be active with another firmware version, or on another model: of the
 * installed packages, and of a file.
 */

#include "installer/device/device.h"
#include "overlay/store/store.h"
#include "verity/package/inspect.h"
#include "verity/util/json_write.h"

enum forecast {
	FORECAST_STAYS,     /* active, and would be */
	FORECAST_STOPS,     /* active, and would not be */
	FORECAST_STARTS,    /* not active, and would be */
	FORECAST_STAYS_OUT, /* neither */
};

/* A package at the next boot of this device as it is. All borrowed. */
struct forecast_now {
	bool active;
	const struct verity_error *reason; /* why not; code VERITY_OK where it is */
	/* What the judge says of its header and manifest; NULL: not readable */
	const struct verity_outlook *here;
	const struct verity_outlook *there;
};

/**
 * forecast_plan - whether a package would be active there; without I/O
 * @ret_reason: why it would not be active; code VERITY_OK where it would
 *
 * What keeps a package out here for a reason outside its manifest (its image, its store,
 * the boot configuration) keeps it out there too.
 */
enum forecast forecast_plan(const struct forecast_now *now,
			    struct verity_error *ret_reason);

/**
 * forecast_name - "stays", "stops", "starts", "stays-out"
 */
const char *forecast_name(enum forecast forecast);

/* Borrowed. */
struct forecast_request {
	const char *firmware; /* version; NULL: as it is; the same for the next */
	const char *model;
	const char *file; /* a package file, which comes first in the list; NULL: none */
};

struct forecast_item {
	struct overlay_entry entry; /* of the file: the name it would have */
	bool at_hand;               /* the file */
	bool active;                /* at the next boot, as the device is */
	enum forecast forecast;
	struct verity_error reason; /* why it would not be active */
};

struct forecast_list {
	struct forecast_item *items; /* owned */
	size_t count;
	size_t stops; /* items that would no longer be active */
};

/**
 * forecast_read - whether each package would be active
 * @ret: by name, set on success only; forecast_list_free()
 *
 * The file replaces the installed package of its name. Cost: reads each package that this
 * boot has not, and each that would become active.
 *
 * Return: 0; -errno.
 */
int forecast_read(struct device *device, const struct forecast_request *asked,
		  struct forecast_list *ret, struct verity_error *err) must_check;

void forecast_list_free(struct forecast_list *list);

/**
 * forecast_print - a line for each package
 */
void forecast_print(const struct forecast_request *asked,
		    const struct forecast_list *list);

/**
 * forecast_warn - a warning for each that would no longer be active
 */
void forecast_warn(const struct forecast_request *asked,
		   const struct forecast_list *list);

/**
 * forecast_put - as keys of the object that is open: docs/schema/forecast.json
 */
void forecast_put(struct verity_json_writer *json, const struct forecast_request *asked,
		  const struct forecast_list *list);

/**
 * forecast_check - fail where a package would no longer be active
 *
 * Return: 0; the code of the first reason.
 */
int forecast_check(const struct forecast_request *asked, const struct forecast_list *list,
		   struct verity_error *err) must_check;
