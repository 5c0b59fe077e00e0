/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "factory/filesystem.h"
#include "verity/cleanup.h"

#define TAIL_BYTES 512 /* of what a program said */

/* The end of what was said so far. */
struct tail {
	char text[TAIL_BYTES];
	size_t size;
};

/* What BusyBox calls mke2fs knows neither ext4 nor a UUID. */
static bool is_substitute(const char *path)
{
	cleanup_free char *real = realpath(path, NULL);
	const char *slash = real ? strrchr(real, '/') : NULL;

	return slash && (strcmp(slash, "/busybox") == 0 || strcmp(slash, "/toybox") == 0);
}

static const char *find(const struct factory_program *program)
{
	for (const char *const *path = program->paths; path && *path; path++)
		if (access(*path, X_OK) == 0 && !is_substitute(*path))
			return *path;
	return NULL;
}

bool factory_program_there(const struct factory_program *program)
{
	return find(program) != NULL;
}

static void keep_end(struct tail *tail, const char *bytes, size_t size)
{
	size_t over = tail->size + size > sizeof(tail->text) - 1
			      ? tail->size + size - (sizeof(tail->text) - 1)
			      : 0;

	memmove(tail->text, tail->text + over, tail->size - over);
	tail->size -= over;
	memcpy(tail->text + tail->size, bytes, size);
	tail->size += size;
	tail->text[tail->size] = '\0';
}

/* Pieces are less than half of what is kept, so the older end never has to be cut off. */
static void listen(int fd, struct tail *tail)
{
	char bytes[TAIL_BYTES / 4];
	ssize_t size;

	while ((size = read(fd, bytes, sizeof(bytes))) != 0)
		if (size > 0)
			keep_end(tail, bytes, (size_t)size);
		else if (errno != EINTR)
			return;
}

static const char *last_line(struct tail *tail)
{
	char *line;

	while (tail->size > 0 && strchr("\r\n ", tail->text[tail->size - 1]))
		tail->text[--tail->size] = '\0';
	line = strrchr(tail->text, '\n');
	return line ? line + 1 : tail->text;
}

/* Nothing of our environment: the firmware's own folders, and plain English. */
static int spawn(const char *path, const struct factory_program *program, int out,
		 pid_t *ret)
{
	static char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale_variable[] = "LC_ALL=C";
	char *environment[] = {path_variable, locale_variable, NULL};
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					     O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	if (r == 0)
		r = posix_spawn(ret, path, &actions, NULL,
				(char **)(uintptr_t)program->words, environment);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int factory_program_run(const struct factory_program *program, struct verity_error *err)
{
	const char *path = find(program);
	const char *name = program->words[0];
	struct tail tail = {.size = 0};
	int pipes[2] = {-1, -1};
	int status, r;
	pid_t child;

	if (!path)
		return verity_fail(err, VERITY_E_NOT_FOUND, "%s is not on this device",
				   name ? name : "the program");
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return verity_fail_errno(err, errno, "%s", name);
	r = spawn(path, program, pipes[1], &child);
	close(pipes[1]);
	if (r == 0)
		listen(pipes[0], &tail);
	close(pipes[0]);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s", path);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return verity_fail_errno(err, errno, "%s", path);
	r = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	verity_fail(err, VERITY_E_IO, "%s ended with status %d: %s", name, r,
		    last_line(&tail));
	return r;
}
