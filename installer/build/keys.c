/* SPDX-License-Identifier: MIT */
/* wmopkg-build keys: a root, a signer and an unlock signer for development. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/build/commands.h"
#include "installer/build/output.h"
#include "verity/sign/devkeys.h"
#include "verity/util/cleanup.h"

static int write_text(const char *folder, const char *name, const char *suffix,
		      unsigned mode, const char *text, struct verity_error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
	return output_write(path, mode, text, strlen(text), err);
}

static const char *const suffixes[] = {"key", "pem"};

/*
 * Before the first file is written: a new root.key beside an old root.pem, whose key lies
 * in a safe, would look like its key.
 */
static int nothing_is_there(const char *folder, struct verity_error *err)
{
	char path[PATH_MAX];

	for (int i = 0; i < VERITY_DEVKEY_COUNT; i++)
		for (int s = 0; s < 2; s++) {
			snprintf(path, sizeof(path), "%s/%s.%s", folder,
				 verity_devkeys_name((enum verity_devkey)i), suffixes[s]);
			if (access(path, F_OK) == 0)
				return verity_fail(
					err, VERITY_E_KEY,
					"%s exists already and is not replaced", path);
			if (errno != ENOENT)
				return verity_fail_errno(err, errno, "%s", path);
		}
	return 0;
}

/* A part of them would be in the way of the next attempt. */
static void remove_all(const char *folder)
{
	char path[PATH_MAX];

	for (int i = 0; i < VERITY_DEVKEY_COUNT; i++)
		for (int s = 0; s < 2; s++) {
			snprintf(path, sizeof(path), "%s/%s.%s", folder,
				 verity_devkeys_name((enum verity_devkey)i), suffixes[s]);
			(void)unlink(path);
		}
}

static int write_keys(const char *folder, struct verity_error *err)
{
	cleanup_with(verity_devkeys_free_p) struct verity_devkeys *keys = NULL;
	int r = verity_devkeys_new(&keys, err);

	for (int i = 0; r == 0 && i < VERITY_DEVKEY_COUNT; i++) {
		const char *name = verity_devkeys_name((enum verity_devkey)i);
		cleanup_free char *key = NULL;
		cleanup_free char *certificate = NULL;

		r = verity_devkeys_pem(keys, (enum verity_devkey)i, &key, &certificate,
				       err);
		if (r == 0)
			r = write_text(folder, name, "key", 0600, key, err);
		if (r == 0)
			r = write_text(folder, name, "pem", 0644, certificate, err);
		if (key)
			explicit_bzero(key, strlen(key));
	}
	if (r < 0)
		remove_all(folder);
	return r;
}

static int make_keys(const char *folder, struct verity_error *err)
{
	bool made = mkdir(folder, 0700) == 0;
	int r;

	if (!made && errno != EEXIST)
		return verity_fail_errno(err, errno, "%s", folder);
	r = nothing_is_there(folder, err);
	if (r == 0)
		r = write_keys(folder, err);
	if (r < 0 && made)
		(void)rmdir(folder);
	return r;
}

enum exit_status build_keys(int argc, char **argv)
{
	struct verity_error err;

	if (argc != 2 || argv[1][0] == '-')
		return report_usage("keys: expected: DIR");
	if (make_keys(argv[1], &err) < 0)
		return report_error(NULL, &err);
	printf("%s:\n"
	       "  root.pem                the key ring of the firmware\n"
	       "  signer.key, signer.pem  sign packages and deny lists\n"
	       "  unlock.key, unlock.pem  sign unlock statements\n"
	       "For development only: the key of a product belongs in an HSM.\n",
	       argv[1]);
	return STATUS_DONE;
}
