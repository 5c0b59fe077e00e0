/* SPDX-License-Identifier: MIT */
/*
 * A process of a transfer that a stranger has taken over, and what is believed of it:
 *
 *	hostile ATTACK
 *
 * Prints the bytes of the file that arrived, the questions that a person was asked, and
 *how it ended.
 */
#include "installer/fetch/fetcher.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/signals.h"
#include "installer/fetch/fetch_program.h"
#include "installer/request/message.h"
#include "installer/request/protocols.h"
#include "installer/transfer/worker_start.h"

#define REFUSED_AT  (1 << 20) /* bytes, by the judge */
#define MANY        100000
#define FIRST_BYTES 100 /* that are wanted first, of a server that can give parts */
#define PART_FIRST  1000
#define PART_BYTES  16

static struct {
	int64_t bytes;
	unsigned passwords, keys, lines, parts;
} seen;

static void put(int out, const void *bytes, size_t size)
{
	if (write(out, bytes, size) < 0)
		_exit(3);
}

static void put_message(int out, unsigned type, const void *content, size_t size)
{
	uint8_t bytes[1024] = {(uint8_t)type, (uint8_t)size, (uint8_t)(size >> 8)};

	memcpy(bytes + MESSAGE_HEAD, content, size);
	put(out, bytes, MESSAGE_HEAD + size);
}

#define PUT(out, type, text) put_message((out), (type), (text), sizeof(text) - 1)

static void garbage(int in, int out)
{
	uint8_t bytes[4096];

	(void)in;
	srandom(1);
	for (;;) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)random();
		put(out, bytes, sizeof(bytes));
	}
}

static void no_type(int in, int out)
{
	(void)in;
	PUT(out, 0, "");
}

static void unknown_type(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_PART + 1, "");
}

static void large_bytes(int in, int out)
{
	(void)in;
	put(out, "\x01\xff\xff\xff", 4);
	for (;;)
		put(out, "x", 1);
}

static void large_text(int in, int out)
{
	(void)in;
	put(out, "\x0a\xff\xff\x00", 4);
}

static void no_bytes(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_BYTES, "");
}

static void text_without_end(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_FAILED, "\1\0\0\0\0\0\0\0text");
}

static void more_than_text(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_FAILED, "\1\0\0\0\0\0\0\0text\0more\0");
}

static void missing_text(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_CONNECTING, "\0host\0number\0");
}

static void flag(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_CONNECTING,
	    "\2host\0number\0"
	    "80\0");
}

static void negative_length(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_LENGTH, "\xff\xff\xff\xff\xff\xff\xff\xff");
}

static void retries(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_RETRYING, "\4\0\0\0\0\0\0\0");
}

static void endless_retries(int in, int out)
{
	(void)in;
	for (int i = 0; i < MANY; i++)
		PUT(out, MESSAGE_RETRYING, "\1\0\0\0\0\0\0\0");
}

static void endless_lines(int in, int out)
{
	(void)in;
	for (int i = 0; i < MANY; i++)
		PUT(out, MESSAGE_CONNECTING,
		    "\0host\0number\0"
		    "80\0");
}

static void endless_bytes(int in, int out)
{
	(void)in;
	for (;;)
		PUT(out, MESSAGE_BYTES, "0123456789abcdef");
}

static void endless_passwords(int in, int out)
{
	char answer[64];

	for (int i = 0; i < MANY; i++) {
		PUT(out, MESSAGE_WANTS_PASSWORD, "\0\0");
		if (read(in, answer, sizeof(answer)) <= 0)
			sleep(1000);
	}
}

static void endless_keys(int in, int out)
{
	char answer[64];

	for (int i = 0; i < MANY; i++) {
		PUT(out, MESSAGE_WANTS_HOST_KEY, "\0\0\0\x0bssh-ed25519\0\0\0\1x");
		if (read(in, answer, sizeof(answer)) <= 0)
			sleep(1000);
	}
}

/* Bytes of the first part: as many as it is asked for, fewer, or more. */
static void first_part(int out, size_t count)
{
	static const char bytes[FIRST_BYTES + 1];

	put_message(out, MESSAGE_BYTES, bytes, count);
	put_message(out, MESSAGE_WANTS_PART, bytes, 0);
}

static void hear_part(int in)
{
	char answer[64];

	if (read(in, answer, sizeof(answer)) <= 0)
		sleep(1000);
}

static void good_parts(int in, int out)
{
	first_part(out, FIRST_BYTES);
	hear_part(in);
	PUT(out, MESSAGE_BYTES, "0123456789abcdef");
	PUT(out, MESSAGE_WANTS_PART, "");
	hear_part(in);
	PUT(out, MESSAGE_DONE, "");
}

static void part_too_early(int in, int out)
{
	(void)in;
	first_part(out, FIRST_BYTES - 1);
}

static void part_too_late(int in, int out)
{
	(void)in;
	first_part(out, FIRST_BYTES + 1);
}

static void more_than_part(int in, int out)
{
	first_part(out, FIRST_BYTES);
	hear_part(in);
	PUT(out, MESSAGE_BYTES, "0123456789abcdefg");
}

static void less_than_part(int in, int out)
{
	first_part(out, FIRST_BYTES);
	hear_part(in);
	PUT(out, MESSAGE_BYTES, "0123456789abcde");
	PUT(out, MESSAGE_WANTS_PART, "");
}

/* After the last one: it has an end all the same. */
static void endless_parts(int in, int out)
{
	first_part(out, FIRST_BYTES);
	hear_part(in);
	PUT(out, MESSAGE_BYTES, "0123456789abcdef");
	for (int i = 0; i < MANY; i++) {
		PUT(out, MESSAGE_WANTS_PART, "");
		hear_part(in);
	}
}

/* It asks for one after the other, and never reads which they are. */
static void deaf(int in, int out)
{
	(void)in;
	first_part(out, FIRST_BYTES);
	for (int i = 0; i < MANY; i++) {
		PUT(out, MESSAGE_BYTES, "0123456789abcdef");
		PUT(out, MESSAGE_WANTS_PART, "");
	}
}

static void says_part(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_PART, "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0");
}

static void bad_key(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_WANTS_HOST_KEY, "\xff\xff\xff\xffssh");
}

static void answers(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_LOGIN, "root\0secret\0");
}

static void accepts(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_ACCEPTED, "");
}

/* A transfer never says this: only a person interrupts. */
static void interrupted(int in, int out)
{
	const uint8_t content[] = {VERITY_E_INTERRUPTED, 0, 0, 0, 0, 0, 0, 0, 'x', 0};

	(void)in;
	put_message(out, MESSAGE_FAILED, content, sizeof(content));
}

static void unknown_code(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_FAILED, "\xff\0\0\0\1\0\0\0x\0");
}

static void half_a_message(int in, int out)
{
	(void)in;
	put(out, "\x01\xff\x00\x00half", 8);
}

static void dies(int in, int out)
{
	(void)in, (void)out;
	abort();
}

static void starts_a_process(int in, int out)
{
	(void)in, (void)out;
	(void)!fork();
}

static void closes(int in, int out)
{
	(void)in;
	close(out);
	sleep(1000);
}

static void silent(int in, int out)
{
	(void)in, (void)out;
	sleep(1000);
}

static void unchanged(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_VERSION, "\1\"1\"\0");
	PUT(out, MESSAGE_DONE, "");
}

static void bytes_after_unchanged(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_VERSION, "\1\"1\"\0");
	PUT(out, MESSAGE_BYTES, "bytes");
}

static void unchanged_after_bytes(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_BYTES, "bytes");
	PUT(out, MESSAGE_VERSION, "\1\"1\"\0");
}

/* No attack: so it is seen that the others end because of what they say. */
static void good(int in, int out)
{
	(void)in;
	PUT(out, MESSAGE_LENGTH, "\5\0\0\0\0\0\0\0");
	PUT(out, MESSAGE_BYTES, "bytes");
	PUT(out, MESSAGE_DONE, "");
}

static const struct attack {
	const char *name;
	void (*run)(int in, int out);
} attacks[] = {
	{"garbage", garbage},
	{"no-type", no_type},
	{"unknown-type", unknown_type},
	{"large-bytes", large_bytes},
	{"large-text", large_text},
	{"no-bytes", no_bytes},
	{"text-without-end", text_without_end},
	{"more-than-text", more_than_text},
	{"missing-text", missing_text},
	{"flag", flag},
	{"negative-length", negative_length},
	{"retries", retries},
	{"endless-retries", endless_retries},
	{"endless-lines", endless_lines},
	{"endless-bytes", endless_bytes},
	{"endless-passwords", endless_passwords},
	{"endless-keys", endless_keys},
	{"bad-key", bad_key},
	{"answers", answers},
	{"accepts", accepts},
	{"interrupted", interrupted},
	{"unknown-code", unknown_code},
	{"half-a-message", half_a_message},
	{"dies", dies},
	{"starts-a-process", starts_a_process},
	{"closes", closes},
	{"silent", silent},
	{"unchanged", unchanged},
	{"bytes-after-unchanged", bytes_after_unchanged},
	{"unchanged-after-bytes", unchanged_after_bytes},
	{"good", good},
	{"good-parts", good_parts},
	{"part-too-early", part_too_early},
	{"part-too-late", part_too_late},
	{"more-than-part", more_than_part},
	{"less-than-part", less_than_part},
	{"endless-parts", endless_parts},
	{"deaf", deaf},
	{"says-part", says_part},
};

static const struct attack *find(const char *name)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (strcmp(name, attacks[i].name) == 0)
			return &attacks[i];
	return NULL;
}

/* The job has no other place for it. */
static int attack(const struct transfer_job *job, int in, int out)
{
	const struct attack *found = find(job->user);

	if (!found)
		return 2;
	found->run(in, out);
	return 0;
}

static int take(void *context, const void *bytes, size_t count, struct verity_error *err)
{
	(void)context, (void)bytes;
	seen.bytes += (int64_t)count;
	return seen.bytes < REFUSED_AT
		       ? 0
		       : verity_fail(err, VERITY_E_BAD_LENGTH, "refused by the judge");
}

/* As many as PARTS says, and then no more. */
static int next_part(void *context, struct part *ret, struct verity_error *err)
{
	bool more = seen.parts++ < strtoul(getenv("PARTS"), NULL, 10);

	(void)context, (void)err;
	*ret = (struct part){PART_FIRST, PART_FIRST + (more ? PART_BYTES : 0)};
	return 0;
}

static void count_number(void *context, int64_t number)
{
	(void)context, (void)number;
}

static void count_text(void *context, const char *text)
{
	(void)context, (void)text;
}

static void count_version(void *context, const char *version, bool unchanged)
{
	(void)context, (void)version, (void)unchanged;
}

static void count_line(void *context, const char *host, const char *number,
		       const char *port, bool is_v6)
{
	(void)context, (void)host, (void)number, (void)port, (void)is_v6;
	seen.lines++;
}

static void count_retry(void *context, unsigned retry)
{
	(void)context, (void)retry;
	seen.lines++;
}

static int ask(void *context, const char *why, const char **ret_user, char **ret_password,
	       struct verity_error *err)
{
	(void)context, (void)why, (void)err;
	seen.passwords++;
	*ret_user = "user";
	*ret_password = strdup("password");
	return *ret_password ? 0 : -ENOMEM;
}

static int accept_key(void *context, const struct known_hosts_key *key,
		      struct verity_error *err)
{
	(void)context, (void)key, (void)err;
	seen.keys++;
	return 0;
}

int main(int argc, char **argv)
{
	const struct transfer_client client = {
		.take = take,
		.next = next_part,
		.length = count_number,
		.origin = count_text,
		.version = count_version,
		.connecting = count_line,
		.retrying = count_retry,
		.ask_password = ask,
		.accept_host_key = accept_key,
	};
	const char *scheme = argc > 2 ? argv[2] : "sftp";
	struct fetcher fetcher = {
		.job = {.url = argc > 3 ? argv[3] : "sftp://127.0.0.1/~/x.wmopkg",
			.host = "127.0.0.1",
			.port = 22,
			.user = argc > 1 ? argv[1] : "",
			.known = getenv("KNOWN"),
			.can_ask = !getenv("NOBODY_THERE"),
			.first_bytes = getenv("PARTS") ? FIRST_BYTES : 0,
			.uid = 65534,
			.gid = 65534},
		.silence_ms = 3000,
		.program = "/proc/self/exe",
	};
	struct verity_error err = {0};
	int r;

	if (strcmp(argv[0], FETCH_PROGRAM) == 0)
		worker_start(attack);
	fetcher.job.protocol = protocol_find(scheme, strlen(scheme));
	if (!find(fetcher.job.user) || !fetcher.job.protocol)
		return 2;
	signals_watch();
	r = fetcher_run(&fetcher, &client, &err);
	printf("%" PRId64 " bytes, %u lines, %u passwords, %u keys: %s\n", seen.bytes,
	       seen.lines, seen.passwords, seen.keys, r == 0 ? "done" : err.message);
	return 0;
}
