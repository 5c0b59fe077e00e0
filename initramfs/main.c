/* SPDX-License-Identifier: MIT */

/* wmopkg-activate: run by the initramfs between mounting the root and switching to it. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initramfs/activate.h"
#include "initramfs/log.h"
#include "initramfs/plan_json.h"
#include "initramfs/plan_text.h"
#include "initramfs/supervisor.h"
#include "overlay/config/config.h"
#include "verity/cms/openssl.h"
#include "verity/util/debug.h"
#include "verity/util/text.h"

#define EXIT_USAGE 2

static const char usage[] =
	"Usage: wmopkg-activate [--debug] [--config FILE] [--root DIR]\n"
	"       wmopkg-activate --plan [--debug] [--config FILE] [--root DIR] [json]\n"
	"\n"
	"Verify the installed packages and stack the accepted ones over the root file\n"
	"system. Run on every boot, in the initramfs, once the root is mounted.\n"
	"With --plan, print what a boot would do, and do nothing; also on a running system.\n"
	"\n"
	"  --config FILE  configuration file (default " OVERLAY_CONFIG_PATH ")\n"
	"  --root DIR     where the root file system is mounted (default " ACTIVATE_ROOT
	";\n"
	"                 with --plan, the running system)\n"
	"  --plan         print what a boot would do; with json, for programs\n"
	"  --debug        print each step and the system's own reasons; so does\n"
	"                 " VERITY_DEBUG_VARIABLE "=1 in the environment, and at a boot\n"
	"                 wmopkg.debug on the kernel command line\n"
	"  --help         print this help\n"
	"  --version      print the version\n"
	"\n"
	"Exit status: 0 the root is as planned, also with packages left out;\n"
	"1 no package is active and the root is as it was, or would be; 2 usage error;\n"
	"3 likewise, and the configuration requires PERSIST or a package: do not go on.\n"
	"What was done with each package and why is in the kernel log and in\n"
	"state.json in the folder `run` of the configuration.\n";

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"root", required_argument, NULL, 'r'},
	{"debug", no_argument, NULL, 'd'},
	{"plan", no_argument, NULL, 'p'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

/* The command line. */
struct request {
	const char *config; /* NULL: the default */
	const char *root;   /* NULL: the default */
	bool plan;
	bool json;
	bool debug;
};

/* Return: an exit status; -1 to go on. */
static int read_options(int argc, char **argv, struct request *ret)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			ret->config = optarg;
			break;
		case 'r':
			ret->root = optarg;
			break;
		case 'p':
			ret->plan = true;
			break;
		case 'd':
			ret->debug = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
		case 'v':
			puts("wmopkg-activate " WMOPKG_VERSION);
			return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (ret->plan && optind < argc && strcmp(argv[optind], "json") == 0) {
		ret->json = true;
		optind++;
	}
	if (optind == argc)
		return -1;
	fputs(usage, stderr);
	return EXIT_USAGE;
}

static int report(int r, bool log, const struct verity_error *err)
{
	char message[VERITY_MESSAGE_MAX];

	if (r == 0)
		return EXIT_SUCCESS;
	if (log)
		log_line(LOG_LEVEL_WARNING, "%s", err->message);
	snprintf(message, sizeof(message), "%s", err->message);
	fprintf(stderr, "wmopkg-activate: %s\n", verity_text_plain(message));
	return err->code == VERITY_E_REQUIRED ? STATUS_REFUSED : EXIT_FAILURE;
}

/*
 * Find out what a boot would do, and print it. Return: 0 where a stack would be possible,
 * also with some or all packages left out.
 */
static int plan_print(const char *config_path, const char *root, bool json,
		      struct verity_error *err)
{
	cleanup_with(plan_free_p) struct plan *plan = NULL;
	int r = plan_make(config_path, root, &plan, err);

	if (r < 0)
		return r;
	if (json)
		r = plan_json_print(stdout, plan, err);
	else
		plan_text_print(stdout, plan);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = verity_fail_errno(err, errno, "standard output");
	if (r < 0 || plan->failed.code == VERITY_OK)
		return r;
	*err = plan->failed;
	return -EIO;
}

static int activate(const struct supervisor_work *work, int line, size_t *ret_stuck)
{
	struct verity_error err = {0};
	int r = activate_run(work->config, work->root, line, ret_stuck, &err);

	return report(r, true, &err);
}

int main(int argc, char **argv)
{
	struct request request = {.config = NULL};
	struct verity_error err = {0};
	struct supervisor_work work = {.run = activate};
	struct rlimit files;
	int status, fd;

	/* Without a console from the kernel: files opened later must not become one. */
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	/* The modes of what is made are those of the code, whoever started it. */
	umask(S_IWGRP | S_IWOTH);
	status = read_options(argc, argv, &request);
	if (status >= 0)
		return status;
	if (request.debug || verity_debug_wanted())
		verity_debug_start(log_debug);
	verity_openssl_start();
	/* Each verified package is an open file. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (request.plan)
		return report(
			plan_print(request.config, request.root, request.json, &err),
			false, &err);
	work.config = request.config;
	work.root = request.root ? request.root : ACTIVATE_ROOT;
	return supervisor_run(&work);
}
