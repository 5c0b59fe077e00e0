/* SPDX-License-Identifier: MIT */
#include "installer/shell/signal.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

static const int numbers[] = {SIGINT, SIGQUIT,  SIGTSTP, SIGTERM,
			      SIGHUP, SIGWINCH, SIGCONT, SIGCHLD};

#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

/* A handler has nothing but globals to write to. */
static volatile sig_atomic_t pending[NSIG];

/* As they were before; a process has but one set of them. */
static struct sigaction former[NUMBER_COUNT];
static sigset_t former_mask;

static void remember(int number)
{
	pending[number] = 1;
}

/* Whoever starts us so that a signal is ignored wants us to outlive it. */
static bool stays_ignored(size_t index)
{
	return former[index].sa_handler == SIG_IGN &&
	       (numbers[index] == SIGHUP || numbers[index] == SIGTERM);
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
	sigprocmask(SIG_BLOCK, &blocked, &former_mask);
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		sigaction(numbers[i], NULL, &former[i]);
		if (!stays_ignored(i))
			sigaction(numbers[i], &action, NULL);
	}
}

static int ending(void)
{
	if (pending[SIGTERM])
		return SIGTERM;
	return pending[SIGHUP] ? SIGHUP : 0;
}

static void restore_actions(void)
{
	for (size_t i = 0; i < NUMBER_COUNT; i++)
		sigaction(numbers[i], &former[i], NULL);
}

void shell_signal_end(void)
{
	restore_actions();
	if (ending())
		raise(ending());
	sigprocmask(SIG_SETMASK, &former_mask, NULL);
}

void shell_signal_restore(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	restore_actions();
	sigaction(SIGTSTP, &ignore, NULL);
	sigprocmask(SIG_SETMASK, &former_mask, NULL);
}

void shell_signal_forget(void)
{
	pending[SIGINT] = pending[SIGQUIT] = pending[SIGTSTP] = 0;
}

static bool take(int number)
{
	bool was = pending[number];

	pending[number] = 0;
	return was;
}

static enum shell_event find_news(void)
{
	if (ending())
		return SHELL_ENDED;
	if (take(SIGINT) || take(SIGQUIT))
		return SHELL_INTERRUPTED;
	if (take(SIGTSTP))
		return SHELL_SUSPENDED;
	if (take(SIGCONT))
		return SHELL_RESUMED;
	return take(SIGWINCH) ? SHELL_RESIZED : SHELL_READY;
}

enum shell_event shell_signal_wait(int fd)
{
	struct pollfd input = {.fd = fd, .events = POLLIN};
	enum shell_event news;

	while ((news = find_news()) == SHELL_READY)
		/* What cannot be waited for is found out by reading it. */
		if (ppoll(&input, 1, NULL, &former_mask) >= 0)
			break;
	return news;
}

int shell_signal_wait_child(pid_t child)
{
	bool told = false;
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (ending() && !told) {
			kill(child, ending());
			told = true;
		}
		sigsuspend(&former_mask);
	}
	return status;
}
