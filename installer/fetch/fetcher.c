/* SPDX-License-Identifier: MIT */
/* Starting the process of a transfer, and acting on its messages. */
#include "installer/fetch/fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "installer/common/redact.h"
#include "installer/common/signals.h"
#include "installer/fetch/fetch_program.h"
#include "installer/request/message.h"
#include "installer/request/protocols.h"
#include "installer/request/stall.h"
#include "installer/sandbox/sandbox.h"
#include "overlay/fs/clock.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"

#define BUFFER_BYTES   (2 * MESSAGE_HEAD + MESSAGE_BYTES_MAX)
#define POLL_MS        500  /* a signal may come just before it waits */
#define MESSAGES_MAX   4096 /* besides bytes of the file */
#define KEYS_ASKED_MAX 3

/*
 * How long a server may take for the last word of its protocol, after all of the file has
 * come: a firewall may have forgotten the connection that it would come on.
 */
#define LAST_WORD_MS 2000

/* Far below what the process itself accepts. */
#define WINDOW_MS  1800000
#define WINDOW_MIN STALL_WINDOW_MIN

/* The state of one process. */
struct run {
	const struct fetcher *fetcher;
	const struct transfer_client *client;
	struct sandbox sandbox;
	struct message message;
	unsigned messages, passwords_asked, keys_asked;
	int64_t heard_ms, window_ms, window_bytes;
	/* The next byte, and, once it has asked for a part, the end of that. */
	int64_t place, end;
	bool in_parts;
	int64_t whole_ms; /* since when the whole file is there; 0: it is not */
	bool any_bytes;   /* of the file have come */
	bool unchanged;   /* it has said so: no bytes may follow */
	bool done;        /* it has said how it ended */
	size_t used;      /* of @buffer */
	uint8_t buffer[BUFFER_BYTES];
};

static int64_t now_ms(void)
{
	return (int64_t)(overlay_clock_us() / 1000);
}

static int fail_broken(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_TRANSFER,
			   "the process that talks to the server does not keep to its "
			   "rules, and was ended (do not trust this server)");
}

/* libcurl reads those of proxies for http, and libssh2 that of the agent. */
static const char *const *variables_of(const struct protocol *protocol)
{
	static const char *const none[] = {NULL};
	static const char *const agent[] = {"SSH_AUTH_SOCK", NULL};
	static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
					      "all_proxy",  "ALL_PROXY",   "no_proxy",
					      "NO_PROXY",   NULL};

	return protocol->has_certificates ? proxies
	       : protocol->has_host_keys  ? agent
					  : none;
}

static int start(const struct fetcher *fetcher, struct sandbox *ret,
		 struct verity_error *err)
{
	static const char *const argv[] = {FETCH_PROGRAM, NULL};
	struct transfer_job job = fetcher->job;
	cleanup_fd int file = -1, sent = -1;
	int r = fetch_program_open(fetcher->program, &file, err);

	job.parent = getpid();
	if (r == 0)
		r = job_send(&job, &sent, err);
	if (r < 0)
		return r;
	return sandbox_start_program(
		&(struct sandbox_program){.fd = file,
					  .argv = argv,
					  .environment = variables_of(job.protocol),
					  .job = sent},
		ret, err);
}

/*
 * Never waits for the process: it reads each answer before it asks again, so the pipe has
 * room, unless it asks only. If it is gone, reading says so.
 */
static int answer(struct run *run, const struct message *message,
		  struct verity_error *err)
{
	uint8_t bytes[MESSAGE_HEAD + MESSAGE_CONTENT_MAX];
	size_t size = message_encode(message, bytes);
	bool full = write(run->sandbox.to, bytes, size) < 0 && errno == EAGAIN;

	explicit_bzero(bytes, sizeof(bytes));
	return full ? fail_broken(err) : 0;
}

static int ask_password(struct run *run, struct verity_error *err)
{
	const struct transfer_client *client = run->client;
	const struct transfer_job *job = &run->fetcher->job;
	struct message login = {.type = MESSAGE_LOGIN};
	char *password = NULL;
	const char *user;
	int r;

	if (!job->can_ask || job->has_password || run->passwords_asked == LOGIN_ASKS_MAX)
		return fail_broken(err);
	r = client->ask_password(client->context,
				 run->passwords_asked++ ? run->message.text : NULL, &user,
				 &password, err);
	if (r < 0)
		return r;
	snprintf(login.login.user, sizeof(login.login.user), "%s", user);
	snprintf(login.login.password, sizeof(login.login.password), "%s", password);
	r = answer(run, &login, err);
	redact_wipe(password);
	explicit_bzero(&login, sizeof(login));
	return r;
}

static int ask_host_key(struct run *run, struct verity_error *err)
{
	const struct transfer_client *client = run->client;
	const struct transfer_job *job = &run->fetcher->job;
	const struct message accepted = {.type = MESSAGE_ACCEPTED};
	int r;

	if (!job->can_ask || !job->protocol->has_host_keys ||
	    run->keys_asked++ == KEYS_ASKED_MAX)
		return fail_broken(err);
	r = client->accept_host_key(client->context, &run->message.key, err);
	return r < 0 ? r : answer(run, &accepted, err);
}

/* Only after all of the part before. */
static int ask_part(struct run *run, struct verity_error *err)
{
	const struct transfer_client *client = run->client;
	struct message part = {.type = MESSAGE_PART};
	int r;

	if (!run->fetcher->job.first_bytes || run->place != run->end)
		return fail_broken(err);
	r = client->next(client->context, &part.part, err);
	if (r < 0)
		return r;
	run->in_parts = true;
	run->place = part.part.first;
	run->end = part.part.end;
	return answer(run, &part, err);
}

/* What a transfer can fail with: never that a package was refused, or a person gave up.
 */
static int fail_as_said(struct run *run, struct verity_error *err)
{
	static const enum verity_code codes[] = {
		VERITY_E_TRANSFER,    VERITY_E_LOST,      VERITY_E_LOGIN,
		VERITY_E_CERTIFICATE, VERITY_E_HOST_KEY,  VERITY_E_CLOCK,
		VERITY_E_NOT_FOUND,   VERITY_E_NO_MEMORY, VERITY_E_USAGE,
		VERITY_E_TOO_MANY,
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (run->message.number == (int64_t)codes[i]) {
			run->done = true;
			return verity_fail(err, codes[i], "%s", run->message.text);
		}
	return fail_broken(err);
}

/* The whole file is there: @end says how the server ended the transfer. */
static int end_whole(struct run *run, const char *end)
{
	verity_debug("the whole file is there; then: %s", end);
	run->done = true;
	return 0;
}

static int take(struct run *run, struct verity_error *err)
{
	const struct transfer_client *client = run->client;
	const struct message *message = &run->message;
	int r;

	if (run->unchanged ||
	    (run->in_parts && (int64_t)message->size > run->end - run->place))
		return fail_broken(err);
	run->place += (int64_t)message->size;
	run->any_bytes = true;
	r = client->take(client->context, message->bytes, message->size, err);
	run->window_bytes += (int64_t)message->size;
	if (r == 0 && client->is_whole && client->is_whole(client->context))
		run->whole_ms = now_ms();
	return r;
}

static int act(struct run *run, struct verity_error *err)
{
	const struct transfer_client *client = run->client;
	const struct message *message = &run->message;

	if (message->type != MESSAGE_BYTES && run->messages++ == MESSAGES_MAX)
		return fail_broken(err);
	switch (message->type) {
	case MESSAGE_BYTES:
		return take(run, err);
	case MESSAGE_LENGTH:
		client->length(client->context, message->number);
		return 0;
	case MESSAGE_ORIGIN:
		client->origin(client->context, message->text);
		return 0;
	case MESSAGE_VERSION:
		if (message->flag && (!run->fetcher->job.known || run->any_bytes))
			return fail_broken(err);
		run->unchanged = message->flag;
		client->version(client->context, message->text, message->flag);
		return 0;
	case MESSAGE_CONNECTING:
		client->connecting(client->context, message->address.host,
				   message->address.number, message->address.port,
				   message->flag);
		return 0;
	case MESSAGE_RETRYING:
		if (message->number < 1 || message->number > TRANSFER_RETRIES_MAX)
			return fail_broken(err);
		if (run->whole_ms)
			return end_whole(run, "the connection was lost");
		client->retrying(client->context, (unsigned)message->number);
		return 0;
	case MESSAGE_WANTS_PASSWORD:
		return ask_password(run, err);
	case MESSAGE_WANTS_HOST_KEY:
		return ask_host_key(run, err);
	case MESSAGE_WANTS_PART:
		return ask_part(run, err);
	case MESSAGE_FAILED:
		return run->whole_ms ? end_whole(run, message->text)
				     : fail_as_said(run, err);
	case MESSAGE_DONE:
		run->done = true;
		return 0;
	case MESSAGE_LOGIN:
	case MESSAGE_ACCEPTED:
	case MESSAGE_PART:
		break;
	}
	return fail_broken(err);
}

/* All whole messages in the buffer. */
static int act_on_all(struct run *run, struct verity_error *err)
{
	size_t done = 0, size;
	enum message_type type;
	int r = 0;

	while (r == 0 && !run->done && run->used - done >= MESSAGE_HEAD) {
		const uint8_t *at = run->buffer + done;

		if (message_head(at, &type, &size) < 0)
			return fail_broken(err);
		if (run->used - done < MESSAGE_HEAD + size)
			break;
		r = message_decode(type, at + MESSAGE_HEAD, size, &run->message) < 0
			    ? fail_broken(err)
			    : act(run, err);
		done += MESSAGE_HEAD + size;
	}
	/* After a person was asked, the process has not been silent. */
	run->heard_ms = now_ms();
	run->used -= done;
	memmove(run->buffer, run->buffer + done, run->used);
	return r;
}

static int fail_ended(struct run *run, struct verity_error *err)
{
	int status = sandbox_wait(&run->sandbox);

	if (run->whole_ms)
		return end_whole(run, "the process ended");
	if (WIFSIGNALED(status))
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the process that talks to the server was ended: %s",
				   strsignal(WTERMSIG(status)));
	return verity_fail(err, VERITY_E_TRANSFER,
			   "the process that talks to the server ended with status %d",
			   WEXITSTATUS(status));
}

static int check_time(struct run *run, struct verity_error *err)
{
	int64_t now = now_ms();

	if (run->whole_ms && now - run->whole_ms >= LAST_WORD_MS)
		return end_whole(run, "nothing");
	if (now - run->heard_ms >= (run->fetcher->silence_ms ?: FETCHER_SILENCE_MS))
		return fail_broken(err);
	if (now - run->window_ms < WINDOW_MS)
		return 0;
	if (run->window_bytes < WINDOW_MIN)
		return fail_broken(err);
	run->window_ms = now;
	run->window_bytes = 0;
	return 0;
}

/*
 * Bytes to ask for: up to the end of a message and the head of the next, so that hardly
 * any have to be moved to the begin of the buffer.
 */
static size_t wanted(const struct run *run)
{
	enum message_type type;
	size_t size = 0;

	if (run->used >= MESSAGE_HEAD)
		(void)!message_head(run->buffer, &type, &size);
	return 2 * MESSAGE_HEAD + size - run->used;
}

/* Waits for more, at most POLL_MS. */
static int hear(struct run *run, struct verity_error *err)
{
	struct pollfd input = {.fd = run->sandbox.from, .events = POLLIN};
	int ready = poll(&input, 1, POLL_MS);
	int r = signals_check(err);
	ssize_t count;

	if (r < 0)
		return r;
	if (ready <= 0)
		return check_time(run, err);
	count = read(input.fd, run->buffer + run->used, wanted(run));
	if (count < 0)
		return errno == EINTR ? 0 : verity_fail_errno(err, errno, "pipe");
	if (count == 0)
		return fail_ended(run, err);
	run->used += (size_t)count;
	return act_on_all(run, err);
}

int fetcher_run(const struct fetcher *fetcher, const struct transfer_client *client,
		struct verity_error *err)
{
	cleanup_free struct run *run = calloc(1, sizeof(*run));
	int r;

	if (!run)
		return verity_no_memory(err);
	r = start(fetcher, &run->sandbox, err);
	if (r < 0)
		return r;
	if (fcntl(run->sandbox.to, F_SETFL, O_NONBLOCK) < 0)
		r = verity_fail_errno(err, errno, "pipe");
	run->fetcher = fetcher;
	run->client = client;
	run->end = fetcher->job.first_bytes;
	run->heard_ms = run->window_ms = now_ms();
	while (r == 0 && !run->done)
		r = hear(run, err);
	(void)sandbox_end(&run->sandbox);
	return r;
}
