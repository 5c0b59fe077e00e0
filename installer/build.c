/* SPDX-License-Identifier: MIT */
#include "installer/build.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/secret.h"
#include "version.h"

static const struct command {
	const char *name;
	const char *synopsis;
	const char *help;
	enum exit_status (*run)(int argc, char **argv);
} commands[] = {
	{"create", "--version V --description D [OPTION]... TREE OUT.wmopkg",
	 "make a package of a directory or a tar", build_create},
	{"sign",
	 "[--add] --key KEY --cert CERT [--chain PEM] | --signature DER  IN.wmopkg "
	 "OUT.wmopkg",
	 "sign a package, in place of its present signatures or beside them", build_sign},
	{"inspect", "[--json] [--keys DIR] FILE.wmopkg",
	 "show what a package says of itself, and check it", build_inspect},
	{"extract", "[--manifest F] [--signature F] [--tree F] [--image F] FILE.wmopkg",
	 "write the parts of a package to files", build_extract},
	{"keys", "DIR", "make a development root, signer and unlock signer", build_keys},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static enum exit_status help(void)
{
	puts("Usage: wmopkg-build COMMAND ...\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %s %s\n      %s\n", commands[i].name, commands[i].synopsis,
		       commands[i].help);
	puts("\nOptions of create:\n"
	     "  --name N              identity of the package (default: OUT's name)\n"
	     "  --version V           version shown to the technician\n"
	     "  --description D       one line shown to the technician\n"
	     "  --priority N          higher lies on top (default 0)\n"
	     "  --epoch N             for deny lists and downgrade floors (default 0)\n"
	     "  --persistent P        allowed (default), required or forbidden\n"
	     "  --compatible GLOB     device model it is for; may be given again\n"
	     "  --firmware-min V      oldest firmware it is for\n"
	     "  --firmware-max V      newest firmware it is for\n"
	     "  --compressor C        zstd (default), xz, gzip or lz4\n"
	     "  --threads N           default: one for each processor\n"
	     "  --key KEY --cert CERT sign with this key and certificate: PEM files, or\n"
	     "                        pkcs11: URIs of a token, which keeps the key\n"
	     "  --chain PEM           intermediate certificates to enclose\n"
	     "  --pin-file FILE       its first line is the PIN or passphrase of the key\n"
	     "                        (default: WMOPKG_PIN in the environment, or asked for)\n"
	     "  --kernel-key KEY --kernel-cert CERT\n"
	     "                        sign the root hash too, for kernels that demand it\n"
	     "  --signing-time S      seconds since 1970 (default: now)\n"
	     "  --rsa-padding P       of an RSA key: pss (default), pkcs1\n"
	     "\nTimes in the image are those of SOURCE_DATE_EPOCH at most, 0 where it is not "
	     "set.\nExit status: 0 done, 1 failed, 2 usage, 3 not a sound package, 4 no such "
	     "file, 6 no room.");
	return STATUS_DONE;
}

static enum exit_status run(enum exit_status (*command)(int argc, char **argv), int argc,
			    char **argv)
{
	enum exit_status status = command(argc, argv);

	secret_forget();
	return status;
}

int main(int argc, char **argv)
{
	report_program("wmopkg-build");
	if (argc < 2)
		return report_usage("a command is expected");
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
		return help();
	if (strcmp(argv[1], "--version") == 0) {
		puts("wmopkg-build " WMOPKG_VERSION);
		return STATUS_DONE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return run(commands[i].run, argc - 1, argv + 1);
	return report_usage("'%s' is not a command", argv[1]);
}
