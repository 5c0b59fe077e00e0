/* SPDX-License-Identifier: MIT */
#pragma once

/* The forecast of a device: its installed packages, and one at hand. */

#include "installer/device/device.h"
#include "installer/device/forecast.h"
#include "overlay/store/store.h"
#include "verity/util/json_write.h"

/* What is asked for. Borrowed. */
struct forecasting {
	const char *firmware; /* version; NULL: as it is, likewise */
	const char *model;
	const char *file; /* package at hand, of which it is told first; NULL: none */
};

struct forecast_item {
	struct overlay_entry entry; /* of the one at hand: the name it would have */
	bool at_hand;
	bool active; /* at the next boot, as the device is */
	enum forecast forecast;
	struct verity_error reason; /* why it would not be active */
};

struct forecast_list {
	struct forecast_item *items; /* owned */
	size_t count;
	size_t stops; /* items that would not be active any more */
};

/**
 * forecasting_read - what would become of each package
 * @ret: by name, set on success alone; forecasting_free()
 *
 * The one at hand takes the place of the installed one of its name. Reads each package
 * whole that the boot has not, and each that would begin to be active.
 *
 * Return: 0; -errno.
 */
int forecasting_read(struct device *device, const struct forecasting *asked,
		     struct forecast_list *ret, struct verity_error *err) must_check;

void forecasting_free(struct forecast_list *list);

/**
 * forecasting_print - a line a package
 */
void forecasting_print(const struct forecasting *asked, const struct forecast_list *list);

/**
 * forecasting_warn - a warning for each that would not be active any more
 */
void forecasting_warn(const struct forecasting *asked, const struct forecast_list *list);

/**
 * forecasting_put - as keys of the object that is open: docs/schema/forecast.json
 */
void forecasting_put(struct verity_json_writer *json, const struct forecasting *asked,
		     const struct forecast_list *list);

/**
 * forecasting_verdict - fail where a package would not be active any more
 *
 * Return: 0; the code of the first reason.
 */
int forecasting_verdict(const struct forecasting *asked, const struct forecast_list *list,
			struct verity_error *err) must_check;
