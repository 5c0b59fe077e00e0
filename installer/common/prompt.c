/* SPDX-License-Identifier: MIT */
#include "installer/common/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "installer/common/report.h"

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

#define ENDING_COUNT (sizeof(ending) / sizeof(ending[0]))

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
	caught = number;
}

/* While a person types: signals wait for us to look, and the terminal is silent. */
struct silence {
	struct termios terminal;
	struct sigaction actions[ENDING_COUNT];
	sigset_t mask;
};

static int begin_silence(struct silence *ret)
{
	const struct sigaction action = {.sa_handler = catch_signal};
	struct termios silent;
	sigset_t blocked;

	if (tcgetattr(STDIN_FILENO, &ret->terminal) < 0)
		return -errno;
	caught = 0;
	sigemptyset(&blocked);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaddset(&blocked, ending[i]);
	sigprocmask(SIG_BLOCK, &blocked, &ret->mask);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &action, &ret->actions[i]);
	silent = ret->terminal;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_cc[VSUSP] = _POSIX_VDISABLE;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0 ? -errno : 0;
}

static void end_silence(const struct silence *silence)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silence->terminal);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &silence->actions[i], NULL);
	/* As if it came only now. */
	if (caught)
		raise(caught);
	sigprocmask(SIG_SETMASK, &silence->mask, NULL);
}

/* A terminal gives a whole line at once, up to 4095 bytes. */
static ssize_t read_line(const struct silence *silence, char *ret, size_t size)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	ssize_t n;

	if (ppoll(&input, 1, NULL, &silence->mask) < 0)
		return -errno;
	n = read(STDIN_FILENO, ret, size);
	return n < 0 ? -errno : n;
}

static int check_line(const char *prompt, char *line, ssize_t n, size_t size,
		      struct verity_error *err)
{
	if (n < 0 && n != -EINTR)
		return verity_fail_errno(err, (int)-n, "the terminal");
	if (n <= 0 || line[0] == '\n')
		return verity_fail(err, VERITY_E_PIN, "%s: nothing was typed", prompt);
	if (line[n - 1] == '\n')
		n--;
	if ((size_t)n >= size)
		return verity_fail(err, VERITY_E_PIN, "%s: longer than %zu bytes", prompt,
				   size - 1);
	line[n] = '\0';
	return 0;
}

int prompt_secret(const char *prompt, char *ret, size_t size, struct verity_error *err)
{
	struct silence silence;
	ssize_t n;
	int r = begin_silence(&silence);

	if (r < 0)
		return verity_fail_errno(err, -r, "the terminal");
	fflush(stdout);
	report_plain(stderr, prompt);
	fputs(": ", stderr);
	n = read_line(&silence, ret, size);
	fputc('\n', stderr);
	end_silence(&silence);
	r = check_line(prompt, ret, n, size, err);
	if (r < 0)
		explicit_bzero(ret, size);
	return r;
}

bool prompt_yes(const char *question)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	sigset_t blocked, present;
	char line[8] = "";
	ssize_t n = -1;

	if (!isatty(STDIN_FILENO))
		return false;
	/* So that none comes between the question and the wait. */
	sigemptyset(&blocked);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaddset(&blocked, ending[i]);
	sigprocmask(SIG_BLOCK, &blocked, &present);
	/* What was typed before the question is no answer to it. */
	tcflush(STDIN_FILENO, TCIFLUSH);
	fflush(stdout);
	fputs(question, stderr);
	if (ppoll(&input, 1, NULL, &present) > 0)
		n = read(STDIN_FILENO, line, sizeof(line) - 1);
	sigprocmask(SIG_SETMASK, &present, NULL);
	if (n <= 0 || line[n - 1] != '\n')
		fputc('\n', stderr);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}
