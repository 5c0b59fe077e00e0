/* SPDX-License-Identifier: MIT */
/* Runs a program of the firmware, and keeps the last line of its output. */
#include "factory/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/fs/clock.h"
#include "overlay/stack/memory.h"
#include "verity/util/cleanup.h"

#define FILE_HANDED 3    /* FACTORY_PROGRAM_FILE */
#define TAIL_BYTES  1024 /* half of it is kept */
#define STEP_MS     100  /* between looking whether it has ended */
#define SOON_MS     5    /* likewise, once it says no more */
#define SECOND_US   UINT64_C(1000000)
#define KILL_US     (5 * SECOND_US) /* how long a killed program may take to end */

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

/* The program while it runs, and what it has said. */
struct running {
	const struct factory_program *program;
	pid_t pid;
	int output; /* -1: it will say no more */
	int log;    /* -1: none */
	size_t logged;
	char tail[TAIL_BYTES]; /* of its output */
	size_t size;
};

static void running_close(struct running *running)
{
	cleanup_fd_p(&running->output);
	cleanup_fd_p(&running->log);
}

/* What a program says of a crafted file system may be more than the memory. */
static void add_to_log(struct running *running, const char *text, size_t size)
{
	size_t left = FACTORY_LOG_BYTES - running->logged;

	if (size > left)
		size = left;
	if (running->log >= 0 && size > 0)
		(void)!write(running->log, text, size);
	running->logged += size;
}

static void read_output(struct running *running)
{
	char *end = running->tail + running->size;
	ssize_t n = read(running->output, end, TAIL_BYTES - 1 - running->size);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		cleanup_fd_p(&running->output);
		running->output = -1;
		return;
	}
	add_to_log(running, end, (size_t)n);
	running->size += (size_t)n;
	if (running->size > TAIL_BYTES / 2) {
		memmove(running->tail, running->tail + running->size - TAIL_BYTES / 2,
			TAIL_BYTES / 2);
		running->size = TAIL_BYTES / 2;
	}
}

static const char *last_line(struct running *running)
{
	char *line;

	while (running->size > 0 && strchr("\r\n ", running->tail[running->size - 1]))
		running->size--;
	running->tail[running->size] = '\0';
	line = strrchr(running->tail, '\n');
	return line ? line + 1 : running->tail;
}

/*
 * Until it has ended, or @until_us. What it started may have its output open after that.
 * Return: the same as of waitpid(2); 0 where it is still running.
 */
static pid_t wait_until(struct running *running, uint64_t until_us, int *ret_status)
{
	for (;;) {
		struct pollfd output = {.fd = running->output, .events = POLLIN};
		int wait_ms = running->output < 0 ? SOON_MS : STEP_MS;
		pid_t ended;

		if (poll(&output, 1, wait_ms) > 0)
			read_output(running);
		if (!(output.revents & POLLIN)) {
			ended = waitpid(running->pid, ret_status, WNOHANG);
			if (ended > 0 || (ended < 0 && errno != EINTR))
				return ended;
		}
		if (overlay_clock_us() >= until_us)
			return 0;
	}
}

/* Return: as wait_until(); 0 where it was ended, or cannot be. */
static pid_t wait_for(struct running *running, int *ret_status)
{
	const struct factory_program *program = running->program;
	uint64_t begun_us = overlay_clock_us(), until_us = UINT64_MAX;
	pid_t ended = 0;

	if (program->limit_seconds > 0)
		until_us = begun_us + (uint64_t)program->limit_seconds * SECOND_US;
	if (program->slow && until_us > begun_us + SECOND_US) {
		ended = wait_until(running, begun_us + SECOND_US, ret_status);
		if (ended == 0)
			program->slow(program->context);
	}
	if (ended == 0)
		ended = wait_until(running, until_us, ret_status);
	if (ended != 0)
		return ended;
	kill(-running->pid, SIGKILL);
	(void)wait_until(running, overlay_clock_us() + KILL_US, ret_status);
	return 0;
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

/* @bytes: of memory that is available; UINT64_MAX: not known */
static void bound(uint64_t bytes)
{
	const struct rlimit most = {bytes / 4 * 3, bytes / 4 * 3};
	cleanup_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1000", 4);
	if (bytes != UINT64_MAX)
		(void)setrlimit(RLIMIT_AS, &most);
}

/*
 * The environment is the firmware's own folders and English messages. The program ends
 * with us, or the next run would work on a disk that it is still writing to. If it cannot
 * be started, the reason goes to @report.
 */
static void __attribute__((noreturn))
become(const char *path, const struct factory_program *program, uint64_t memory, int out,
       int report)
{
	static char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale_variable[] = "LC_ALL=C";
	char *environment[] = {path_variable, locale_variable, NULL};
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (!program->common)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (program->limit_seconds > 0)
		setpgid(0, 0);
	if (program->bounded)
		bound(memory);
	if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
	    dup2(out, STDERR_FILENO) >= 0 && hand_over(program->file, &report))
		execve(path, (char **)(uintptr_t)program->words, environment);
	(void)!write(report, &(int){errno}, sizeof(int));
	_exit(EXIT_FAILURE);
}

static int spawn(const char *path, const struct factory_program *program, int out,
		 pid_t *ret)
{
	uint64_t memory = program->bounded ? overlay_memory_read("MemAvailable") : 0;
	int pipes[2];
	int why = 0;
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		become(path, program, memory, out, pipes[1]);
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
	cleanup_with(running_close) struct running running = {
		.program = program, .output = -1, .log = -1};
	const char *path = find(program), *name = program->words[0];
	int pipes[2], status = 0, r;
	pid_t ended;

	if (!path)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "%s is not on this device (add it to the firmware)",
				   name ? name : "the program");
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return verity_fail_errno(err, errno, "%s", name);
	running.output = pipes[0];
	r = spawn(path, program, pipes[1], &running.pid);
	close(pipes[1]);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s", path);
	if (program->log)
		running.log = open(program->log,
				   O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
				   0600);
	ended = wait_for(&running, &status);
	if (ended < 0)
		return verity_fail_errno(err, errno, "%s", path);
	if (ended == 0)
		return verity_fail(err, VERITY_E_TIMED_OUT,
				   "%s was ended: it was not done within %u s", name,
				   program->limit_seconds);
	r = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	verity_fail(err, VERITY_E_IO, "%s ended with status %d: %s", name, r,
		    last_line(&running));
	return r;
}
