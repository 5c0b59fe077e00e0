/* SPDX-License-Identifier: MIT */
#pragma once

/* Packages as JSON. */

#include "installer/device/installed.h"
#include "verity/util/json_write.h"

/**
 * show_json_item - add the keys of one package to the object that is open
 */
void show_json_item(struct device *device, struct verity_json_writer *json,
		    const struct installed *item);

/**
 * show_json_trust - add `allow_untrusted` and `locked` to the object that is open
 */
void show_json_trust(struct device *device, struct verity_json_writer *json,
		     const struct overlay_trust *trust);

/**
 * show_json_waiting_set - add `waiting_set` to the object that is open, where there is
 * one
 */
void show_json_waiting_set(struct device *device, struct verity_json_writer *json);

/**
 * show_json - print packages as docs/json.md describes
 * @details: each with all details
 */
int show_json(struct device *device, const struct installed_list *list, bool details,
	      const struct overlay_trust *trust, struct verity_error *err) must_check;
