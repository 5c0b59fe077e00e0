/* SPDX-License-Identifier: MIT */
#pragma once

/* What both programs tell the shell. An interface: scripts depend on it. */

#include "verity/util/error.h"

enum exit_status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_REFUSED = 3,  /* by verification */
	STATUS_ABSENT = 4,   /* no such package, file or media */
	STATUS_TRANSFER = 5, /* the network or the server */
	STATUS_NO_ROOM = 6,
};

/**
 * exit_status_of - the exit status that stands for @code
 */
enum exit_status exit_status_of(enum verity_code code);
