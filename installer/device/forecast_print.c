/* SPDX-License-Identifier: MIT */

/* Prints a forecast as text and as JSON. */

#include <stdio.h>
#include <string.h>

#include "installer/common/report.h"
#include "installer/device/forecast.h"
#include "verity/util/text.h"

#define UNDER_BYTES 256

/* "firmware 6.0, model 'Example 9000'" */
static void format_under(const struct forecast_request *asked,
			 char ret[static UNDER_BYTES])
{
	ret[0] = '\0';
	if (asked->firmware)
		verity_text_append(ret, UNDER_BYTES, "firmware %s", asked->firmware);
	if (asked->model)
		verity_text_append(ret, UNDER_BYTES, "%smodel '%s'", ret[0] ? ", " : "",
				   asked->model);
	verity_text_plain(ret);
}

void forecast_print(const struct forecast_request *asked,
		    const struct forecast_list *list)
{
	static const char *const words[] = {
		[FORECAST_STAYS] = "stays active",
		[FORECAST_STOPS] = "would no longer be active",
		[FORECAST_STARTS] = "would become active",
		[FORECAST_STAYS_OUT] = "is not active, and would not be active",
	};
	char under[UNDER_BYTES];

	format_under(asked, under);
	printf("Under %s:\n", under);
	if (list->count == 0)
		puts("No packages installed.");
	for (size_t i = 0; i < list->count; i++) {
		const struct forecast_item *item = &list->items[i];

		printf("%s%s: %s", item->entry.name, item->at_hand ? " (this file)" : "",
		       words[item->forecast]);
		if (item->forecast == FORECAST_STOPS ||
		    item->forecast == FORECAST_STAYS_OUT) {
			fputs(": ", stdout);
			report_plain(stdout, item->reason.message);
		}
		putchar('\n');
	}
}

void forecast_warn(const struct forecast_request *asked, const struct forecast_list *list)
{
	char under[UNDER_BYTES];

	format_under(asked, under);
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].forecast == FORECAST_STOPS)
			report_warning("%s: it would no longer be active under %s: %s",
				       list->items[i].entry.name, under,
				       list->items[i].reason.message);
}

void forecast_put(struct verity_json_writer *json, const struct forecast_request *asked,
		  const struct forecast_list *list)
{
	verity_json_some_text(json, "firmware", asked->firmware);
	verity_json_some_text(json, "model", asked->model);
	verity_json_open_list(json, "packages");
	for (size_t i = 0; i < list->count; i++) {
		const struct forecast_item *item = &list->items[i];

		verity_json_open(json, NULL);
		verity_json_text(json, "name", item->entry.name);
		verity_json_bool(json, "at_hand", item->at_hand);
		verity_json_text(json, "forecast", forecast_name(item->forecast));
		if (item->forecast == FORECAST_STOPS ||
		    item->forecast == FORECAST_STAYS_OUT)
			verity_json_reason(json, "reason", &item->reason, NULL);
		verity_json_close(json);
	}
	verity_json_close(json);
}

int forecast_check(const struct forecast_request *asked, const struct forecast_list *list,
		   struct verity_error *err)
{
	char under[UNDER_BYTES];

	format_under(asked, under);
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].forecast == FORECAST_STOPS)
			return verity_fail(
				err, list->items[i].reason.code,
				"%zu package%s would no longer be active under %s",
				list->stops, list->stops == 1 ? "" : "s", under);
	return 0;
}
