/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verity/statement/field.h"
#include "verity/statement/floors.h"
#include "verity/util/json.h"

static void floors_free_p(struct verity_floors *floors)
{
	verity_floors_free(floors);
}

static int take_epochs(struct json_object *object, struct verity_floors *ret,
		       struct verity_error *err)
{
	struct json_object *epochs;

	if (!json_object_object_get_ex(object, "epochs", &epochs) ||
	    !json_object_is_type(epochs, json_type_object))
		return verity_statement_bad(err, "epochs", "missing, or not an object");
	if (json_object_object_length(epochs) > VERITY_FLOORS_MAX)
		return verity_statement_bad(err, "epochs", "over 4096 names");
	json_object_object_foreach (epochs, name, value) {
		int64_t epoch;
		int r;

		(void)value;
		if (!verity_name_valid(name))
			return verity_statement_bad(err, "epochs",
						    "not a package's name");
		r = verity_statement_integer(epochs, name, 1, UINT32_MAX, &epoch, err);
		if (r == 0)
			r = verity_floors_raise_epoch(ret, name, (uint32_t)epoch, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int verity_floors_decode(const void *bytes, size_t size, struct verity_floors *ret,
			 struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_with(floors_free_p) struct verity_floors floors = {.time = 0};
	int64_t format, denylist = 0;
	int r = verity_json_parse(bytes, size, &object, err);

	if (r == -EBADMSG && err)
		err->code = VERITY_E_BAD_STATEMENT;
	if (r == 0)
		r = verity_statement_integer(object, "format", 1, 1, &format, err);
	if (r == 0)
		r = verity_statement_integer(object, "time", 0, VERITY_TIME_MAX,
					     &floors.time, err);
	if (r == 0)
		r = verity_statement_integer(object, "denylist", 0, UINT32_MAX, &denylist,
					     err);
	if (r == 0)
		r = take_epochs(object, &floors, err);
	if (r < 0)
		return r;
	floors.denylist = (uint32_t)denylist;
	*ret = floors;
	floors.epochs = NULL;
	return 0;
}

static struct json_object *encode_epochs(const struct verity_floors *floors)
{
	cleanup_with(json_object_put_p) struct json_object *epochs =
		json_object_new_object();

	for (size_t i = 0; epochs && i < floors->count; i++)
		if (!verity_json_put(epochs, floors->epochs[i].name,
				     json_object_new_int64(floors->epochs[i].epoch)))
			return NULL;
	return steal_ptr(&epochs);
}

int verity_floors_encode(const struct verity_floors *floors, char **ret,
			 struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	char *copy = NULL;

	if (object && verity_json_put(object, "format", json_object_new_int(1)) &&
	    verity_json_put(object, "time", json_object_new_int64(floors->time)) &&
	    verity_json_put(object, "denylist",
			    json_object_new_int64(floors->denylist)) &&
	    verity_json_put(object, "epochs", encode_epochs(floors)))
		copy = strdup(json_object_to_json_string_ext(
			object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	if (!copy)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = copy;
	return 0;
}
