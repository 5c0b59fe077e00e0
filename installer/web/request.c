/* SPDX-License-Identifier: MIT */
/* Starts the process that reads, and takes its frames. */
#include "installer/web/request.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

#include "installer/fetch/fetch_user.h"
#include "overlay/fs/clock.h"
#include "verity/util/sizes.h"
#include "verity/util/text.h"

#define MEMORY_BYTES (16UL << 20)
/* The process itself ends a silent request: this is for one that is not itself any more.
 */
#define SILENCE_MS       60000
#define DRAIN_MS         60000
#define DRAIN_SILENCE_MS 3000
#define DRAIN_BYTES      (256U << 20)
#define FORM_BYTES       (64U << 10) /* around the file */

/* All of a package file but its image and tree is small. */
#define UPLOAD_MAX (VERITY_IMAGE_MAX + VERITY_IMAGE_MAX / 64 + FORM_BYTES)

static const char *get(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static enum request_method method_of(const char *text)
{
	static const char *const names[] = {
		[REQUEST_GET] = "GET", [REQUEST_HEAD] = "HEAD", [REQUEST_POST] = "POST"};

	for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0)
			return (enum request_method)i;
	return REQUEST_OTHER;
}

/*
 * Whether a browser says that the request comes from a page that is not ours. A link on
 * one may lead here. Old browsers say nothing; the token protects them.
 */
static bool is_foreign(enum request_method method)
{
	const char *site = get("HTTP_SEC_FETCH_SITE"), *kind = get("HTTP_SEC_FETCH_DEST");
	const char *origin = get("HTTP_ORIGIN"), *host = get("HTTP_HOST");
	const char *name = origin ? strstr(origin, "://") : NULL;
	bool is_link = method != REQUEST_POST && kind && strcmp(kind, "document") == 0;

	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0 &&
	    !is_link)
		return true;
	return origin && (!host || !name || strcasecmp(name + 3, host) != 0);
}

static bool copy_printable(const char *text, char *ret, size_t room)
{
	size_t size = text ? strlen(text) : 0;

	if (size >= room || (size && !verity_text_printable(text, size)))
		return false;
	memcpy(ret, text ?: "", size + 1);
	return true;
}

int request_new(struct request **ret, struct verity_error *err)
{
	cleanup_with(request_free_p) struct request *request =
		calloc(1, sizeof(*request));

	if (!request)
		return verity_no_memory(err);
	request->sandbox = (struct sandbox){.from = -1, .to = -1};
	request->method = method_of(get("REQUEST_METHOD"));
	request->has_path = get("PATH_INFO") != NULL;
	request->is_foreign = is_foreign(request->method);
	if (!copy_printable(get("REMOTE_ADDR"), request->address,
			    sizeof(request->address)))
		request->address[0] = '\0';
	if (!copy_printable(get("REMOTE_USER"), request->user, sizeof(request->user)))
		return verity_fail(err, VERITY_E_PERMISSION,
				   "the name of the user that the web server gives is "
				   "over %d bytes, or cannot be printed",
				   REQUEST_USER_MAX);
	*ret = steal_ptr(&request);
	return 0;
}

void request_free(struct request *request)
{
	if (!request)
		return;
	(void)sandbox_end(&request->sandbox);
	/* A field may be the password of a server. */
	explicit_bzero(request, sizeof(*request));
	free(request);
}

static int work(void *context, const struct sandbox_inside *inside)
{
	return reader_run(context, inside->out);
}

/* Copies: the environment is wiped in the process. */
static int start(struct request *request, const struct overlay_config *config,
		 struct verity_error *err)
{
	cleanup_fd int body = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	const char *query = get("QUERY_STRING"), *type = get("CONTENT_TYPE");
	const char *length = get("CONTENT_LENGTH");
	cleanup_free char *query_copy = strdup(query ?: "");
	cleanup_free char *type_copy = strdup(type ?: "");
	cleanup_free char *length_copy = strdup(length ?: "");
	struct reader_job job = {
		.body = body,
		.has_body = request->method == REQUEST_POST,
		.query = query_copy,
		.type = type_copy,
		.length = length_copy,
		.bytes_max = UPLOAD_MAX,
	};
	struct sandbox_rules rules = {.memory_bytes = MEMORY_BYTES, .keep_count = 1};
	int r;

	if (body < 0)
		return verity_fail_errno(err, errno, "standard input");
	if (!query_copy || !type_copy || !length_copy)
		return verity_no_memory(err);
	rules.keep[0] = body;
	r = fetch_user_find(config->fetch_user, &rules.uid, &rules.gid, err);
	return r < 0 ? r : sandbox_start(&rules, work, &job, &request->sandbox, err);
}

static int fail_broken(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_IO,
			   "the process that reads the request does not keep to its "
			   "rules, or has ended (try again)");
}

static int read_all(struct request *request, uint8_t *ret, size_t size,
		    struct verity_error *err)
{
	struct pollfd input = {.fd = request->sandbox.from, .events = POLLIN};

	while (size > 0) {
		int ready = poll(&input, 1, SILENCE_MS);
		ssize_t count = ready > 0 ? read(input.fd, ret, size) : ready;

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return fail_broken(err);
		ret += count;
		size -= (size_t)count;
	}
	return 0;
}

/* Return: 0; -errno, also for a frame that says that the request failed. */
static int next_frame(struct request *request, struct frame *ret,
		      struct verity_error *err)
{
	uint8_t *content = request->buffer + FRAME_HEAD;
	enum frame_type type;
	size_t size;
	int r = request->ended ? fail_broken(err)
			       : read_all(request, request->buffer, FRAME_HEAD, err);

	if (r < 0)
		return r;
	if (frame_head(request->buffer, &type, &size) < 0)
		return fail_broken(err);
	r = read_all(request, content, size, err);
	if (r < 0)
		return r;
	if (frame_decode(type, content, size, ret) < 0)
		return fail_broken(err);
	request->failed = type == FRAME_FAILED;
	request->ended = type == FRAME_END || request->failed;
	return type == FRAME_FAILED
		       ? verity_fail(err, ret->error.code, "%s", ret->error.message)
		       : 0;
}

/* Two of one name would be two requests in one. */
static int add_field(struct request *request, const struct field *field,
		     struct verity_error *err)
{
	for (size_t i = 0; i < request->field_count; i++)
		if (strcmp(request->fields[i].name, field->name) == 0)
			return verity_fail(err, VERITY_E_USAGE,
					   "the request has '%s' twice", field->name);
	if (request->field_count == FIELDS_MAX)
		return fail_broken(err);
	request->fields[request->field_count++] = *field;
	return 0;
}

int request_read(struct request *request, const struct overlay_config *config,
		 struct verity_error *err)
{
	cleanup_free struct frame *frame = calloc(1, sizeof(*frame));
	int r = start(request, config, err);

	if (r == 0 && !frame)
		r = verity_no_memory(err);
	while (r == 0 && !request->ended && !request->has_file) {
		r = next_frame(request, frame, err);
		if (r < 0)
			break;
		if (frame->type == FRAME_FIELD)
			r = add_field(request, &frame->field, err);
		else if (frame->type == FRAME_FILE)
			request->has_file = true;
		else if (frame->type != FRAME_END)
			r = fail_broken(err);
	}
	if (r == 0 && request->has_file)
		memcpy(request->file, frame->file, sizeof(request->file));
	return r;
}

const char *request_field(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->field_count; i++)
		if (strcmp(request->fields[i].name, name) == 0)
			return request->fields[i].value;
	return "";
}

struct upload {
	struct source source;
	struct request *request;
};

static int64_t upload_bytes(const struct source *source)
{
	(void)source;
	return -1;
}

static int upload_pull(struct source *source, const struct source_sink *sink,
		       struct verity_error *err)
{
	struct request *request = ((struct upload *)(void *)source)->request;
	cleanup_free struct frame *frame = calloc(1, sizeof(*frame));
	int r = frame ? 0 : verity_no_memory(err);

	while (r == 0 && !request->ended) {
		r = next_frame(request, frame, err);
		if (r == 0 && frame->type == FRAME_BYTES)
			r = sink->take(sink->context, frame->bytes, frame->size, err);
		else if (r == 0 && frame->type != FRAME_END)
			r = fail_broken(err);
	}
	return r;
}

static void upload_free(struct source *source)
{
	free(source);
}

static const struct source_kind kind_upload = {
	.bytes = upload_bytes,
	.pull = upload_pull,
	.free = upload_free,
};

int request_source(struct request *request, struct source **ret, struct verity_error *err)
{
	cleanup_free struct upload *upload = calloc(1, sizeof(*upload));
	int r;

	if (!upload)
		return verity_no_memory(err);
	/* A browser sends a name; what has a path was made by something else. */
	if (strpbrk(request->file, "/\\"))
		return verity_fail(err, VERITY_E_BAD_NAME,
				   "%s: the name of the file has a path",
				   verity_text_plain(request->file));
	r = verity_name_from_path(request->file, upload->source.name, err);
	if (r < 0)
		return r;
	if (asprintf(&upload->source.origin, "upload://%s", request->file) < 0)
		upload->source.origin = NULL;
	upload->source.where = strdup(request->file);
	if (!upload->source.origin || !upload->source.where) {
		free(upload->source.origin);
		free(upload->source.where);
		return verity_no_memory(err);
	}
	if (request->address[0])
		snprintf(upload->source.place, sizeof(upload->source.place), "address %s",
			 request->address);
	upload->source.kind = &kind_upload;
	upload->request = request;
	*ret = &steal_ptr(&upload)->source;
	return 0;
}

void request_drain(struct request *request)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	uint64_t begin = overlay_clock_us(), bytes = 0;
	ssize_t count = 1;

	(void)sandbox_end(&request->sandbox);
	if (request->method != REQUEST_POST || (request->ended && !request->failed))
		return;
	while (count > 0 && bytes < DRAIN_BYTES &&
	       overlay_clock_us() - begin < DRAIN_MS * UINT64_C(1000) &&
	       poll(&input, 1, DRAIN_SILENCE_MS) > 0) {
		count = read(input.fd, request->buffer, sizeof(request->buffer));
		bytes += count > 0 ? (uint64_t)count : 0;
	}
}
