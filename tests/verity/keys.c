/* SPDX-License-Identifier: MIT */
#include "tests/verity/keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "verity/sign/devkeys.h"
#include "verity/util/io.h"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(verity_io_write(fd, text, strlen(text), 0, NULL), 0);
	close(fd);
}

void keys_path(const struct keys *keys, const char *file, char ret[static 128])
{
	snprintf(ret, 128, "%s/%s", keys->folder, file);
}

static void write_pair(const struct keys *keys, const struct verity_devkeys *made,
		       enum verity_devkey which)
{
	char *key, *certificate;
	char name[32], path[128];
	struct verity_error err;

	check_ok(verity_devkeys_pem(made, which, &key, &certificate, &err), &err);
	snprintf(name, sizeof(name), "%s.key", verity_devkeys_name(which));
	keys_path(keys, name, path);
	write_file(path, key);
	snprintf(name, sizeof(name), "%s%s.pem",
		 which == VERITY_DEVKEY_ROOT ? "ring/" : "", verity_devkeys_name(which));
	keys_path(keys, name, path);
	write_file(path, certificate);
	free(key);
	free(certificate);
}

void keys_make(struct keys *ret)
{
	struct verity_devkeys *made;
	struct verity_error err;

	strcpy(ret->folder, "/tmp/wmopkg-test-keys.XXXXXX");
	assert_non_null(mkdtemp(ret->folder));
	snprintf(ret->ring, sizeof(ret->ring), "%s/ring", ret->folder);
	assert_int_equal(mkdir(ret->ring, 0700), 0);
	check_ok(verity_devkeys_new(&made, &err), &err);
	for (int i = 0; i < VERITY_DEVKEY_COUNT; i++)
		write_pair(ret, made, (enum verity_devkey)i);
	verity_devkeys_free(made);
}

void keys_delete(const struct keys *keys)
{
	static const char *const files[] = {"ring/root.pem", "root.key",   "signer.key",
					    "signer.pem",    "unlock.key", "unlock.pem"};
	char path[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		keys_path(keys, files[i], path);
		unlink(path);
	}
	rmdir(keys->ring);
	rmdir(keys->folder);
}
