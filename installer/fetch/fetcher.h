/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A transfer in a process without rights, and what is believed of what it says: bytes of
 * the file, which are judged anyway, and a few messages, each checked and counted.
 */

#include "installer/request/job.h"

/*
 * The process ends a silent or slow transfer by itself: this only ends one that is not
 * itself any more, and so waits longer.
 */
#define FETCHER_SILENCE_MS 180000

/* All borrowed. */
struct fetcher {
	struct transfer_job job; /* see job_send() */
	int64_t silence_ms; /* after which the process is ended; 0: FETCHER_SILENCE_MS
			     */
	const char
		*program; /* path; NULL: wmopkg-fetch, as fetch_program_open() finds it */
};

/**
 * fetcher_run - fetch what the job says, and give it to @client
 *
 * A process that breaks the rules of messages is ended, and so is one that is silent, or
 * sends hardly anything, for longer than a transfer may.
 *
 * Return: see transfer_run(); -EINTR after a signal, see signals_check().
 */
int fetcher_run(const struct fetcher *fetcher, const struct transfer_client *client,
		struct verity_error *err) must_check;
