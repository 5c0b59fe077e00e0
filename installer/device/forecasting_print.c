/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "installer/common/report.h"
#include "installer/device/forecasting.h"
#include "verity/util/text.h"

#define UNDER_BYTES 256

/* "firmware 6.0, model 'Example 9000'"; of what was typed nothing may steer a terminal.
 */
static void format_under(const struct forecasting *asked, char ret[static UNDER_BYTES])
{
	snprintf(ret, UNDER_BYTES, "%s%s%s%s%s%s", asked->firmware ? "firmware " : "",
		 asked->firmware ? asked->firmware : "",
		 asked->firmware && asked->model ? ", " : "",
		 asked->model ? "model '" : "", asked->model ? asked->model : "",
		 asked->model ? "'" : "");
	verity_text_plain(ret);
}

static const char *words_for(enum forecast forecast)
{
	switch (forecast) {
	case FORECAST_STAYS:
		return "stays active";
	case FORECAST_STOPS:
		return "would not be active any more";
	case FORECAST_STARTS:
		return "would become active";
	case FORECAST_STAYS_OUT:
		break;
	}
	return "is not active, and would not be";
}

static void print_item(const struct forecast_item *item)
{
	printf("%s%s: %s", item->entry.name, item->at_hand ? " (this file)" : "",
	       words_for(item->forecast));
	if (item->forecast == FORECAST_STOPS || item->forecast == FORECAST_STAYS_OUT) {
		fputs(": ", stdout);
		report_plain(stdout, item->reason.message);
	}
	putchar('\n');
}

void forecasting_print(const struct forecasting *asked, const struct forecast_list *list)
{
	char under[UNDER_BYTES];

	format_under(asked, under);
	printf("Under %s:\n", under);
	if (list->count == 0)
		puts("No packages installed.");
	for (size_t i = 0; i < list->count; i++)
		print_item(&list->items[i]);
}

void forecasting_warn(const struct forecasting *asked, const struct forecast_list *list)
{
	char under[UNDER_BYTES];

	format_under(asked, under);
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].forecast == FORECAST_STOPS)
			report_warning("%s: it would not be active any more under %s: %s",
				       list->items[i].entry.name, under,
				       list->items[i].reason.message);
}

void forecasting_put(struct verity_json_writer *json, const struct forecasting *asked,
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

int forecasting_verdict(const struct forecasting *asked, const struct forecast_list *list,
			struct verity_error *err)
{
	char under[UNDER_BYTES];

	format_under(asked, under);
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].forecast == FORECAST_STOPS)
			return verity_fail(err, list->items[i].reason.code,
					   "%zu package%s would not be active any more "
					   "under %s",
					   list->stops, list->stops == 1 ? "" : "s",
					   under);
	return 0;
}
