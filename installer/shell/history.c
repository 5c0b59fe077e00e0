/* SPDX-License-Identifier: MIT */
#include "installer/shell/history.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define NAME      ".wmopkg_history"
#define NEW_NAME  ".wmopkg_history.new"
#define FILE_MODE 0600

struct lines {
	char *items[SHELL_HISTORY_LINES]; /* owned; the oldest first */
	size_t count;
};

struct shell_history {
	History *lines;
	HistEvent event;
	int home;           /* -1: nothing is read or written */
	struct lines added; /* by this shell */
};

DEFINE_CLEANUP(struct shell_history, shell_history_free);

static void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->items[i]);
	lines->count = 0;
}

/* The oldest makes room. */
static void lines_add(struct lines *lines, const char *line)
{
	char *copy = strdup(line);

	if (!copy)
		return;
	if (lines->count == SHELL_HISTORY_LINES) {
		free(lines->items[0]);
		lines->count--;
		memmove(lines->items, lines->items + 1,
			lines->count * sizeof(lines->items[0]));
	}
	lines->items[lines->count++] = copy;
}

static bool is_fit(const char *line)
{
	size_t size = strlen(line);

	return size > 0 && size <= SHELL_HISTORY_LINE_BYTES &&
	       verity_text_printable(line, size);
}

/* Of our own making, and nobody else's. */
static bool is_own(int fd, mode_t type)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type &&
	       st.st_uid == geteuid();
}

/* Whatever else the file may hold is passed over, and a line is cut at some length. */
static void lines_read(struct lines *lines, int home)
{
	char line[SHELL_HISTORY_LINE_BYTES + 2];
	int fd = openat(home, NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_file FILE *file = NULL;

	if (fd < 0)
		return;
	if (is_own(fd, S_IFREG))
		file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return;
	}
	for (size_t i = 0; i < 2 * SHELL_HISTORY_LINES; i++) {
		if (!fgets(line, sizeof(line), file))
			return;
		line[strcspn(line, "\n")] = '\0';
		if (is_fit(line))
			lines_add(lines, line);
	}
}

/* Whole or not at all; nobody else reads what was typed. */
static void lines_write(const struct lines *lines, int home)
{
	cleanup_file FILE *file = NULL;
	bool whole = true;
	int fd;

	unlinkat(home, NEW_NAME, 0);
	fd = openat(home, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    FILE_MODE);
	if (fd < 0)
		return;
	file = fdopen(fd, "w");
	if (!file)
		close(fd);
	for (size_t i = 0; file && i < lines->count; i++)
		whole = fprintf(file, "%s\n", lines->items[i]) > 0 && whole;
	if (!file || !whole || fflush(file) != 0 ||
	    renameat(home, NEW_NAME, home, NAME) < 0)
		unlinkat(home, NEW_NAME, 0);
}

/* Another shell may have written since: its lines are kept as well. */
static void save(const struct shell_history *kept)
{
	struct lines lines = {.count = 0};

	if (kept->home < 0 || kept->added.count == 0)
		return;
	lines_read(&lines, kept->home);
	for (size_t i = 0; i < kept->added.count; i++)
		lines_add(&lines, kept->added.items[i]);
	lines_write(&lines, kept->home);
	lines_free(&lines);
}

void shell_history_free(struct shell_history *kept)
{
	if (!kept)
		return;
	save(kept);
	lines_free(&kept->added);
	if (kept->lines)
		history_end(kept->lines);
	cleanup_fd_p(&kept->home);
	free(kept);
}

/* One that was only borrowed, as by sudo, is not written to. */
static int open_home(const char *home)
{
	cleanup_fd int fd = -1;

	if (!home || home[0] != '/')
		return -1;
	fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && is_own(fd, S_IFDIR) ? steal_fd(&fd) : -1;
}

static void enter(struct shell_history *kept, const char *line)
{
	history(kept->lines, &kept->event, H_ENTER, line);
}

int shell_history_new(const char *home, struct shell_history **ret,
		      struct verity_error *err)
{
	cleanup_with(shell_history_free_p) struct shell_history *kept =
		calloc(1, sizeof(*kept));
	struct lines before = {.count = 0};

	if (kept) {
		kept->home = open_home(home);
		kept->lines = history_init();
	}
	if (!kept || !kept->lines ||
	    history(kept->lines, &kept->event, H_SETSIZE, SHELL_HISTORY_LINES) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	history(kept->lines, &kept->event, H_SETUNIQUE, 1);
	if (kept->home >= 0)
		lines_read(&before, kept->home);
	for (size_t i = 0; i < before.count; i++)
		enter(kept, before.items[i]);
	lines_free(&before);
	*ret = steal_ptr(&kept);
	return 0;
}

History *shell_history_lines(struct shell_history *kept)
{
	return kept->lines;
}

void shell_history_add(struct shell_history *kept, const char *text)
{
	const struct lines *added = &kept->added;
	cleanup_free char *line = strndup(text, strcspn(text, "\r\n"));

	if (!line || !is_fit(line))
		return;
	enter(kept, line);
	if (added->count == 0 || strcmp(added->items[added->count - 1], line) != 0)
		lines_add(&kept->added, line);
}
