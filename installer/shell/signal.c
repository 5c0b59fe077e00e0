/* SPDX-License-Identifier: MIT */

/* Turns signals into events of the shell. */

#include "installer/shell/signal.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

/* A handler can only write to globals; a process has one set of actions. */
static volatile sig_atomic_t pending[NSIG];
static sigset_t saved_mask;
static struct sigaction saved[NSIG];

static const int numbers[] = {SIGINT, SIGQUIT,  SIGTSTP, SIGTERM,
			      SIGHUP, SIGWINCH, SIGCONT, SIGCHLD};

#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

static void remember(int number)
{
	pending[number] = 1;
}

void shell_signal_begin(void)
{
	const struct sigaction action = {.sa_handler = remember};
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		pending[numbers[i]] = 0;
		sigaddset(&blocked, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &saved_mask);
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		int number = numbers[i];

		sigaction(number, NULL, &saved[number]);
		/* Who starts the shell with one of these ignored wants it to survive. */
		if ((number != SIGHUP && number != SIGTERM) ||
		    saved[number].sa_handler != SIG_IGN)
			sigaction(number, &action, NULL);
	}
}

static int ending(void)
{
	return pending[SIGTERM] ? SIGTERM : pending[SIGHUP] ? SIGHUP : 0;
}

static void restore_actions(void)
{
	for (size_t i = 0; i < NUMBER_COUNT; i++)
		sigaction(numbers[i], &saved[numbers[i]], NULL);
}

void shell_signal_end(void)
{
	restore_actions();
	if (ending())
		raise(ending());
	sigprocmask(SIG_SETMASK, &saved_mask, NULL);
}

void shell_signal_restore(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	restore_actions();
	sigaction(SIGTSTP, &ignore, NULL);
	sigprocmask(SIG_SETMASK, &saved_mask, NULL);
}

void shell_signal_forget(void)
{
	pending[SIGINT] = pending[SIGQUIT] = pending[SIGTSTP] = 0;
}

/* The first that is pending, which then no longer is; SHELL_READY: none. */
static enum shell_event take_event(void)
{
	static const struct {
		int number;
		enum shell_event event;
	} events[] = {{SIGINT, SHELL_INTERRUPTED},
		      {SIGQUIT, SHELL_INTERRUPTED},
		      {SIGTSTP, SHELL_SUSPENDED},
		      {SIGCONT, SHELL_RESUMED},
		      {SIGWINCH, SHELL_RESIZED}};

	if (ending())
		return SHELL_ENDED;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (pending[events[i].number]) {
			pending[events[i].number] = 0;
			return events[i].event;
		}
	return SHELL_READY;
}

enum shell_event shell_signal_wait(int fd)
{
	struct pollfd input = {.fd = fd, .events = POLLIN};
	enum shell_event event;

	/* Where the descriptor cannot be polled, reading it reports why. */
	while ((event = take_event()) == SHELL_READY &&
	       ppoll(&input, 1, NULL, &saved_mask) < 0)
		continue;
	return event;
}

int shell_signal_wait_child(pid_t child)
{
	bool sent = false;
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (ending() && !sent) {
			kill(child, ending());
			sent = true;
		}
		sigsuspend(&saved_mask);
	}
	return status;
}
