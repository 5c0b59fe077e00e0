/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/build/main.h"
#include "installer/build/output.h"
#include "verity/sign/devkeys.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

DEFINE_CLEANUP(struct output, output_free);

static int write_text(const char *folder, const char *name, const char *suffix,
		      unsigned mode, const char *text, struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
	if (access(path, F_OK) == 0)
		return verity_fail(err, VERITY_E_KEY,
				   "%s is there already and is not replaced", path);
	r = output_new(path, mode, &output, err);
	if (r == 0)
		r = verity_io_write(output_fd(output), text, strlen(text), 0, err);
	return r < 0 ? r : output_commit(output, err);
}

static int write_pair(const char *folder, const struct verity_devkeys *keys,
		      enum verity_devkey which, struct verity_error *err)
{
	cleanup_free char *key = NULL;
	cleanup_free char *certificate = NULL;
	const char *name = verity_devkeys_name(which);
	int r = verity_devkeys_pem(keys, which, &key, &certificate, err);

	if (r == 0)
		r = write_text(folder, name, "key", 0600, key, err);
	if (r == 0)
		r = write_text(folder, name, "pem", 0644, certificate, err);
	if (key)
		explicit_bzero(key, strlen(key));
	return r;
}

static int make_keys(const char *folder, struct verity_error *err)
{
	cleanup_with(verity_devkeys_free_p) struct verity_devkeys *keys = NULL;
	int r;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return verity_fail_errno(err, errno, "%s", folder);
	r = verity_devkeys_new(&keys, err);
	for (int i = 0; r == 0 && i < VERITY_DEVKEY_COUNT; i++)
		r = write_pair(folder, keys, (enum verity_devkey)i, err);
	return r;
}

enum exit_status build_keys(int argc, char **argv)
{
	struct verity_error err;

	if (argc != 2 || argv[1][0] == '-')
		return report_usage("keys: one folder is expected");
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
