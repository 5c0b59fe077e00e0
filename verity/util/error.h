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
 * X(code, name, meaning, hint): @name is what `show json`, the state file and the kernel
 * log say; it is an interface and never changes its meaning. @hint is NULL where only the
 * reason itself can help. docs/errors.md is the list for people; a test keeps it this
 * one.
 */
#define VERITY_ERRORS(X)                                                                          \
	X(IO, "io", "reading or writing failed; the message has the system's reason",             \
	  "check the path and the file system")                                                   \
	X(PERMISSION, "permission", "the system does not let this user do that",                  \
	  "become root, or change who may do it")                                                 \
	X(READ_ONLY, "read-only", "the file system is mounted read-only",                         \
	  "make it writable, or check the configuration")                                         \
	X(INTERRUPTED, "interrupted", "a signal ended it: Ctrl-C, a hangup, or a kill",           \
	  "type it again")                                                                        \
	X(NO_MEMORY, "no-memory", "the device has no memory left for this",                       \
	  "free some memory and try again")                                                       \
	X(USAGE, "usage", "a word of the command line is wrong or missing", NULL)                 \
	X(CONFIG, "config", "a line of the configuration file is wrong",                          \
	  "correct the configuration file")                                                       \
	X(NOT_FOUND, "not-found", "there is no such package, file, label or folder",              \
	  "check the name")                                                                       \
	X(NOT_A_FILE, "not-a-file", "it is a folder, a device or a pipe, not a file",             \
	  "give the name of a file")                                                              \
	X(BAD_NAME, "bad-name", "the file's name cannot be the name of a package",                \
	  "rename it: a letter or digit, up to 63 of A-Z a-z 0-9 . _ -, then .wmopkg")            \
	X(BAD_MAGIC, "bad-magic", "the file does not begin as a package does",                    \
	  "check that this is a wmopkg package file")                                             \
	X(BAD_SIZES, "bad-sizes", "the head of the file says sizes that no package has",          \
	  "get the package again from its vendor")                                                \
	X(BAD_LENGTH, "bad-length",                                                               \
	  "the file is shorter or longer than its manifest makes it",                             \
	  "the copy is incomplete or damaged: get it again")                                      \
	X(BAD_PADDING, "bad-padding", "bytes that have to be zero are not",                       \
	  "the copy is damaged: get it again")                                                    \
	X(BAD_MANIFEST, "bad-manifest", "the manifest is not what a manifest must be",            \
	  "ask the vendor for a corrected package")                                               \
	X(UNKNOWN_FEATURE, "unknown-feature",                                                     \
	  "the package requires what this firmware does not know",                                \
	  "update the firmware, or ask the vendor for a package made for it")                     \
	X(BAD_SIGNATURE, "bad-signature",                                                         \
	  "the signature is malformed, or does not match the manifest",                           \
	  "the copy is damaged or was changed: get it again")                                     \
	X(NO_SIGNATURE, "no-signature", "nobody signed it",                                       \
	  "install a signed package, or set Allow Untrusted in the boot configuration")           \
	X(UNTRUSTED_SIGNER, "untrusted-signer",                                                   \
	  "nobody in this device's key ring vouches for who signed it",                           \
	  "install one signed for this device, or set Allow Untrusted in the boot configuration") \
	X(WEAK_KEY, "weak-key",                                                                   \
	  "it is signed with a key or digest that is too weak to be believed",                    \
	  "ask the vendor to sign with RSA of 2048 bits at least, ECDSA P-256 or P-384")          \
	X(MISSING_SIGNER, "missing-signer",                                                       \
	  "a signature that the configuration asks for is missing",                               \
	  "get the package with the signatures that this device asks for")                        \
	X(REVOKED, "revoked",                                                                     \
	  "the deny list in force names its key, root hash, or name and epoch",                   \
	  "ask the vendor for a newer package")                                                   \
	X(WRONG_MODEL, "wrong-model", "it was made for other device models",                      \
	  "ask the vendor for a package made for this model")                                     \
	X(WRONG_FIRMWARE, "wrong-firmware", "it was made for other firmware versions",            \
	  "ask the vendor for a package made for this firmware, or change the firmware")          \
	X(DOWNGRADE, "downgrade", "its epoch is below the one that this device has run",          \
	  "install a newer package, or ask the vendor for an unlock statement that allows this")  \
	X(QUARANTINED, "quarantined", "the device did not complete its boots with it",            \
	  "try it again with 'wmopkg retry NAME', or install another")                            \
	X(BAD_STATEMENT, "bad-statement",                                                         \
	  "a signed statement, or what this device remembers, is malformed",                      \
	  "get the file again from who made it")                                                  \
	X(WRONG_TYPE, "wrong-type",                                                               \
	  "it is another kind of signed thing than what is asked for",                            \
	  "check which file this is")                                                             \
	X(WRONG_DEVICE, "wrong-device",                                                           \
	  "the statement was made for another serial number",                                     \
	  "'wmopkg unlock' shows this device's serial number")                                    \
	X(EXPIRED, "expired", "the statement's last day is over",                                 \
	  "ask for a new statement")                                                              \
	X(OLD_DENYLIST, "old-denylist",                                                           \
	  "a deny list with this number or a higher one is in force",                             \
	  "get the newest deny list from the vendor")                                             \
	X(LOCKED, "locked",                                                                       \
	  "Allow Untrusted is set, and this device's anchor asks for more",                       \
	  "ask the vendor for an unlock statement for this device")                               \
	X(KERNEL_SIGNATURE, "kernel-signature",                                                   \
	  "the kernel asks for a signature of the root hash, and does not accept this one",       \
	  "ask the vendor for a package with a signature that this kernel trusts")                \
	X(AUDIT, "audit", "the audit log's chain is broken",                                      \
	  "save the audit log and find out who changed it")                                       \
	X(TREE_MISMATCH, "tree-mismatch", "the hash tree does not match the root hash",           \
	  "the copy is damaged or was changed: get it again")                                     \
	X(IMAGE_MISMATCH, "image-mismatch",                                                       \
	  "a block of the image does not match the hash tree",                                    \
	  "the copy is damaged or was changed: get it again")                                     \
	X(BAD_IMAGE, "bad-image", "the image in the package is no sound squashfs",                \
	  "ask the vendor for a corrected package")                                               \
	X(KEYRING, "keyring",                                                                     \
	  "the key ring cannot be read, or holds no sound certificate",                           \
	  "check the key ring folder of the firmware")                                            \
	X(KEY, "key", "a key or certificate for signing cannot be used",                          \
	  "check the key and certificate files")                                                  \
	X(PIN, "pin", "a PIN, passphrase or password is wrong or missing",                        \
	  "check the PIN or passphrase: tokens lock after a few wrong ones")                      \
	X(NO_ROOM, "no-room", "the file system is too full for it",                               \
	  "remove a package or free some space")                                                  \
	X(BUSY, "busy", "another program is at it",                                               \
	  "wait for the other one to end, then try again")                                        \
	X(TRANSFER, "transfer", "the server, or the way to it, failed",                           \
	  "check the address, the path and the server")                                           \
	X(LOST, "connection-lost",                                                                \
	  "the connection ended before the whole file was there",                                 \
	  "check the connection, then try again")                                                 \
	X(LOGIN, "login", "the server does not let this user in",                                 \
	  "check the user name and the password")                                                 \
	X(CERTIFICATE, "certificate",                                                             \
	  "it is not certain that this is the server asked for",                                  \
	  "check the address, and the authorities that this device trusts")                       \
	X(HOST_KEY, "host-key",                                                                   \
	  "the ssh host key of the server is not the one that is known",                          \
	  "compare its fingerprint with that of the server itself")                               \
	X(CLOCK, "clock", "a certificate is not valid at the time that the clock shows",          \
	  "set the clock; if it is right, the server needs another certificate")                  \
	X(NO_MEDIUM, "no-medium", "no such medium is connected, or it was pulled out",            \
	  "plug it in and try again")                                                             \
	X(KERNEL_FEATURE, "kernel-feature",                                                       \
	  "the kernel lacks something; the message names the option",                             \
	  "build the kernel with that option")                                                    \
	X(DEVICE, "device-failed", "the kernel could not attach it through dm-verity",            \
	  "the kernel log may say more")                                                          \
	X(MOUNT, "mount-failed", "a file system could not be mounted",                            \
	  "the kernel log may say more")                                                          \
	X(STACK, "stack-failed",                                                                  \
	  "the packages could not be stacked over the firmware: none is active",                  \
	  "the kernel log may say more")                                                          \
	X(TOO_MANY, "too-many",                                                                   \
	  "more than there is room for; the message has the limit", "remove a package")           \
	X(MISPLACED, "misplaced",                                                                 \
	  "the package asks for the other store, by its manifest", NULL)                          \
	X(OTHER_NAME, "other-name",                                                               \
	  "the package is installed already, under another name", NULL)                           \
	X(DISABLED, "disabled", "the boot configuration names it in wmopkg.disable",              \
	  "take the name out of the boot configuration")                                          \
	X(TIMED_OUT, "timed-out",                                                                 \
	  "it took longer to verify and attach than a boot may wait for it",                      \
	  "its storage may be failing: copy what matters, and see the kernel log")                \
	X(SAFE_MODE, "safe-mode",                                                                 \
	  "the boot configuration says wmopkg.safe: no package is active",                        \
	  "boot without wmopkg.safe")                                                             \
	X(BAD_TREE, "bad-tree", "the tree cannot be packed; the message has the path",            \
	  "correct the tree and make the package again")                                          \
	X(UNSUPPORTED, "unsupported",                                                             \
	  "it cannot be done, or not in this way; the message says why", NULL)

enum verity_code {
	VERITY_OK = 0,
#define X(code, name, meaning, hint) VERITY_E_##code,
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
 * verity_code_meaning - what @code says, whatever it happened with ("" for VERITY_OK)
 */
const char *verity_code_meaning(enum verity_code code);

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
 * @errno_value: positive errno; where a code says the same it is that one (ENOSPC is
 * NO_ROOM), everything else is VERITY_E_IO
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
