/* SPDX-License-Identifier: MIT */
/* wmopkg-fetch: the program that talks to servers, started by wmopkg. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "installer/transfer/worker.h"
#include "installer/transfer/worker_start.h"
#include "version.h"

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("wmopkg-fetch " WMOPKG_VERSION) < 0 || fflush(stdout) < 0;
	if (argc > 1) {
		fputs("wmopkg-fetch: it is started by wmopkg (see 'wmopkg help install')\n",
		      stderr);
		return 2;
	}
	/* Its configuration could allow old protocols, or load libraries. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	worker_start(worker_run);
}
