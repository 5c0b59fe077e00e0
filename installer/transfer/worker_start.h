/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A program that talks to a server, from its start on: it takes the job that it was
 * given, gives up all rights but those of the job, and only then uses libcurl.
 */

#include "installer/request/job.h"

/**
 * worker_start - do @work without rights, as sandbox_start_program() has started this
 * process for
 * @work: worker_run(); another one in tests. Its result is the exit status
 */
_Noreturn void worker_start(int (*work)(const struct transfer_job *job, int in, int out));
