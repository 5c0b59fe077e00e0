/* SPDX-License-Identifier: MIT */
#include "initramfs/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "initramfs/log.h"
#include "initramfs/rescue.h"
#include "initramfs/supervisor_pipe.h"
#include "initramfs/timed_jobs.h"
#include "overlay/config/config.h"
#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#define SECOND_US 1000000
#define KILL_US   (2 * SECOND_US) /* what a kill may take to be obeyed */
#define RESCUE_US (10 * SECOND_US)

struct worker {
	pid_t pid;
	int end_fd;    /* readable when it has ended; -1: this kernel cannot tell */
	int line_fd;   /* what it tells us; see initramfs/supervisor_pipe.h */
	int said_fd;   /* what it says to a person */
	int signal_fd; /* what is to be passed on to it */

	uint64_t start_us;
	uint64_t end_us; /* when its time is over */
	unsigned limit_seconds;
	bool active;
	bool done;
	bool stuck;
	int status; /* once it is done */
};

static void worker_close(struct worker *worker)
{
	cleanup_fd_p(&worker->end_fd);
	cleanup_fd_p(&worker->line_fd);
	cleanup_fd_p(&worker->said_fd);
	cleanup_fd_p(&worker->signal_fd);
}

static void hear_word(struct worker *worker, const struct supervised_word *word)
{
	uint64_t us = (uint64_t)word->value * SECOND_US;

	switch (word->kind) {
	case SUPERVISED_LIMIT:
		worker->limit_seconds = word->value;
		worker->end_us =
			word->value ? boxes_after(worker->start_us, us) : BOXES_NO_LIMIT;
		break;
	case SUPERVISED_EXTEND:
		worker->end_us = boxes_after(worker->end_us, us);
		break;
	case SUPERVISED_ACTIVE:
		worker->active = true;
		break;
	case SUPERVISED_STUCK:
		worker->stuck = true;
		/* fall through */
	case SUPERVISED_DONE:
		worker->done = true;
		worker->status = (int)word->value;
		break;
	}
}

/* Return: false where there will be no more. */
static bool hear(struct worker *worker)
{
	struct supervised_word word;
	ssize_t size = read(worker->line_fd, &word, sizeof(word));

	if (size < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (size != (ssize_t)sizeof(word))
		return false;
	hear_word(worker, &word);
	return !worker->done;
}

static void pass_on(const struct worker *worker)
{
	struct signalfd_siginfo info;

	if (read(worker->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		kill(worker->pid, (int)info.ssi_signo);
}

/*
 * A worker that cannot end would keep our output open for as long, and whoever reads that
 * waiting: so it has none of its own.
 */
static bool relay(const struct worker *worker)
{
	char text[512];
	ssize_t size = read(worker->said_fd, text, sizeof(text));

	if (size <= 0)
		return false;
	(void)!write(STDERR_FILENO, text, (size_t)size);
	return true;
}

/* For poll(2), rounded up: it must not be over before its time is. */
static int milliseconds_until(uint64_t end_us)
{
	uint64_t now = boxes_now();
	uint64_t left;

	if (end_us == BOXES_NO_LIMIT)
		return -1;
	left = end_us > now ? (end_us - now + 999) / 1000 : 0;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Until it is done, has ended, or its time is over. Return: false for the last. */
static bool watch(struct worker *worker)
{
	struct pollfd polls[] = {
		{.fd = worker->line_fd, .events = POLLIN},
		{.fd = worker->signal_fd, .events = POLLIN},
		{.fd = worker->said_fd, .events = POLLIN},
	};

	for (;;) {
		int ready = poll(polls, 3, milliseconds_until(worker->end_us));

		if (ready > 0 && polls[0].revents && !hear(worker))
			return true;
		/* also of one that never stops talking */
		if (boxes_now() >= worker->end_us)
			return false;
		if (ready <= 0)
			continue;
		if (polls[1].revents)
			pass_on(worker);
		if (polls[2].revents && !relay(worker))
			polls[2].fd = -1;
	}
}

/*
 * Until the process has ended, so that nothing that it had open is open any more; but no
 * longer than @end_us. Return: what waitpid(2) says of it; -1 where it has not ended.
 */
static int wait_for_end(const struct worker *worker, uint64_t end_us)
{
	struct pollfd ended = {.fd = worker->end_fd, .events = POLLIN};
	int status = -1;
	int ready;

	if (worker->end_fd >= 0) {
		do {
			ready = poll(&ended, 1, milliseconds_until(end_us));
		} while (ready < 0 && errno == EINTR);
		if (ready == 0)
			return -1;
	}
	return waitpid(worker->pid, &status, 0) == worker->pid ? status : -1;
}

static void fail_ended(int status, struct verity_error *ret)
{
	if (status >= 0 && WIFSIGNALED(status))
		verity_fail(ret, VERITY_E_STACK,
			    "wmopkg-activate was ended by signal %d before it was done",
			    WTERMSIG(status));
	else
		verity_fail(ret, VERITY_E_STACK,
			    "wmopkg-activate ended before it was done");
}

/*
 * In a process of its own: what dies with the storage that the worker waited for must not
 * hold up the boot either.
 */
static void rescue(const struct supervisor_work *work, const struct verity_error *why)
{
	struct worker rescuer = {.end_fd = -1};

	rescuer.pid = fork();
	if (rescuer.pid == 0) {
		rescue_run(work->config, work->root, why);
		_exit(EXIT_SUCCESS);
	}
	if (rescuer.pid < 0) {
		rescue_run(work->config, work->root, why);
		return;
	}
	rescuer.end_fd = pidfd_open(rescuer.pid, 0);
	(void)wait_for_end(&rescuer, boxes_after(boxes_now(), RESCUE_US));
	cleanup_fd_p(&rescuer.end_fd);
}

/* Not done: what was begun is undone, unless all was. */
static int clean_up(const struct supervisor_work *work, const struct worker *worker,
		    const struct verity_error *why)
{
	log_line(LOG_LEVEL_WARNING, "%s: %s: %s",
		 worker->active ? "not all was done" : "no package is active",
		 verity_code_name(why->code), why->message);
	if (worker->active)
		return EXIT_SUCCESS;
	rescue(work, why);
	fprintf(stderr, "wmopkg-activate: %s\n", why->message);
	return EXIT_FAILURE;
}

static int supervise(const struct supervisor_work *work, struct worker *worker)
{
	struct verity_error why;
	uint64_t soon_us;

	if (!watch(worker)) {
		verity_fail(&why, VERITY_E_TIMED_OUT,
			    "it was not done within its time (boot_seconds = %u)",
			    worker->limit_seconds);
		kill(worker->pid, SIGKILL);
		(void)wait_for_end(worker, boxes_after(boxes_now(), KILL_US));
		return clean_up(work, worker, &why);
	}
	if (worker->stuck)
		return worker->status;
	soon_us = boxes_after(boxes_now(), KILL_US);
	if (worker->done) {
		(void)wait_for_end(worker, soon_us);
		return worker->status;
	}
	fail_ended(wait_for_end(worker, soon_us), &why);
	return clean_up(work, worker, &why);
}

/*
 * Where a thread is stuck nothing is taken down, and no handler is run, lest it looks at
 * what is gone.
 */
static void __attribute__((noreturn))
do_work(const struct supervisor_work *work, int line, int said, pid_t supervisor)
{
	size_t stuck = 0;
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor || dup2(said, STDOUT_FILENO) < 0 ||
	    dup2(said, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	status = work->run(work, line, &stuck);
	fflush(NULL);
	supervised_tell(line, stuck ? SUPERVISED_STUCK : SUPERVISED_DONE,
			(unsigned)status);
	if (stuck)
		_exit(status);
	exit(status);
}

/* Both ends of a pipe; what the worker says must not make us wait. */
static int make_pipe(int ret_read[static 1], int ret_write[static 1])
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ret_read = ends[0];
	*ret_write = ends[1];
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int fork_worker(const struct supervisor_work *work, struct worker *worker,
		       int line, int said)
{
	pid_t supervisor = getpid();
	sigset_t passed_on, before;

	sigemptyset(&passed_on);
	sigaddset(&passed_on, SIGHUP);
	sigaddset(&passed_on, SIGINT);
	sigaddset(&passed_on, SIGTERM);
	sigprocmask(SIG_BLOCK, &passed_on, &before);
	worker->pid = fork();
	if (worker->pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		signal(SIGPIPE, SIG_DFL);
		worker_close(worker);
		do_work(work, line, said, supervisor);
	}
	if (worker->pid < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return -errno;
	}
	worker->end_fd = pidfd_open(worker->pid, 0);
	worker->signal_fd = signalfd(-1, &passed_on, SFD_CLOEXEC);
	return 0;
}

static int start(const struct supervisor_work *work, struct worker *worker)
{
	cleanup_fd int line = -1;
	cleanup_fd int said = -1;
	int r = make_pipe(&worker->line_fd, &line);

	if (r == 0)
		r = make_pipe(&worker->said_fd, &said);
	return r < 0 ? r : fork_worker(work, worker, line, said);
}

int supervisor_run(const struct supervisor_work *work)
{
	cleanup_with(worker_close) struct worker worker = {
		.end_fd = -1,
		.line_fd = -1,
		.said_fd = -1,
		.signal_fd = -1,
		.start_us = boxes_now(),
		.limit_seconds = OVERLAY_BOOT_SECONDS,
	};
	size_t stuck = 0;
	int status;

	worker.end_us =
		boxes_after(worker.start_us, (uint64_t)OVERLAY_BOOT_SECONDS * SECOND_US);
	/* who does not listen any more is no reason to end */
	signal(SIGPIPE, SIG_IGN);
	/* Where there is no process to be had, the work is done in this one. */
	if (start(work, &worker) < 0)
		return work->run(work, -1, &stuck);
	status = supervise(work, &worker);
	while (relay(&worker))
		;
	return status;
}
