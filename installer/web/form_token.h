/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tokens against forged requests (CSRF): only a page of ours has one, and it is of one
 * user and of some hours. HMAC-SHA256 with a secret of this boot.
 */

#include <stdbool.h>
#include <stdint.h>

#include "verity/util/error.h"

#define TOKEN_SECRET_BYTES 32
#define TOKEN_TEXT_MAX     96 /* with its end */
#define TOKEN_SECONDS      (12 * 3600)

/**
 * token_secret - the secret, made where there is none
 * @run_fd: folder that only this program can read
 * @ret:    wipe it after use: processes without rights begin with a copy of all memory
 *
 * Return: 0; -errno.
 */
int token_secret(int run_fd, uint8_t ret[static TOKEN_SECRET_BYTES],
		 struct verity_error *err) must_check;

/**
 * token_make - a token for a user
 * @now: seconds of a clock that never goes back while the secret is the same
 *
 * Return: 0; -errno.
 */
int token_make(const uint8_t secret[static TOKEN_SECRET_BYTES], const char *user,
	       uint64_t now, char ret[static TOKEN_TEXT_MAX],
	       struct verity_error *err) must_check;

/**
 * token_check - whether a token was made for @user, not too long ago
 *
 * Takes the same time whatever is wrong.
 */
bool token_check(const uint8_t secret[static TOKEN_SECRET_BYTES], const char *user,
		 uint64_t now, const char *token) must_check;
