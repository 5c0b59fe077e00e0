/* SPDX-License-Identifier: MIT */
/* Keeps the output of a command, and shows it page by page. */
#include "installer/common/page.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "verity/util/text.h"

#define ROWS      24 /* of a terminal that does not say how many it has, as a serial line */
#define ROWS_MIN  4
#define PROMPT    "--More--"
#define NO_PROMPT "\r        \r"
#define INDENT    4 /* of what does not fit into a line */
#define CTRL_C    '\003'
#define CTRL_D    '\004'

static FILE *stream_of(int fd)
{
	return fd == STDOUT_FILENO ? stdout : stderr;
}

/* @fd goes to where @to goes; what it went to before is the terminal of the layout. */
static int redirect(int fd, int to)
{
	int terminal = isatty(fd) ? dup(fd) : -1;

	if (terminal < 0)
		return -1;
	fflush(stream_of(fd));
	layout_redirect(fd, terminal);
	dup2(to, fd);
	return terminal;
}

void page_begin(struct page *page)
{
	*page = (struct page){-1, {-1, -1}};
	if (!isatty(STDOUT_FILENO))
		return;
	page->output = memfd_create("page", MFD_CLOEXEC);
	if (page->output < 0)
		return;
	for (int i = 0; i < 2; i++)
		page->terminal[i] = redirect(STDOUT_FILENO + i, page->output);
}

static size_t rows_of_terminal(void)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		return ROWS;
	return size.ws_row < ROWS_MIN ? ROWS_MIN : size.ws_row;
}

/* Rows that may be shown before the next question; 0: no more at all. */
static size_t ask(size_t rows)
{
	struct termios before, keys;
	size_t more = rows - 1;
	bool known = false;
	char key;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return SIZE_MAX;
	keys = before;
	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	keys.c_cc[VMIN] = 1;
	keys.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
	fputs(PROMPT, stdout);
	fflush(stdout);
	while (!known) {
		known = true;
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q' ||
		    key == CTRL_C || key == CTRL_D)
			more = 0;
		else if (key == '\n' || key == '\r')
			more = 1;
		else
			known = key == ' ';
	}
	fputs(NO_PROMPT, stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	return more;
}

/* The same, in lines that fit. */
static FILE *wrap(FILE *output, char **ret_text)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	cleanup_free char *line = NULL;
	size_t room = 0, bytes;
	FILE *text = open_memstream(ret_text, &bytes);

	while (text && getline(&line, &room, output) > 0) {
		line[strcspn(line, "\n")] = '\0';
		/* A frame is as wide as the terminal, and is not to be looked at. */
		if (layout_width(line) > layout.width)
			layout_print(text, &layout, INDENT, line);
		else
			fprintf(text, "%s\n", line);
	}
	return verity_text_end(text, ret_text) ? fmemopen(*ret_text, bytes, "r") : NULL;
}

static void show(FILE *output)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	size_t rows = rows_of_terminal(), left = rows - 1;
	cleanup_free char *line = NULL;
	size_t room = 0;
	bool asked = !isatty(STDIN_FILENO);

	if (asked)
		left = SIZE_MAX;
	for (; getline(&line, &room, output) > 0; left--) {
		if (left == 0) {
			left = !asked && poll(&input, 1, 0) > 0 ? SIZE_MAX : ask(rows);
			asked = true;
		}
		if (left == 0)
			return;
		fputs(line, stdout);
	}
}

void page_end(struct page *page)
{
	cleanup_free char *text = NULL;
	FILE *output, *wrapped;

	if (page->output < 0)
		return;
	for (int i = 0; i < 2; i++) {
		fflush(stream_of(STDOUT_FILENO + i));
		if (page->terminal[i] < 0)
			continue;
		dup2(page->terminal[i], STDOUT_FILENO + i);
		layout_redirect(STDOUT_FILENO + i, -1);
		close(page->terminal[i]);
	}
	lseek(page->output, 0, SEEK_SET);
	output = fdopen(page->output, "r");
	if (!output)
		close(page->output);
	wrapped = output ? wrap(output, &text) : NULL;
	if (wrapped) {
		show(wrapped);
		fclose(wrapped);
	}
	if (output)
		fclose(output);
	page->output = -1;
	fflush(stdout);
}
