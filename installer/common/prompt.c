/* SPDX-License-Identifier: MIT */
/* Questions at the terminal, with signals and echo under control. */
#include "installer/common/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "installer/common/echo.h"
#include "installer/common/layout.h"
#include "installer/common/report.h"

#define ANSWER_BYTES 16

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

#define ENDING_COUNT (sizeof(ending) / sizeof(ending[0]))

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
	caught = number;
}

static void block_ending(sigset_t *ret_before)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaddset(&blocked, ending[i]);
	sigprocmask(SIG_BLOCK, &blocked, ret_before);
}

/* Reads a line with signals let through; a terminal gives a whole line at once. */
static ssize_t read_line(const sigset_t *mask, char *ret, size_t size)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	ssize_t n = -1;

	if (ppoll(&input, 1, NULL, mask) > 0)
		n = read(STDIN_FILENO, ret, size);
	return n < 0 ? -errno : n;
}

static bool is_yes(char *line)
{
	line[strcspn(line, "\r\n")] = '\0';
	return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

/* The rest of a line that is longer than an answer is not the next command. */
static void skip_line(void)
{
	int c;

	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

static int check_secret(const char *prompt, char *line, ssize_t n, size_t size,
			struct verity_error *err)
{
	if (n < 0 && n != -EINTR)
		return verity_fail_errno(err, (int)-n, "the terminal");
	if (n <= 0 || line[0] == '\n')
		return verity_fail(err, VERITY_E_PIN, "%s: nothing was typed", prompt);
	n -= line[n - 1] == '\n';
	if (memchr(line, '\0', (size_t)n))
		return verity_fail(err, VERITY_E_PIN, "%s: a zero byte was typed",
				   prompt);
	if ((size_t)n >= size)
		return verity_fail(err, VERITY_E_PIN, "%s: longer than %zu bytes", prompt,
				   size - 1);
	line[n] = '\0';
	return 0;
}

int prompt_secret(const char *prompt, char *ret, size_t size, struct verity_error *err)
{
	const struct sigaction action = {.sa_handler = catch_signal};
	struct sigaction actions[ENDING_COUNT];
	struct termios terminal, silent;
	sigset_t mask;
	ssize_t n = 0;
	int r;

	if (tcgetattr(STDIN_FILENO, &terminal) < 0)
		return verity_fail_errno(err, errno, "the terminal");
	caught = 0;
	block_ending(&mask);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &action, &actions[i]);
	silent = terminal;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_cc[VSUSP] = _POSIX_VDISABLE;
	r = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0 ? -errno : 0;
	if (r == 0) {
		fflush(stdout);
		report_plain(stderr, prompt);
		fputs(": ", stderr);
		n = read_line(&mask, ret, size);
		fputc('\n', stderr);
	}
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &actions[i], NULL);
	/* As if it came only now. */
	if (caught)
		raise(caught);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (r < 0)
		return verity_fail_errno(err, -r, "the terminal");
	r = check_secret(prompt, ret, n, size, err);
	if (r < 0)
		explicit_bzero(ret, size);
	return r;
}

bool prompt_yes(const char *question)
{
	const struct layout layout = layout_of(STDERR_FILENO);
	char line[ANSWER_BYTES] = "";
	bool silent = echo_is_off();
	sigset_t mask;
	ssize_t n;

	if (!isatty(STDIN_FILENO))
		return false;
	echo_restore();
	/* So that no signal comes between the question and the wait. */
	block_ending(&mask);
	/* What was typed before the question does not answer it. */
	tcflush(STDIN_FILENO, TCIFLUSH);
	fflush(stdout);
	layout_put(stderr, &layout, 0, question);
	n = read_line(&mask, line, sizeof(line) - 1);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (n == sizeof(line) - 1 && line[n - 1] != '\n')
		skip_line();
	else if (n <= 0 || line[n - 1] != '\n')
		fputc('\n', stderr);
	line[n > 0 ? n : 0] = '\0';
	if (silent)
		echo_off();
	return is_yes(line);
}

enum prompt_answer prompt_answer(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char answer[ANSWER_BYTES] = "";
	bool is_terminal = isatty(STDIN_FILENO);
	/* It cannot be an answer to what is not shown yet: of a pasted line that ends in
	 * two characters it is the second. */
	bool is_ahead = is_terminal && poll(&input, 1, 0) > 0;
	bool is_there;

	fflush(stdout);
	is_there = fgets(answer, sizeof(answer), stdin);
	if (is_there && is_ahead && strcmp(answer, "\n") == 0)
		is_there = fgets(answer, sizeof(answer), stdin);
	if (strlen(answer) == sizeof(answer) - 1 && !strchr(answer, '\n'))
		skip_line();
	else if (!strchr(answer, '\n') && is_terminal)
		putchar('\n');
	if (!is_terminal)
		putchar('\n');
	if (!is_there && !is_terminal)
		return PROMPT_NOBODY;
	return is_there && is_yes(answer) ? PROMPT_YES : PROMPT_NO;
}
