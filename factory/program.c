/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "factory/filesystem.h"
#include "verity/util/cleanup.h"

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
		if (access(*path, X_OK) == 0 &&
		    (program->common || !is_substitute(*path)))
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

/*
 * Nothing of our environment: the firmware's own folders, and plain English. It ends with
 * us, or the next run would work on a disk that it is still at. Why it could not be begun
 * goes to @tell.
 */
static void __attribute__((noreturn))
become(const char *path, const struct factory_program *program, int out, int tell)
{
	static char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale_variable[] = "LC_ALL=C";
	char *environment[] = {path_variable, locale_variable, NULL};
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (!program->common)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
	    dup2(out, STDERR_FILENO) >= 0)
		execve(path, (char **)(uintptr_t)program->words, environment);
	(void)!write(tell, &(int){errno}, sizeof(int));
	_exit(EXIT_FAILURE);
}

static int spawn(const char *path, const struct factory_program *program, int out,
		 pid_t *ret)
{
	int pipes[2];
	int why = 0;
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		become(path, program, out, pipes[1]);
	if (child < 0)
		why = errno;
	close(pipes[1]);
	/* nothing comes where another program has taken its place */
	if (child > 0 && read(pipes[0], &why, sizeof(why)) == (ssize_t)sizeof(why))
		(void)waitpid(child, NULL, 0);
	close(pipes[0]);
	*ret = child;
	return -why;
}

int factory_program_run(const struct factory_program *program, struct verity_error *err)
{
	const char *path = find(program);
	const char *name = program->words[0];
	struct tail tail = {.size = 0};
	int pipes[2] = {-1, -1};
	int status, r;
	pid_t child = -1;

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
