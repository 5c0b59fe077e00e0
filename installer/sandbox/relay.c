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

/* Return: false at the end of one of them. */
static bool pass_on(int from, int to)
{
	char piece[PIECE_BYTES];
	ssize_t count = read(from, piece, sizeof(piece));
	ssize_t done = 0;

	while (done < count) {
		ssize_t part = write(to, piece + done, (size_t)(count - done));

		if (part <= 0)
			return false;
		done += part;
	}
	return count > 0;
}

void sandbox_relay_run(const struct sandbox_relay *relay)
{
	for (;;) {
		cleanup_fd int client = accept4(relay->listen, NULL, NULL, SOCK_CLOEXEC);
		struct pollfd ends[] = {{.fd = client, .events = POLLIN},
					{.fd = relay->agent, .events = POLLIN}};
		bool open = client >= 0;

		if (!open)
			return;
		while (open && poll(ends, 2, -1) > 0) {
			if (ends[1].revents && !pass_on(relay->agent, client))
				return;
			if (ends[0].revents)
				open = pass_on(client, relay->agent);
		}
	}
}
