/* SPDX-License-Identifier: MIT */
#include "installer/build/main.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/build/passphrase.h"
#include "verity/util/debug.h"
#include "version.h"

static const struct command {
	const char *name;
	const char *synopsis;
	const char *help;
	enum exit_status (*run)(int argc, char **argv);
} commands[] = {
	{"create", "--version V --description D [OPTION]... TREE OUT.wmopkg",
	 "make a package from a folder or a tar file", build_create},
	{"sign", "[--add] --key KEY --cert CERT [--chain PEM] | --signature DER  IN OUT",
	 "sign a package or statement, in place of its signatures or beside them",
	 build_sign},
	{"inspect", "[--json] [OPTION]... FILE",
	 "show what a package or statement says, and judge it as a device would",
	 build_inspect},
	{"extract", "[--manifest F] [--signature F] [--tree F] [--image F] FILE",
	 "write the parts of a package or statement to files", build_extract},
	{"unlock", "--serial S --allow WORD --not-after DAY [OPTION]... OUT",
	 "make a statement that allows one device more, until a day", build_unlock},
	{"denylist", "--number N [ENTRY]... [OPTION]... OUT",
	 "make a list of what devices must not run any more", build_denylist},
	{"keys", "DIR", "make a development root, signer and unlock signer", build_keys},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static enum exit_status help(void)
{
	puts("Usage: wmopkg-build [--debug] COMMAND ...\n");
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
	     "  --kernel-key KEY --kernel-cert CERT\n"
	     "                        sign the root hash too, for kernels that demand it\n"
	     "\nOptions of create, sign, unlock and denylist:\n"
	     "  --key KEY --cert CERT sign with this key and certificate: PEM files, or\n"
	     "                        pkcs11: URIs of a token, which keeps the key\n"
	     "  --chain PEM           intermediate certificates to enclose\n"
	     "  --pin-file FILE       its first line is the PIN or passphrase of the key\n"
	     "                        (default: WMOPKG_PIN in the environment, or asked for)\n"
	     "  --signing-time S      seconds since 1970 (default: now)\n"
	     "  --rsa-padding P       of an RSA key: pss (default), pkcs1\n");
	puts("Options of unlock:\n"
	     "  --serial S            serial number of the device\n"
	     "  --allow WORD          untrusted, downgrade; may be given again\n"
	     "  --not-after T         2026-12-31, to the end of that day in UTC, or seconds\n"
	     "                        since 1970\n"
	     "\nEntries of denylist, each as often as needed:\n"
	     "  --key-id HEX          a key, by the SHA-256 of its SubjectPublicKeyInfo\n"
	     "  --revoke-cert PEM     the key of this certificate\n"
	     "  --root-hash HEX       a package's image\n"
	     "  --package FILE.wmopkg the image of this package\n"
	     "  --name NAME=EPOCH     packages of this name, below this epoch\n"
	     "Devices take a list whose --number is above the one they have.\n"
	     "\nOptions of inspect, each for what a device would go by:\n"
	     "  --keys DIR            its key ring\n"
	     "  --denylist FILE       its deny list\n"
	     "  --model M             its model\n"
	     "  --firmware V          its firmware's version\n"
	     "  --floor N             the highest epoch of the package that it has run\n"
	     "  --allow-untrusted     its boot configuration allows this\n"
	     "\nTimes in the image are those of SOURCE_DATE_EPOCH at most, 0 where it is\n"
	     "not set.\n"
	     "Exit status: 0 done, 1 failed, 2 usage, 3 refused or not sound,\n"
	     "4 no such file, 6 no room.");
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
	if (verity_debug_wanted())
		verity_debug_start(report_debug);
	if (argc > 1 && strcmp(argv[1], "--debug") == 0) {
		verity_debug_start(report_debug);
		argc--;
		argv++;
	}
	if (argc < 2)
		return report_usage("a command is expected");
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[argc - 1], "--help") == 0)
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
