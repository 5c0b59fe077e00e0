/* SPDX-License-Identifier: MIT */
/* Reads a PIN or passphrase: from a file, the environment, or a person at a terminal. */
#include "installer/build/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "installer/common/prompt.h"
#include "installer/common/report.h"
#include "verity/util/cleanup.h"

static int check_secret(const char *text, size_t length, const char *where,
			struct verity_error *err)
{
	if (length == 0)
		return verity_fail(err, VERITY_E_PIN, "%s: no PIN or passphrase in it",
				   where);
	if (length >= VERITY_SECRET_MAX || memchr(text, '\0', length))
		return verity_fail(err, VERITY_E_PIN,
				   "%s: not a PIN or passphrase of %d bytes at most",
				   where, VERITY_SECRET_MAX - 1);
	return 0;
}

/* A file or a pipe, which gives its bytes when it likes. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size) {
		n = read(fd, buffer + length, size - length);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		length += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)length;
}

/* Its first line. */
static int read_file(const char *path, char ret[static VERITY_SECRET_MAX],
		     struct verity_error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char buffer[VERITY_SECRET_MAX + 2]; /* with the end of its line */
	const char *end;
	struct stat st;
	size_t length;
	ssize_t n;
	int r;

	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
		report_warning("%s: others than its owner can open it (chmod 600 it)",
			       path);
	n = read_all(fd, buffer, sizeof(buffer));
	if (n < 0)
		return verity_fail_errno(err, (int)-n, "%s", path);
	end = memchr(buffer, '\n', (size_t)n);
	length = end ? (size_t)(end - buffer) : (size_t)n;
	if (length > 0 && end && buffer[length - 1] == '\r')
		length--;
	r = check_secret(buffer, length, path, err);
	if (r == 0) {
		memcpy(ret, buffer, length);
		ret[length] = '\0';
	}
	explicit_bzero(buffer, sizeof(buffer));
	return r;
}

int secret_ask(void *context, const char *what, const char *file,
	       char ret[static VERITY_SECRET_MAX], struct verity_error *err)
{
	const char *path = file ? file : context;
	const char *text = getenv(SECRET_VARIABLE);
	int r;

	if (path)
		return read_file(path, ret, err);
	if (text) {
		r = check_secret(text, strlen(text), SECRET_VARIABLE, err);
		if (r == 0)
			strcpy(ret, text);
		return r;
	}
	if (isatty(STDIN_FILENO))
		return prompt_secret(what, ret, VERITY_SECRET_MAX, err);
	return verity_fail(err, VERITY_E_USAGE,
			   "%s is needed, and there is no terminal to ask at (use "
			   "--pin-file FILE, or set " SECRET_VARIABLE ")",
			   what);
}

void secret_forget(void)
{
	char *text = getenv(SECRET_VARIABLE);

	if (text)
		explicit_bzero(text, strlen(text));
}
