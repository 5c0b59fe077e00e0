/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a worker tells its supervisor (initramfs/supervisor.h), through a pipe. Where
 * there is none, -1, nobody is told.
 */

#include <stdbool.h>
#include <stddef.h>

enum supervised_kind {
	SUPERVISED_LIMIT,  /* so many seconds are its time from the start on; 0: no limit
			    */
	SUPERVISED_EXTEND, /* so many more */
	SUPERVISED_ACTIVE, /* the stack is there, and the state file says so */
	SUPERVISED_DONE,   /* with this exit status */
	SUPERVISED_STUCK,  /* likewise, and a thread of it may never end */
};

struct supervised_word {
	enum supervised_kind kind;
	unsigned value;
};

/**
 * supervised_tell - tell the supervisor something; from any thread
 */
void supervised_tell(int line, enum supervised_kind kind, unsigned value);
