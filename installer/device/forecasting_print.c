/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "installer/common/report.h"
#include "installer/device/forecasting.h"
#include "verity/util/json.h"
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

static bool put_text(struct json_object *object, const char *key, const char *text)
{
	char plain[VERITY_MESSAGE_MAX];

	if (!text || !text[0])
		return true;
	snprintf(plain, sizeof(plain), "%s", text);
	return verity_json_put(object, key,
			       json_object_new_string(verity_text_plain(plain)));
}

static bool put_reason(struct json_object *object, const struct verity_error *reason)
{
	struct json_object *child;

	if (reason->code == VERITY_OK)
		return true;
	child = json_object_new_object();
	return verity_json_put(object, "reason", child) &&
	       put_text(child, "code", verity_code_name(reason->code)) &&
	       put_text(child, "message", reason->message);
}

static bool put_item(struct json_object *list, const struct forecast_item *item)
{
	struct json_object *object = json_object_new_object();
	bool out =
		item->forecast == FORECAST_STOPS || item->forecast == FORECAST_STAYS_OUT;

	return verity_json_append(list, object) &&
	       put_text(object, "name", item->entry.name) &&
	       verity_json_put(object, "at_hand",
			       json_object_new_boolean(item->at_hand)) &&
	       put_text(object, "forecast", forecast_name(item->forecast)) &&
	       (!out || put_reason(object, &item->reason));
}

bool forecasting_put(struct json_object *object, const struct forecasting *asked,
		     const struct forecast_list *list)
{
	struct json_object *packages = json_object_new_array();

	if (!put_text(object, "firmware", asked->firmware) ||
	    !put_text(object, "model", asked->model) ||
	    !verity_json_put(object, "packages", packages))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (!put_item(packages, &list->items[i]))
			return false;
	return true;
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
