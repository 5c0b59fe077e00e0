/* SPDX-License-Identifier: MIT */
/* Forks the worker, watches it, and cleans up where it did not finish. */
#include "initramfs/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "initramfs/log.h"
#include "initramfs/mount_stack.h"
#include "initramfs/supervisor_pipe.h"
#include "initramfs/timed_jobs.h"
#include "overlay/stack/layers_dir.h"
#include "verity/util/cleanup.h"
#include "verity/util/error.h"
#include "verity/util/sys.h"

#define SECOND_US 1000000
#define KILL_US   (2 * SECOND_US) /* how long a killed process may take to end */
#define RESCUE_US (10 * SECOND_US)

/* Nobody else sends this signal so early. */
#define OUT_OF_MEMORY                                                                    \
	": most likely memory ran out (remove packages, or lower memory_percent in the " \
	"configuration)"

struct worker {
	pid_t pid;
	int end_fd;    /* readable when it has ended; -1: this kernel has no pidfd */
	int line_fd;   /* its messages to us; see initramfs/supervisor_pipe.h */
	int output_fd; /* its messages to a person */
	int signal_fd; /* signals to be passed on to it */

	uint64_t start_us;
	uint64_t end_us; /* when its time is over */
	unsigned limit_seconds;
	bool requires; /* the configuration does: see overlay/record/requirements.h */
	bool active;
	bool done;
	bool stuck;
	int status; /* once it is done */
};

static void worker_close(struct worker *worker)
{
	cleanup_fd_p(&worker->end_fd);
	cleanup_fd_p(&worker->line_fd);
	cleanup_fd_p(&worker->output_fd);
	cleanup_fd_p(&worker->signal_fd);
}

/* Return: false where there will be no more messages. */
static bool read_message(struct worker *worker)
{
	struct supervisor_message message;
	ssize_t size = read(worker->line_fd, &message, sizeof(message));
	uint64_t us;

	if (size < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (size != (ssize_t)sizeof(message))
		return false;
	us = (uint64_t)message.value * SECOND_US;
	switch (message.kind) {
	case SUPERVISOR_LIMIT:
		worker->limit_seconds = message.value;
		worker->end_us = message.value ? timed_after(worker->start_us, us)
					       : TIMED_NO_LIMIT;
		break;
	case SUPERVISOR_EXTEND:
		worker->end_us = timed_after(worker->end_us, us);
		break;
	case SUPERVISOR_REQUIRES:
		worker->requires
		= true;
		break;
	case SUPERVISOR_ACTIVE:
		worker->active = true;
		break;
	case SUPERVISOR_STUCK:
	case SUPERVISOR_DONE:
		worker->stuck = message.kind == SUPERVISOR_STUCK;
		worker->done = true;
		worker->status = (int)message.value;
		break;
	}
	return !worker->done;
}

/*
 * A worker that cannot end would keep our output open, and who reads that would wait: so
 * it gets a pipe. Return: false where there is nothing to read now.
 */
static bool relay_output(const struct worker *worker)
{
	char text[512];
	ssize_t size = read(worker->output_fd, text, sizeof(text));

	if (size <= 0)
		return false;
	(void)!write(STDERR_FILENO, text, (size_t)size);
	return true;
}

/* For poll(2), rounded up: it must not end before the time is over. */
static int milliseconds_until(uint64_t end_us)
{
	uint64_t now = timed_now();
	uint64_t left;

	if (end_us == TIMED_NO_LIMIT)
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
		{.fd = worker->output_fd, .events = POLLIN},
	};
	struct signalfd_siginfo info;

	for (;;) {
		int ready = poll(polls, 3, milliseconds_until(worker->end_us));

		if (ready > 0 && polls[0].revents && !read_message(worker))
			return true;
		/* also of one that never stops writing */
		if (timed_now() >= worker->end_us)
			return false;
		if (ready <= 0)
			continue;
		if (polls[1].revents &&
		    read(worker->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			kill(worker->pid, (int)info.ssi_signo);
		if (polls[2].revents && !relay_output(worker))
			polls[2].fd = -1;
	}
}

/*
 * Until the process has ended, so that nothing that it had open is open any more; but no
 * longer than @limit_us. Return: the status of waitpid(2); -1 where it has not ended.
 */
static int wait_for_end(const struct worker *worker, uint64_t limit_us)
{
	uint64_t end_us = timed_after(timed_now(), limit_us);
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

/* After a worker that ended before it was done. */
static void restore_root(const char *config_path, const char *root,
			 const struct verity_error *why)
{
	cleanup_with(overlay_config_free) struct overlay_config config = {.data = NULL};
	struct overlay_state state = {.stack = *why};
	struct verity_error err;
	char layers[PATH_MAX];
	int r;

	/* Without a configuration the worker did nothing either, and there is no state.
	 */
	if (overlay_config_load(config_path, &config, NULL) < 0 ||
	    boot_has_state(&config))
		return;
	overlay_anchor_find(config.anchor, &state.anchor);
	overlay_identity_read(&config, root, &state.identity);
	/* The layers once nothing is stacked on them any more. */
	snprintf(layers, sizeof(layers), "%s/layers", config.run);
	r = stack_take_down(&config, root, &err);
	if (r == 0)
		r = overlay_layers_clean(layers, &err);
	if (r < 0 || overlay_state_write(config.run, &state, &err) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", err.message);
}

/*
 * In a process of its own: what hangs with the storage that the worker waited for must
 * not delay the boot either.
 */
static void rescue(const struct supervisor_work *work, const struct verity_error *why)
{
	struct worker rescuer = {.end_fd = -1};

	rescuer.pid = fork();
	if (rescuer.pid <= 0)
		restore_root(work->config, work->root, why);
	if (rescuer.pid == 0)
		_exit(EXIT_SUCCESS);
	if (rescuer.pid < 0)
		return;
	rescuer.end_fd = sys_pidfd_open(rescuer.pid, 0);
	(void)wait_for_end(&rescuer, RESCUE_US);
	cleanup_fd_p(&rescuer.end_fd);
}

static int supervise(const struct supervisor_work *work, struct worker *worker)
{
	bool in_time = watch(worker);
	struct verity_error why;
	int status;

	if (in_time && worker->stuck)
		return worker->status;
	if (!in_time)
		kill(worker->pid, SIGKILL);
	status = wait_for_end(worker, KILL_US);
	if (in_time && worker->done)
		return worker->status;
	if (!in_time)
		verity_fail(&why, VERITY_E_TIMED_OUT,
			    "it was not done within its time (boot_seconds = %u)",
			    worker->limit_seconds);
	else if (status >= 0 && WIFSIGNALED(status))
		verity_fail(&why, VERITY_E_STACK,
			    "wmopkg-activate was ended by signal %d before it was done%s",
			    WTERMSIG(status),
			    WTERMSIG(status) == SIGKILL ? OUT_OF_MEMORY : "");
	else
		verity_fail(&why, VERITY_E_STACK,
			    "wmopkg-activate ended before it was done");
	log_line(LOG_LEVEL_WARNING, "%s: %s: %s",
		 worker->active ? "not all was done" : "no package is active",
		 verity_code_name(why.code), why.message);
	if (worker->active)
		return EXIT_SUCCESS;
	rescue(work, &why);
	fprintf(stderr, "wmopkg-activate: %s\n", why.message);
	return worker->requires ? STATUS_REFUSED : EXIT_FAILURE;
}

/* With a stuck thread no exit handler is run: it could use what they free. */
static void __attribute__((noreturn))
do_work(const struct supervisor_work *work, int line, int output, pid_t supervisor)
{
	size_t stuck = 0;
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	status = work->run(work, line, &stuck);
	fflush(NULL);
	supervisor_tell(line, stuck ? SUPERVISOR_STUCK : SUPERVISOR_DONE,
			(unsigned)status);
	if (stuck)
		_exit(status);
	exit(status);
}

/* Both ends of a pipe; reading must not wait for the worker. */
static int make_pipe(int ret_read[static 1], int ret_write[static 1])
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ret_read = ends[0];
	*ret_write = ends[1];
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int start(const struct supervisor_work *work, struct worker *worker)
{
	cleanup_fd int line = -1;
	cleanup_fd int output = -1;
	pid_t supervisor = getpid();
	sigset_t passed_on, before;

	if (make_pipe(&worker->line_fd, &line) < 0 ||
	    make_pipe(&worker->output_fd, &output) < 0)
		return -EMFILE;
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
		do_work(work, line, output, supervisor);
	}
	if (worker->pid < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return -EAGAIN;
	}
	worker->end_fd = sys_pidfd_open(worker->pid, 0);
	worker->signal_fd = signalfd(-1, &passed_on, SFD_CLOEXEC);
	return 0;
}

int supervisor_run(const struct supervisor_work *work)
{
	uint64_t now = timed_now();
	cleanup_with(worker_close) struct worker worker = {
		.end_fd = -1,
		.line_fd = -1,
		.output_fd = -1,
		.signal_fd = -1,
		.start_us = now,
		.end_us = timed_after(now, (uint64_t)OVERLAY_BOOT_SECONDS * SECOND_US),
		.limit_seconds = OVERLAY_BOOT_SECONDS,
	};
	size_t stuck = 0;
	int status;

	/* a reader that has gone is no reason to end */
	signal(SIGPIPE, SIG_IGN);
	/* Where there can be no other process, the work is done in this one. */
	if (start(work, &worker) < 0)
		return work->run(work, -1, &stuck);
	status = supervise(work, &worker);
	while (relay_output(&worker))
		;
	return status;
}
