/* SPDX-License-Identifier: MIT */

/*
 * Keeps the history in memory with libedit, and in a plain file. libedit's own H_LOAD and
 * H_SAVE are not used: they follow links, take files of other users, and store what is
 * not printable.
 */

#include "installer/shell/history.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "installer/shell/wide.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

#define NAME      ".wmopkg_history"
#define FILE_MODE 0600

struct shell_history {
	HistoryW *lines;
	int home;  /* -1: nothing is read or written */
	int added; /* lines of this shell; the newest ones of @lines */
};

DEFINE_CLEANUP(struct shell_history, shell_history_free);
static void history_end_p(HistoryW **lines)
{
	if (*lines)
		history_wend(*lines);
}

static HistoryW *new_lines(void)
{
	HistoryW *lines = history_winit();
	HistEventW event;

	if (lines && history_w(lines, &event, H_SETSIZE, SHELL_HISTORY_LINES) < 0) {
		history_wend(lines);
		return NULL;
	}
	if (lines)
		history_w(lines, &event, H_SETUNIQUE, 1);
	return lines;
}

/* Return: as history_w(). */
static int enter(HistoryW *lines, const char *line)
{
	cleanup_free wchar_t *wide = shell_wide_decode(line);
	HistEventW event;

	return wide ? history_w(lines, &event, H_ENTER, wide) : -1;
}

static bool is_fit(const char *line)
{
	size_t size = strlen(line);

	return size > 0 && size <= SHELL_HISTORY_LINE_BYTES &&
	       verity_text_printable(line, size);
}

static bool is_own(int fd, mode_t type)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type &&
	       st.st_uid == geteuid();
}

/* Lines that are not fit are skipped; too long ones are split. */
static void load(HistoryW *lines, int home)
{
	char line[SHELL_HISTORY_LINE_BYTES + 2];
	cleanup_fd int fd = -1;
	cleanup_file FILE *file = NULL;

	if (home < 0)
		return;
	if (verity_io_open(home, NAME, O_RDONLY | O_NOFOLLOW, &fd, NULL, NULL) < 0 ||
	    !is_own(fd, S_IFREG) || !(file = fdopen(fd, "r")))
		return;
	steal_fd(&fd);
	for (size_t i = 0; i < 2 * SHELL_HISTORY_LINES; i++) {
		if (!fgets(line, sizeof(line), file))
			return;
		line[strcspn(line, "\n")] = '\0';
		if (is_fit(line))
			enter(lines, line);
	}
}

static void write_line(FILE *stream, const wchar_t *wide)
{
	cleanup_free char *line = shell_wide_encode(wide, wcslen(wide));

	if (line)
		fprintf(stream, "%s\n", line);
}

/* Replaces the file, or leaves it as it is. */
static void store(HistoryW *lines, int home)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	HistEventW event;

	if (!stream)
		return;
	for (int r = history_w(lines, &event, H_LAST); r >= 0;
	     r = history_w(lines, &event, H_PREV))
		write_line(stream, event.str);
	if (verity_text_end(stream, &text))
		(void)!verity_io_replace(home, NAME, FILE_MODE, text, size, NULL);
}

/* Adds the lines of this shell to those that other shells have written since. */
static void save(const struct shell_history *kept)
{
	cleanup_with(history_end_p) HistoryW *lines = new_lines();
	HistEventW event, unused;

	if (!lines || kept->home < 0 || kept->added == 0)
		return;
	load(lines, kept->home);
	history_w(kept->lines, &event, H_FIRST);
	for (int i = 1; i < kept->added; i++)
		history_w(kept->lines, &event, H_NEXT);
	for (int i = 0; i < kept->added; i++) {
		history_w(lines, &unused, H_ENTER, event.str);
		history_w(kept->lines, &event, H_PREV);
	}
	store(lines, kept->home);
}

void shell_history_free(struct shell_history *kept)
{
	if (!kept)
		return;
	if (kept->lines)
		save(kept);
	history_end_p(&kept->lines);
	cleanup_fd_p(&kept->home);
	free(kept);
}

int shell_history_new(const char *home, struct shell_history **ret, HistoryW **ret_lines,
		      struct verity_error *err)
{
	cleanup_with(shell_history_free_p) struct shell_history *kept =
		calloc(1, sizeof(*kept));

	if (kept) {
		kept->home = -1;
		kept->lines = new_lines();
	}
	if (!kept || !kept->lines)
		return verity_no_memory(err);
	if (home && home[0] == '/')
		kept->home = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A home of another user, as sudo leaves it, is not written to. */
	if (kept->home >= 0 && !is_own(kept->home, S_IFDIR)) {
		close(kept->home);
		kept->home = -1;
	}
	load(kept->lines, kept->home);
	*ret_lines = kept->lines;
	*ret = steal_ptr(&kept);
	return 0;
}

void shell_history_add(struct shell_history *kept, const char *text)
{
	cleanup_free char *line = strndup(text, strcspn(text, "\r\n"));

	if (line && is_fit(line) && enter(kept->lines, line) > 0 &&
	    kept->added < SHELL_HISTORY_LINES)
		kept->added++;
}
