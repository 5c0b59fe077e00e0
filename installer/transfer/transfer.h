/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One file fetched from one URL, in as many tries as it takes: bytes that one try has
 * given to the client are not asked for again by the next.
 */

#include "installer/transfer/protocol.h"

/**
 * transfer_new - prepare to fetch what @job says
 * @job: borrowed, like @ops and @client, until transfer_free()
 * @ret: set on success only; transfer_free()
 */
int transfer_new(const struct transfer_job *job, const struct protocol_ops *ops,
		 const struct transfer_client *client, struct transfer **ret,
		 struct verity_error *err) must_check;

void transfer_free(struct transfer *transfer);

DEFINE_CLEANUP(struct transfer, transfer_free);

/**
 * transfer_try - connect, and give the bytes from @transfer->taken to @transfer->end to
 * the client
 *
 * Return: see transfer_run(); @transfer->wants_login and ->lost say whether another try
 * may help.
 */
int transfer_try(struct transfer *transfer, struct verity_error *err) must_check;

/**
 * transfer_next - after all of a part: ask the client for the next one, for
 * transfer_try()
 * @ret: set on success only; empty: no more is wanted
 */
int transfer_next(struct transfer *transfer, struct part *ret,
		  struct verity_error *err) must_check;

/**
 * transfer_wait - wait @ms milliseconds
 *
 * Return: 0; -EINTR after a signal.
 */
int transfer_wait(struct transfer *transfer, int ms, struct verity_error *err) must_check;

/**
 * transfer_no_memory - the error for an option that libcurl does not take
 */
int transfer_no_memory(struct verity_error *err);

/**
 * transfer_keep_words - keep a line of the server in @transfer->words, without its end
 */
void transfer_keep_words(struct transfer *transfer, const char *line, size_t size);

/**
 * transfer_read_file_time - fill @transfer->present with the time of the last change, if
 * libcurl knows it; a check hook, for protocols that set the option FILETIME
 */
int transfer_read_file_time(struct transfer *transfer,
			    struct verity_error *err) must_check;

/**
 * transfer_check_same - fail if @transfer->present is not what the first try had
 */
int transfer_check_same(const struct transfer *transfer,
			struct verity_error *err) must_check;
