/* SPDX-License-Identifier: MIT */
/* One try after the other, with what was found out between them. */
#include "installer/transfer/tries.h"

#include "installer/transfer/hooks.h"
#include "installer/transfer/login.h"
#include "installer/transfer/transfer.h"

#define RETRY_MS 2000

/*
 * After a lost connection: waits for the next try. Only the rest of the same file may
 * follow the bytes that the client has.
 */
static int prepare_retry(struct transfer *transfer, unsigned retry, int r,
			 struct verity_error *err)
{
	const struct transfer_client *client = transfer->client;
	struct verity_error lost = *err;

	if (transfer->taken > 0 && !transfer->protocol->can_resume) {
		(void)verity_fail(err, lost.code,
				  "%s; this protocol cannot go on where it ended",
				  lost.message);
		return r;
	}
	if (transfer->taken > 0 && !transfer->validator[0]) {
		(void)verity_fail(err, lost.code,
				  "%s; the server gives neither an ETag nor a date for "
				  "the file, so the rest cannot be fetched separately",
				  lost.message);
		return r;
	}
	client->retrying(client->context, retry);
	transfer->is_amended = false;
	return transfer_wait(transfer, RETRY_MS, err);
}

/* What a server asks for besides the file is found out between two tries. */
static int try_all(struct transfer *transfer, struct login_state *state,
		   struct verity_error *err)
{
	unsigned retries = 0;

	for (;;) {
		int r = transfer_try(transfer, err);
		int again = 0;

		if (r == 0 || (transfer->lost && retries == TRANSFER_RETRIES_MAX))
			return r;
		if (transfer->lost) {
			r = prepare_retry(transfer, ++retries, r, err);
			if (r < 0)
				return r;
			continue;
		}
		if (transfer->ops->amend)
			again = transfer->ops->amend(transfer, err);
		if (again == 0)
			again = login_amend(transfer, state, err);
		if (again <= 0)
			return again ?: r;
		transfer->is_amended = true;
		retries = 0;
	}
}

int transfer_run(const struct transfer_job *job, const struct transfer_client *client,
		 struct verity_error *err)
{
	cleanup_with(login_state_done) struct login_state state = {0};
	cleanup_with(transfer_free_p) struct transfer *transfer = NULL;
	struct part part;
	int r = transfer_new(job, hooks_of(job->protocol), client, &transfer, err);

	if (r == 0)
		r = try_all(transfer, &state, err);
	/* A file that ended before its part has no further one. */
	while (r == 0 && transfer->end >= 0 && transfer->taken == transfer->end) {
		r = transfer_next(transfer, &part, err);
		if (r < 0 || part.first == part.end)
			break;
		r = try_all(transfer, &state, err);
	}
	return r;
}
