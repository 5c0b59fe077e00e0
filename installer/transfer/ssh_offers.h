/* SPDX-License-Identifier: MIT */
#pragma once

/* Why a server and libssh2 cannot begin a session of ssh: what each of them offers. */

#include "installer/transfer/transfer.h"

/**
 * ssh_offers_explain - after a try in which they did not agree: ask both what they offer
 *
 * libssh2 says only that they have nothing in common, not what. The server says what it
 * offers on one more connection, which then ends: 10 seconds at most, and its bytes go to
 * a decoder only.
 *
 * Return: 0 if that does not tell the reason; -ECOMM (TRANSFER) with the lists in @err.
 */
int ssh_offers_explain(const struct transfer *transfer,
		       struct verity_error *err) must_check;
