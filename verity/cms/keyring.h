/* SPDX-License-Identifier: MIT */
#pragma once

/* The key ring: the certificates of a folder, each a trust anchor. */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#define VERITY_KEYRING_MAX      64    /* certificates */
#define VERITY_KEYRING_FILE_MAX 65536 /* bytes of one file */
#define VERITY_KEYRING_NAME_MAX 63    /* bytes of a file's name; longer are cut */

struct verity_keyring;

/**
 * verity_keyring_load - read every *.pem, *.crt, *.cer and *.der of a folder, in the
 * order of names; upper and lower case are the same
 *
 * What is in the file decides whether it is PEM or DER. Certificates of *.tsa.pem and the
 * like are anchors for timestamps only: the root of a public authority must not vouch for
 * signers.
 *
 * A file that cannot be read, or has no certificate, and certificates over the limit are
 * skipped: fewer signers are trusted then, never more.
 *
 * @path: the folder; where it does not exist the ring is empty, and no signer is trusted
 * @ret:  set on success only; free with verity_keyring_free()
 *
 * Return: 0; -ENOMEM; -errno where the folder cannot be read.
 */
int verity_keyring_load(const char *path, struct verity_keyring **ret,
			struct verity_error *err) must_check;

void verity_keyring_free(struct verity_keyring *keyring);

DEFINE_CLEANUP(struct verity_keyring, verity_keyring_free);

/**
 * verity_keyring_skipped - why the first file was skipped, and how many were
 * @ret_count: 0: none, and the error is not filled
 *
 * Return: borrowed.
 */
const struct verity_error *verity_keyring_skipped(const struct verity_keyring *keyring,
						  size_t *ret_count);

/**
 * verity_keyring_require_timestamps - trust only signatures with a timestamp
 */
void verity_keyring_require_timestamps(struct verity_keyring *keyring);

/**
 * verity_keyring_count - how many certificates the ring holds for signers
 */
size_t verity_keyring_count(const struct verity_keyring *keyring);

/**
 * verity_keyring_name - name of the file that certificate number @index is from
 *
 * Return: borrowed; NULL after the last.
 */
const char *verity_keyring_name(const struct verity_keyring *keyring, size_t index);
