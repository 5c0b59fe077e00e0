/* SPDX-License-Identifier: MIT */
/* Passing bytes on between an ssh agent and who asks it. */
#include "installer/sandbox/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define PIECE_BYTES 4096

/* Of the protocol of agents: draft-ietf-sshm-ssh-agent. */
#define HEAD_BYTES    5 /* length of the rest, big-endian; type */
#define REQUEST_BYTES (256U << 10)
#define LIST_KEYS     11
#define SIGN          13

static int make_socket(const char *path, struct sockaddr_un *ret)
{
	int fd;

	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(ret->sun_path, path);
	/* who has the path may never accept */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int sandbox_relay_connect(const char *path)
{
	struct sockaddr_un address;
	cleanup_fd int fd = make_socket(path, &address);

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}

int sandbox_relay_listen(void)
{
	struct sockaddr_un address;
	cleanup_fd int fd = make_socket(SANDBOX_RELAY_PATH, &address);

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(SANDBOX_RELAY_PATH, 0666) < 0 || listen(fd, 1) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* Where the requests to the agent are: in a head, or in what follows it. */
struct requests {
	uint8_t head[HEAD_BYTES];
	size_t count; /* bytes of the head */
	size_t left;  /* bytes of the request after its head */
};

/*
 * An agent also takes other requests: to forget its keys, to lock itself, to load a
 * library for a token. Who logs in needs none of these.
 *
 * Return: false at the first one of another type.
 */
static bool are_allowed(struct requests *requests, const uint8_t *bytes, size_t size)
{
	const uint8_t *head = requests->head;

	while (size > 0) {
		size_t skipped = requests->left < size ? requests->left : size;
		uint32_t length;

		requests->left -= skipped;
		bytes += skipped;
		size -= skipped;
		if (size == 0)
			break;
		requests->head[requests->count++] = *bytes++;
		size--;
		if (requests->count < HEAD_BYTES)
			continue;
		length = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 |
			 (uint32_t)head[2] << 8 | head[3];
		if (length == 0 || length > REQUEST_BYTES ||
		    (head[4] != LIST_KEYS && head[4] != SIGN))
			return false;
		requests->left = length - 1;
		requests->count = 0;
	}
	return true;
}

/*
 * A write that fails is not told: poll() tells next that the other one has ended.
 *
 * @requests: NULL: answers of the agent
 * Return: 0 at the end of @from; -1 at what is not passed on.
 */
static int pass_on(int from, int to, int worker, struct requests *requests)
{
	uint8_t piece[PIECE_BYTES];
	ssize_t count = read(from, piece, sizeof(piece));
	ssize_t done = 0;

	if (requests && count > 0 && !are_allowed(requests, piece, (size_t)count))
		return -1;

	/* An answer that nobody waits for any more is dropped. */
	while (to >= 0 && done < count) {
		struct pollfd ends[] = {{.fd = worker}, {.fd = to, .events = POLLOUT}};
		ssize_t part;

		if (poll(ends, 2, -1) <= 0 || ends[0].revents)
			break;
		part = send(to, piece + done, (size_t)(count - done),
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (part < 0 && errno != EAGAIN)
			break;
		done += part > 0 ? part : 0;
	}
	return count > 0 ? 1 : 0;
}

void sandbox_relay_run(const struct sandbox_relay *relay)
{
	struct requests requests = {.count = 0};
	cleanup_fd int client = -1;
	int r;

	for (;;) {
		struct pollfd ends[] = {
			{.fd = relay->worker},
			{.fd = relay->agent, .events = POLLIN},
			{.fd = client < 0 ? relay->listen : client, .events = POLLIN},
		};

		if (poll(ends, 3, -1) <= 0 || ends[0].revents)
			return;
		if (ends[1].revents &&
		    pass_on(relay->agent, client, relay->worker, NULL) <= 0)
			return;
		if (!ends[2].revents)
			continue;
		if (client >= 0) {
			r = pass_on(client, relay->agent, relay->worker, &requests);
			if (r < 0)
				return;
			if (r == 0)
				close(steal_fd(&client));
			continue;
		}
		client = accept4(relay->listen, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			return;
	}
}
