/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What went wrong, in a form both a program and a technician can use: a code with a
 * stable machine-readable name, a sentence that says what and why, and a hint that says
 * what to do. Libraries fill it, callers add where it happened, programs print it once.
 */

#include <stdbool.h>
#include <stddef.h>

#define VERITY_MESSAGE_MAX 512

#define must_check __attribute__((warn_unused_result))

/*
 * X(code, name, hint): @name is what `show json`, the state file and the kernel log say;
 * it is an interface and never changes its meaning. @hint is NULL where only the reason
 * itself can help.
 */
#define VERITY_ERRORS(X)                                                                          \
	X(IO, "io", NULL)                                                                         \
	X(NO_MEMORY, "no-memory", "free some memory and try again")                               \
	X(USAGE, "usage", NULL)                                                                   \
	X(CONFIG, "config", "correct the configuration file")                                     \
	X(NOT_FOUND, "not-found", NULL)                                                           \
	X(NOT_A_FILE, "not-a-file", "give the name of a file")                                    \
	X(BAD_NAME, "bad-name",                                                                   \
	  "rename it: a letter or digit, up to 63 of A-Z a-z 0-9 . _ -, then .wmopkg")            \
	X(BAD_MAGIC, "bad-magic", "check that this is a wmopkg package file")                     \
	X(BAD_SIZES, "bad-sizes", "get the package again from its vendor")                        \
	X(BAD_LENGTH, "bad-length", "the copy is incomplete or damaged: get it again")            \
	X(BAD_PADDING, "bad-padding", "the copy is damaged: get it again")                        \
	X(BAD_MANIFEST, "bad-manifest", "ask the vendor for a corrected package")                 \
	X(UNKNOWN_FEATURE, "unknown-feature",                                                     \
	  "update the firmware, or ask the vendor for a package made for it")                     \
	X(BAD_SIGNATURE, "bad-signature",                                                         \
	  "the copy is damaged or was changed: get it again")                                     \
	X(NO_SIGNATURE, "no-signature",                                                           \
	  "install a signed package, or set Allow Untrusted in the boot configuration")           \
	X(UNTRUSTED_SIGNER, "untrusted-signer",                                                   \
	  "install one signed for this device, or set Allow Untrusted in the boot configuration") \
	X(WEAK_KEY, "weak-key",                                                                   \
	  "ask the vendor to sign with RSA of 2048 bits at least, ECDSA P-256 or P-384")          \
	X(MISSING_SIGNER, "missing-signer",                                                       \
	  "get the package with the signatures that this device asks for")                        \
	X(REVOKED, "revoked", "ask the vendor for a newer package")                               \
	X(WRONG_MODEL, "wrong-model",                                                             \
	  "ask the vendor for a package made for this model")                                     \
	X(WRONG_FIRMWARE, "wrong-firmware",                                                       \
	  "ask the vendor for a package made for this firmware, or change the firmware")          \
	X(DOWNGRADE, "downgrade",                                                                 \
	  "install a newer package, or ask the vendor for an unlock statement that allows this")  \
	X(QUARANTINED, "quarantined",                                                             \
	  "try it again with 'wmopkg retry NAME', or install another")                            \
	X(BAD_STATEMENT, "bad-statement", "get the file again from who made it")                  \
	X(WRONG_TYPE, "wrong-type", "check which file this is")                                   \
	X(WRONG_DEVICE, "wrong-device",                                                           \
	  "'wmopkg unlock' shows this device's serial number")                                    \
	X(EXPIRED, "expired", "ask for a new statement")                                          \
	X(OLD_DENYLIST, "old-denylist", "get the newest deny list from the vendor")               \
	X(LOCKED, "locked", "ask the vendor for an unlock statement for this device")             \
	X(KERNEL_SIGNATURE, "kernel-signature",                                                   \
	  "ask the vendor for a package with a signature that this kernel trusts")                \
	X(AUDIT, "audit", "save the audit log and find out who changed it")                       \
	X(TREE_MISMATCH, "tree-mismatch",                                                         \
	  "the copy is damaged or was changed: get it again")                                     \
	X(IMAGE_MISMATCH, "image-mismatch",                                                       \
	  "the copy is damaged or was changed: get it again")                                     \
	X(KEYRING, "keyring", "check the key ring folder of the firmware")                        \
	X(KEY, "key", "check the key and certificate files")                                      \
	X(PIN, "pin", "check the PIN or passphrase: tokens lock after a few wrong ones")          \
	X(NO_ROOM, "no-room", "remove a package or free some space")                              \
	X(BUSY, "busy", "wait for the other one to end, then try again")                          \
	X(TRANSFER, "transfer", "check the address, the path and the server")                     \
	X(KERNEL_FEATURE, "kernel-feature", "build the kernel with that option")                  \
	X(DEVICE, "device-failed", NULL)                                                          \
	X(MOUNT, "mount-failed", NULL)                                                            \
	X(STACK, "stack-failed", NULL)                                                            \
	X(TOO_MANY, "too-many", "remove a package")                                               \
	X(SHADOWED, "shadowed", "remove one of the two")                                          \
	X(DISABLED, "disabled", "take the name out of the boot configuration")                    \
	X(SAFE_MODE, "safe-mode", "boot without wmopkg.safe")                                     \
	X(BAD_TREE, "bad-tree", "correct the tree and make the package again")                    \
	X(UNSUPPORTED, "unsupported", NULL)

enum verity_code {
	VERITY_OK = 0,
#define X(code, name, hint) VERITY_E_##code,
	VERITY_ERRORS(X)
#undef X
};

struct verity_error {
	enum verity_code code;
	char message[VERITY_MESSAGE_MAX]; /* one line, no final stop; never NULL */
};

/**
 * verity_code_name - the stable, machine-readable name of @code ("ok" for VERITY_OK)
 */
const char *verity_code_name(enum verity_code code);

/**
 * verity_code_from_name - the code called @name
 *
 * Return: the code; VERITY_OK where no code has that name.
 */
enum verity_code verity_code_from_name(const char *name);

/**
 * verity_code_hint - what a technician can do about @code; NULL where nothing general
 * helps
 */
const char *verity_code_hint(enum verity_code code);

/**
 * verity_fail - fill @err (which may be NULL) with @code and a message
 *
 * Return: the negative errno that stands for @code, for `return verity_fail(…)`.
 */
int verity_fail(struct verity_error *err, enum verity_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * verity_fail_errno - fill @err from a failed system call: "MESSAGE: strerror"
 * @errno_value: positive errno; ENOMEM, ENOSPC, EDQUOT, EFBIG and ENOENT get the code
 * that says so, everything else VERITY_E_IO
 *
 * Return: -@errno_value.
 */
int verity_fail_errno(struct verity_error *err, int errno_value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * verity_context - put "CONTEXT: " before the message of @err (which may be NULL)
 * @ret: handed through
 *
 * Return: @ret, for `return verity_context(err, r, …)`.
 */
int verity_context(struct verity_error *err, int ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
