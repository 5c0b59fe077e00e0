/* SPDX-License-Identifier: MIT */
/* Writes and reads results. */
#include "installer/web/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "overlay/fs/clock.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/hex.h"
#include "verity/util/io.h"
#include "verity/util/json_write.h"

#define KEPT_MAX    32    /* files; one more, and the oldest one goes */
#define FILE_MAX    65536 /* bytes */
#define INTERVAL_US 300000
#define ENTRIES_MAX 1024

static bool is_id(const char *text)
{
	return strlen(text) == RESULT_ID_BYTES - 1 &&
	       strspn(text, "0123456789abcdef") == RESULT_ID_BYTES - 1;
}

int result_new_id(char ret[static RESULT_ID_BYTES], struct verity_error *err)
{
	uint8_t bytes[(RESULT_ID_BYTES - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return verity_fail_errno(err, errno, "random numbers");
	verity_hex_encode(bytes, sizeof(bytes), ret);
	return 0;
}

/* What nobody asks for any more. */
static void remove_oldest(int run_fd)
{
	cleanup_dir DIR *dir = NULL;
	struct dirent *entry;
	char oldest[RESULT_ID_BYTES] = "";
	struct timespec time = {0};
	size_t count = 0;

	if (verity_dir_open(run_fd, ".", &dir) < 0)
		return;
	for (int i = 0; i < ENTRIES_MAX && (entry = readdir(dir)); i++) {
		struct stat st;

		if (!is_id(entry->d_name) ||
		    fstatat(run_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (count++ == 0 || st.st_mtim.tv_sec < time.tv_sec ||
		    (st.st_mtim.tv_sec == time.tv_sec &&
		     st.st_mtim.tv_nsec < time.tv_nsec)) {
			memcpy(oldest, entry->d_name, sizeof(oldest));
			time = st.st_mtim;
		}
	}
	if (count >= KEPT_MAX)
		unlinkat(run_fd, oldest, 0);
}

/* Only the page that shows the progress is the poorer where this fails. */
static void write_file(struct result *result, const char *state,
		       const struct messages *messages)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	cleanup_free char *text = NULL;

	if (!result->id[0])
		return;
	verity_json_text(&json, "state", state);
	verity_json_uint(&json, "done_bytes", result->done_bytes);
	verity_json_uint(&json, "total_bytes", result->total_bytes);
	verity_json_open_list(&json, "messages");
	for (size_t i = 0; messages && i < messages->count; i++) {
		verity_json_open(&json, NULL);
		verity_json_text(&json, "kind",
				 messages_kind_name(messages->items[i].kind));
		verity_json_text(&json, "text", messages->items[i].text);
		verity_json_close(&json);
	}
	verity_json_close(&json);
	if (verity_json_finish(&json, VERITY_JSON_COMPACT, &text, NULL) == 0)
		(void)!verity_io_replace(result->run_fd, result->id, 0600, text,
					 strlen(text), NULL);
	result->written_us = overlay_clock_us();
}

void result_begin(struct result *result, int run_fd, const char *id)
{
	*result = (struct result){.run_fd = run_fd};
	if (!is_id(id))
		return;
	snprintf(result->id, sizeof(result->id), "%s", id);
	remove_oldest(run_fd);
	write_file(result, "running", NULL);
}

void result_advance(struct result *result, uint64_t done_bytes)
{
	result->done_bytes = done_bytes;
	if (overlay_clock_us() - result->written_us >= INTERVAL_US)
		write_file(result, "running", NULL);
}

void result_end(struct result *result, bool done, const struct messages *messages)
{
	write_file(result, done ? "done" : "failed", messages);
}

int result_load(int run_fd, const char *id, char **ret, struct verity_error *err)
{
	size_t size;

	return is_id(id)
		       ? verity_io_load(run_fd, id, FILE_MAX, ret, &size, err)
		       : verity_fail(err, VERITY_E_NOT_FOUND, "there is no such result");
}

void result_messages(int run_fd, const char *id, struct messages *messages)
{
	static const enum message_kind kinds[] = {MESSAGE_KIND_ERROR,
						  MESSAGE_KIND_WARNING, MESSAGE_KIND_DONE,
						  MESSAGE_KIND_NOTE};
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_free char *text = NULL;
	struct json_object *list;

	if (result_load(run_fd, id, &text, NULL) < 0 ||
	    verity_json_parse(text, strlen(text), &object, NULL) < 0 ||
	    !json_object_object_get_ex(object, "messages", &list))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		struct json_object *kind, *said;

		if (!json_object_object_get_ex(item, "kind", &kind) ||
		    !json_object_object_get_ex(item, "text", &said))
			continue;
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (strcmp(json_object_get_string(kind),
				   messages_kind_name(kinds[k])) == 0)
				messages_add(messages, kinds[k],
					     json_object_get_string(said));
	}
}
