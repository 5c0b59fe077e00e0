/* SPDX-License-Identifier: MIT */
/* A client that writes messages, and waits for answers. */
#include "installer/transfer/worker.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "installer/request/message.h"
#include "installer/transfer/tries.h"
#include "verity/util/cleanup.h"

#define PAGE         4096U /* the smallest there is; larger ones hold several */
#define MESSAGE_ROOM (MESSAGE_HEAD + MESSAGE_BYTES_MAX)

struct worker {
	int in, out;
	uint8_t *ring; /* pages that the file goes through; see flush() */
	size_t ring_bytes;
	size_t begin; /* of the message that is being filled, in @ring */
	size_t used;  /* bytes of the file in it */
	struct message message;
	uint8_t bytes[MESSAGE_HEAD + MESSAGE_CONTENT_MAX];
	char user[MESSAGE_SECRET_MAX]; /* the transfer borrows it */
};

/* The parent has gone, or wants no more: nobody hears the reason. */
static int fail_end(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_IO, "the program that reads it has ended");
}

static int write_all(int out, const uint8_t *bytes, size_t size, struct verity_error *err)
{
	while (size > 0) {
		ssize_t count = write(out, bytes, size);

		if (count < 0 && errno != EINTR)
			return fail_end(err);
		if (count > 0) {
			bytes += count;
			size -= (size_t)count;
		}
	}
	return 0;
}

static int read_all(int in, uint8_t *bytes, size_t size, struct verity_error *err)
{
	while (size > 0) {
		ssize_t count = read(in, bytes, size);

		if (count == 0 || (count < 0 && errno != EINTR))
			return fail_end(err);
		if (count > 0) {
			bytes += count;
			size -= (size_t)count;
		}
	}
	return 0;
}

/*
 * libcurl gives what it has received in small pieces. Together they cost fewer messages,
 * and wake the parent less often. The pages themselves go into the pipe, not a copy: the
 * ring has more of them than the pipe takes, so none is written while it is in there.
 */
static int flush(void *context, struct verity_error *err)
{
	struct worker *worker = context;
	const struct message message = {.type = MESSAGE_BYTES, .size = worker->used};
	uint8_t *at = worker->ring + worker->begin;
	size_t left = MESSAGE_HEAD + worker->used;

	if (worker->used == 0)
		return 0;
	message_encode(&message, at);
	worker->begin += (left + PAGE - 1) / PAGE * PAGE;
	if (worker->begin + MESSAGE_ROOM > worker->ring_bytes)
		worker->begin = 0;
	worker->used = 0;
	while (left > 0) {
		const struct iovec part = {at, left};
		ssize_t count = vmsplice(worker->out, &part, 1, 0);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return write_all(worker->out, at, left, err);
		at += count;
		left -= (size_t)count;
	}
	return 0;
}

static int make_ring(struct worker *worker)
{
	int pipe_bytes = fcntl(worker->out, F_GETPIPE_SZ);

	if (pipe_bytes < 0)
		return -errno;
	worker->ring_bytes = (size_t)pipe_bytes + 2 * MESSAGE_ROOM;
	worker->ring = mmap(NULL, worker->ring_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return worker->ring == MAP_FAILED ? -errno : 0;
}

static int send_message(struct worker *worker, struct verity_error *err)
{
	int r = flush(worker, err);

	if (r < 0)
		return r;
	return write_all(worker->out, worker->bytes,
			 message_encode(&worker->message, worker->bytes), err);
}

static int receive(struct worker *worker, enum message_type wanted,
		   struct verity_error *err)
{
	enum message_type type;
	size_t size;
	int r = read_all(worker->in, worker->bytes, MESSAGE_HEAD, err);

	if (r == 0 && (message_head(worker->bytes, &type, &size) < 0 || type != wanted))
		r = fail_end(err);
	if (r == 0)
		r = read_all(worker->in, worker->bytes, size, err);
	if (r == 0 && message_decode(type, worker->bytes, size, &worker->message) < 0)
		r = fail_end(err);
	return r;
}

static int take(void *context, const void *bytes, size_t count, struct verity_error *err)
{
	struct worker *worker = context;
	const uint8_t *at = bytes;
	int r = 0;

	while (r == 0 && count > 0) {
		size_t room = MESSAGE_BYTES_MAX - worker->used;
		size_t size = count < room ? count : room;

		memcpy(worker->ring + worker->begin + MESSAGE_HEAD + worker->used, at,
		       size);
		worker->used += size;
		at += size;
		count -= size;
		if (worker->used == MESSAGE_BYTES_MAX)
			r = flush(worker, err);
	}
	return r;
}

/* Where a message fails, the next bytes do so as well. */
static void tell_number(struct worker *worker, enum message_type type, int64_t number)
{
	worker->message.type = type;
	worker->message.number = number;
	(void)!send_message(worker, NULL);
}

static void tell_length(void *context, int64_t bytes)
{
	tell_number(context, MESSAGE_LENGTH, bytes);
}

static void tell_retrying(void *context, unsigned retry)
{
	tell_number(context, MESSAGE_RETRYING, retry);
}

static void tell_text(struct worker *worker, enum message_type type, const char *text)
{
	worker->message.type = type;
	snprintf(worker->message.text, sizeof(worker->message.text), "%s", text);
	(void)!send_message(worker, NULL);
}

static void tell_origin(void *context, const char *url)
{
	tell_text(context, MESSAGE_ORIGIN, url);
}

static void tell_version(void *context, const char *version, bool unchanged)
{
	struct worker *worker = context;

	worker->message.flag = unchanged;
	tell_text(worker, MESSAGE_VERSION, version);
}

static void tell_connecting(void *context, const char *host, const char *number,
			    const char *port, bool is_v6)
{
	struct worker *worker = context;
	struct message *message = &worker->message;

	message->type = MESSAGE_CONNECTING;
	message->flag = is_v6;
	snprintf(message->address.host, sizeof(message->address.host), "%s", host);
	snprintf(message->address.number, sizeof(message->address.number), "%s", number);
	snprintf(message->address.port, sizeof(message->address.port), "%s", port);
	(void)!send_message(worker, NULL);
}

static int ask_password(void *context, const char *why, const char **ret_user,
			char **ret_password, struct verity_error *err)
{
	struct worker *worker = context;
	struct message *message = &worker->message;
	int r;

	message->flag = why;
	tell_text(worker, MESSAGE_WANTS_PASSWORD, why ?: "");
	r = receive(worker, MESSAGE_LOGIN, err);
	if (r < 0)
		return r;
	*ret_password = strdup(message->login.password);
	strcpy(worker->user, message->login.user);
	*ret_user = worker->user;
	explicit_bzero(message, sizeof(*message));
	explicit_bzero(worker->bytes, sizeof(worker->bytes));
	return *ret_password ? 0 : verity_no_memory(err);
}

static int accept_host_key(void *context, const struct known_hosts_key *key,
			   struct verity_error *err)
{
	struct worker *worker = context;
	int r;

	worker->message.type = MESSAGE_WANTS_HOST_KEY;
	worker->message.key = *key;
	r = send_message(worker, err);
	return r < 0 ? r : receive(worker, MESSAGE_ACCEPTED, err);
}

static int next(void *context, struct part *ret, struct verity_error *err)
{
	struct worker *worker = context;
	int r;

	worker->message.type = MESSAGE_WANTS_PART;
	r = send_message(worker, err);
	if (r == 0)
		r = receive(worker, MESSAGE_PART, err);
	if (r == 0)
		*ret = worker->message.part;
	return r;
}

int worker_run(const struct transfer_job *job, int in, int out)
{
	cleanup_free struct worker *worker = calloc(1, sizeof(*worker));
	const struct transfer_client client = {
		.take = take,
		.next = next,
		.flush = flush,
		.length = tell_length,
		.origin = tell_origin,
		.version = tell_version,
		.connecting = tell_connecting,
		.retrying = tell_retrying,
		.ask_password = ask_password,
		.accept_host_key = accept_host_key,
		.context = worker,
	};
	struct verity_error err = {0};
	int r = -ENOMEM;

	if (!worker)
		return 1;
	worker->in = in;
	worker->out = out;
	if (make_ring(worker) < 0)
		return 1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		verity_no_memory(&err);
	else
		r = transfer_run(job, &client, &err);
	/* Last: the parent then ends this process. */
	if (r == 0) {
		worker->message.type = MESSAGE_DONE;
		(void)!send_message(worker, NULL);
	} else {
		worker->message.number = err.code;
		tell_text(worker, MESSAGE_FAILED, err.message);
	}
	return r < 0;
}
