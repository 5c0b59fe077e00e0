/* SPDX-License-Identifier: MIT */
#pragma once

/* Messages from a worker to its supervisor (initramfs/supervisor.h), through a pipe. */

enum supervisor_kind {
	SUPERVISOR_LIMIT,  /* the time limit is so many seconds from the start; 0: none */
	SUPERVISOR_EXTEND, /* so many more */
	SUPERVISOR_REQUIRES, /* the configuration requires something */
	SUPERVISOR_ACTIVE,   /* the stack is mounted, and the state file says so */
	SUPERVISOR_DONE,     /* done, with this exit status */
	SUPERVISOR_STUCK,    /* likewise, but a thread may never end */
};

struct supervisor_message {
	enum supervisor_kind kind;
	unsigned value;
};

/**
 * supervisor_tell - send a message to the supervisor; from any thread
 * @line: the pipe; -1: there is no supervisor
 */
void supervisor_tell(int line, enum supervisor_kind kind, unsigned value);
