/* SPDX-License-Identifier: MIT */
/* Passing bytes on between an ssh agent and who asks it. */
#include "installer/sandbox/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define PIECE_BYTES 4096

static int make_socket(const char *path, struct sockaddr_un *ret)
{
	int fd;

	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(ret->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
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

/*
 * A write that fails is not told: poll() tells next that the other one has ended.
 *
 * Return: false at the end of @from.
 */
static bool pass_on(int from, int to, int worker)
{
	char piece[PIECE_BYTES];
	ssize_t count = read(from, piece, sizeof(piece));
	ssize_t done = 0;

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
	return count > 0;
}

void sandbox_relay_run(const struct sandbox_relay *relay)
{
	cleanup_fd int client = -1;

	for (;;) {
		struct pollfd ends[] = {
			{.fd = relay->worker},
			{.fd = relay->agent, .events = POLLIN},
			{.fd = client < 0 ? relay->listen : client, .events = POLLIN},
		};

		if (poll(ends, 3, -1) <= 0 || ends[0].revents)
			return;
		if (ends[1].revents && !pass_on(relay->agent, client, relay->worker))
			return;
		if (!ends[2].revents)
			continue;
		if (client >= 0) {
			if (!pass_on(client, relay->agent, relay->worker))
				close(steal_fd(&client));
			continue;
		}
		client = accept4(relay->listen, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			return;
	}
}
