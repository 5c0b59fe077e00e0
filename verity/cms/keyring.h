/* SPDX-License-Identifier: MIT */
#pragma once

/* The key ring: the PEM certificates of a folder, each a trust anchor. */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#define VERITY_KEYRING_MAX      64    /* certificates */
#define VERITY_KEYRING_FILE_MAX 65536 /* bytes of one file */
#define VERITY_KEYRING_NAME_MAX 63    /* bytes of a file's name; longer are cut */

struct verity_keyring;

/**
 * verity_keyring_load - read every *.pem and *.crt of a folder, in the order of names
 *
 * Certificates of *.tsa.pem and *.tsa.crt are anchors for timestamps only: the root of a
 * public authority must not vouch for signers.
 *
 * @path: the folder; where it does not exist the ring is empty, and no signer is trusted
 * @ret:  set on success only; free with verity_keyring_free()
 *
 * Return: 0; -EINVAL where a file holds no certificate or there are too many; -errno.
 */
int verity_keyring_load(const char *path, struct verity_keyring **ret,
			struct verity_error *err) must_check;

void verity_keyring_free(struct verity_keyring *keyring);

DEFINE_CLEANUP(struct verity_keyring, verity_keyring_free);

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
