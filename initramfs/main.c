/* SPDX-License-Identifier: MIT */

/* wmopkg-activate: run by the initramfs between mounting the root and switching to it. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "initramfs/activate.h"
#include "initramfs/log.h"
#include "overlay/config.h"
#include "verity/text.h"

#define EXIT_USAGE 2

static const char usage[] =
	"Usage: wmopkg-activate [--config FILE] [--root DIR]\n"
	"\n"
	"Verify the installed packages and stack those that may be used over the root\n"
	"file system. To be run on every boot, in the initramfs, once the root is mounted.\n"
	"\n"
	"  --config FILE  configuration file (default " OVERLAY_CONFIG_PATH ")\n"
	"  --root DIR     where the root file system is mounted (default " ACTIVATE_ROOT
	")\n"
	"  --help         print this help\n"
	"  --version      print the version\n"
	"\n"
	"Exit status: 0 the root is as planned, also where a package was left out;\n"
	"1 no package is active and the root is as it was; 2 wrong use.\n"
	"What was done with each package and why is in the kernel log and in\n"
	"state.json in the folder `run` of the configuration.\n";

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"root", required_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
	const char *config = NULL;
	const char *root = ACTIVATE_ROOT;
	struct verity_error err = {0};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'r':
			root = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'v':
			puts("wmopkg-activate " WMOPKG_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (activate_run(config, root, &err) == 0)
		return EXIT_SUCCESS;
	log_line(LOG_LEVEL_WARNING, "%s", err.message);
	fprintf(stderr, "wmopkg-activate: %s\n", verity_text_plain(err.message));
	return EXIT_FAILURE;
}
