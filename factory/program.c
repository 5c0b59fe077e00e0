/* SPDX-License-Identifier: MIT */
/* Runs a program of the firmware, and keeps the last line of its output. */
#include "factory/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define FILE_HANDED 3    /* FACTORY_PROGRAM_FILE */
#define TAIL_BYTES  1024 /* half of it is kept */

static const char *find(const struct factory_program *program)
{
	for (const char *const *path = program->paths; path && *path; path++) {
		cleanup_free char *real = realpath(*path, NULL);
		const char *slash = real ? strrchr(real, '/') : NULL;
		/* BusyBox's mke2fs knows neither ext4 nor a UUID. */
		bool substitute = slash && (strcmp(slash, "/busybox") == 0 ||
					    strcmp(slash, "/toybox") == 0);

		if (access(*path, X_OK) == 0 && (program->common || !substitute))
			return *path;
	}
	return NULL;
}

bool factory_program_there(const struct factory_program *program)
{
	return find(program) != NULL;
}

/* Reads to the end. Return: the last line, in @buffer. */
static const char *read_last_line(int fd, char buffer[static TAIL_BYTES])
{
	size_t size = 0;
	ssize_t n;
	char *line;

	while ((n = read(fd, buffer + size, TAIL_BYTES - 1 - size)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		size += n > 0 ? (size_t)n : 0;
		if (size > TAIL_BYTES / 2) {
			memmove(buffer, buffer + size - TAIL_BYTES / 2, TAIL_BYTES / 2);
			size = TAIL_BYTES / 2;
		}
	}
	while (size > 0 && strchr("\r\n ", buffer[size - 1]))
		size--;
	buffer[size] = '\0';
	line = strrchr(buffer, '\n');
	return line ? line + 1 : buffer;
}

/* As file 3, which @report must not be. */
static bool hand_over(int file, int *report)
{
	if (file == 0)
		return true;
	*report = fcntl(*report, F_DUPFD_CLOEXEC, FILE_HANDED + 1);
	if (*report < 0)
		return false;
	/* dup2() to itself would leave it to be closed */
	if (file == FILE_HANDED)
		return fcntl(file, F_SETFD, 0) == 0;
	return dup2(file, FILE_HANDED) >= 0;
}

/*
 * The environment is the firmware's own folders and English messages. The program ends
 * with us, or the next run would work on a disk that it is still writing to. If it cannot
 * be started, the reason goes to @report.
 */
static void __attribute__((noreturn))
become(const char *path, const struct factory_program *program, int out, int report)
{
	static char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale_variable[] = "LC_ALL=C";
	char *environment[] = {path_variable, locale_variable, NULL};
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (!program->common)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
	    dup2(out, STDERR_FILENO) >= 0 && hand_over(program->file, &report))
		execve(path, (char **)(uintptr_t)program->words, environment);
	(void)!write(report, &(int){errno}, sizeof(int));
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
	/* nothing is read where the program was started */
	if (child > 0 && read(pipes[0], &why, sizeof(why)) == (ssize_t)sizeof(why))
		(void)waitpid(child, NULL, 0);
	close(pipes[0]);
	*ret = child;
	return -why;
}

int factory_program_run(const struct factory_program *program, struct verity_error *err)
{
	const char *path = find(program), *name = program->words[0], *line = "";
	char buffer[TAIL_BYTES];
	int pipes[2], status, r;
	pid_t child = -1;

	if (!path)
		return verity_fail(err, VERITY_E_NOT_FOUND, "%s is not on this device",
				   name ? name : "the program");
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return verity_fail_errno(err, errno, "%s", name);
	r = spawn(path, program, pipes[1], &child);
	close(pipes[1]);
	if (r == 0)
		line = read_last_line(pipes[0], buffer);
	close(pipes[0]);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s", path);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return verity_fail_errno(err, errno, "%s", path);
	r = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	verity_fail(err, VERITY_E_IO, "%s ended with status %d: %s", name, r, line);
	return r;
}
