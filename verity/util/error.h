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

/* Exit statuses of the programs. An interface: scripts depend on them. */
enum exit_status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_REFUSED = 3,  /* by verification */
	STATUS_ABSENT = 4,   /* no such package, file or media */
	STATUS_TRANSFER = 5, /* the network or the server */
	STATUS_NO_ROOM = 6,
};

/*
 * X(code, name, errno, exit status, meaning, hint): the one table of errors.
 * @name: what `show json`, the state file and the kernel log say: an interface, it never
 *        changes its meaning
 * @errno: what a function that fails with this code returns, negated
 * @hint: what a technician can do; NULL where only the message says it
 * docs/errors.md lists meaning and hint for people; a test compares it with this table.
 */
#define VERITY_ERRORS(X)                                                                                \
	X(IO, "io", EIO, STATUS_FAILED,                                                                 \
	  "read or write error; the message has the system's reason",                                   \
	  "check the path and the file system")                                                         \
	X(PERMISSION, "permission", EACCES, STATUS_FAILED,                                              \
	  "this user does not have the permission",                                                     \
	  "run it as root, or change the permissions")                                                  \
	X(READ_ONLY, "read-only", EROFS, STATUS_FAILED,                                                 \
	  "the file system is mounted read-only",                                                       \
	  "remount it read-write, or check 'data' and 'persist' in the configuration")                  \
	X(INTERRUPTED, "interrupted", EINTR, STATUS_FAILED,                                             \
	  "interrupted by a signal: Ctrl-C, a hangup or a kill",                                        \
	  "run the command again")                                                                      \
	X(NO_MEMORY, "no-memory", ENOMEM, STATUS_FAILED, "not enough memory",                           \
	  "free some memory and try again")                                                             \
	X(USAGE, "usage", EINVAL, STATUS_USAGE,                                                         \
	  "a word on the command line is wrong or missing", NULL)                                       \
	X(CONFIG, "config", EINVAL, STATUS_FAILED,                                                      \
	  "a line of the configuration file is invalid",                                                \
	  "correct the configuration file")                                                             \
	X(NOT_FOUND, "not-found", ENOENT, STATUS_ABSENT,                                                \
	  "there is no such package, file, label or folder", "check the name")                          \
	X(NOT_A_FILE, "not-a-file", EINVAL, STATUS_FAILED,                                              \
	  "it is a folder, a device or a pipe, not a regular file",                                     \
	  "give the name of a regular file")                                                            \
	X(BAD_NAME, "bad-name", EINVAL, STATUS_USAGE,                                                   \
	  "the file name is not a valid package name",                                                  \
	  "rename it: a letter or digit, up to 63 of A-Z a-z 0-9 . _ -, then .wmopkg")                  \
	X(BAD_MAGIC, "bad-magic", EBADMSG, STATUS_REFUSED,                                              \
	  "the file does not begin like a package",                                                     \
	  "check that this is a wmopkg package file")                                                   \
	X(BAD_SIZES, "bad-sizes", EBADMSG, STATUS_REFUSED,                                              \
	  "a size in the header of the file is outside its limits",                                     \
	  "get the package again from its vendor")                                                      \
	X(BAD_LENGTH, "bad-length", EBADMSG, STATUS_REFUSED,                                            \
	  "the file is shorter or longer than its manifest says",                                       \
	  "the copy is incomplete or damaged: get it again")                                            \
	X(BAD_PADDING, "bad-padding", EBADMSG, STATUS_REFUSED,                                          \
	  "padding bytes are not zero", "the copy is damaged: get it again")                            \
	X(BAD_MANIFEST, "bad-manifest", EBADMSG, STATUS_REFUSED,                                        \
	  "the manifest is invalid", "ask the vendor for a corrected package")                          \
	X(UNKNOWN_FEATURE, "unknown-feature", EBADMSG, STATUS_REFUSED,                                  \
	  "the package requires a feature that this firmware does not have",                            \
	  "update the firmware, or ask the vendor for a package made for this firmware")                \
	X(BAD_SIGNATURE, "bad-signature", EBADMSG, STATUS_REFUSED,                                      \
	  "the signature is malformed, or does not match the manifest",                                 \
	  "get it again; if it is refused again, ask the vendor to sign it anew")                       \
	X(NO_SIGNATURE, "no-signature", EKEYREJECTED, STATUS_REFUSED,                                   \
	  "it is not signed",                                                                           \
	  "install a signed package, or set Allow Untrusted in the boot configuration")                 \
	X(UNTRUSTED_SIGNER, "untrusted-signer", EKEYREJECTED, STATUS_REFUSED,                           \
	  "the signer does not chain to a certificate in this device's key ring",                       \
	  "install a package signed for this device, or set Allow Untrusted in the boot configuration") \
	X(WEAK_KEY, "weak-key", EKEYREJECTED, STATUS_REFUSED,                                           \
	  "it is signed with a key or digest that is too weak",                                         \
	  "ask the vendor to sign with RSA of at least 2048 bits, ECDSA P-256 or P-384")                \
	X(MISSING_SIGNER, "missing-signer", EKEYREJECTED, STATUS_REFUSED,                               \
	  "a signature that the configuration requires is missing",                                     \
	  "get the package with all signatures that this device requires")                              \
	X(MISSING_TIMESTAMP, "missing-timestamp", EKEYREJECTED, STATUS_REFUSED,                         \
	  "a timestamp that the configuration requires is missing",                                     \
	  "ask the vendor for a package with a timestamp of an authority that this device knows")       \
	X(REVOKED, "revoked", EKEYREVOKED, STATUS_REFUSED,                                              \
	  "the deny list names its key, its root hash, or its name and epoch",                          \
	  "ask the vendor for a newer package")                                                         \
	X(WRONG_MODEL, "wrong-model", EPERM, STATUS_REFUSED,                                            \
	  "it is made for other device models",                                                         \
	  "ask the vendor for a package made for this model")                                           \
	X(WRONG_FIRMWARE, "wrong-firmware", EPERM, STATUS_REFUSED,                                      \
	  "it is made for other firmware versions",                                                     \
	  "ask the vendor for a package made for this firmware, or change the firmware")                \
	X(DOWNGRADE, "downgrade", EPERM, STATUS_REFUSED,                                                \
	  "its epoch is lower than one that this device has already run",                               \
	  "install a newer package, or ask the vendor for an unlock statement that allows this")        \
	X(QUARANTINED, "quarantined", EPERM, STATUS_REFUSED,                                            \
	  "the device did not complete its boots with it",                                              \
	  "run 'wmopkg retry NAME', or install another version")                                        \
	X(BAD_STATEMENT, "bad-statement", EBADMSG, STATUS_REFUSED,                                      \
	  "a signed statement is malformed", "get the file again from its vendor")                      \
	X(BAD_RECORD, "bad-record", EBADMSG, STATUS_FAILED,                                             \
	  "a record that the device keeps on PERSIST is damaged",                                       \
	  "reboot: the next boot replaces it")                                                          \
	X(WRONG_TYPE, "wrong-type", EBADMSG, STATUS_REFUSED,                                            \
	  "it is another type of signed file than the one expected",                                    \
	  "check which file this is")                                                                   \
	X(WRONG_DEVICE, "wrong-device", EPERM, STATUS_REFUSED,                                          \
	  "the statement is for another serial number",                                                 \
	  "'wmopkg unlock' shows this device's serial number")                                          \
	X(EXPIRED, "expired", EPERM, STATUS_REFUSED, "the statement has expired",                       \
	  "ask the vendor for a new statement")                                                         \
	X(SPENT, "spent", EPERM, STATUS_REFUSED,                                                        \
	  "the unlock statement was cleared on this device, which is final",                            \
	  "ask the vendor for a new statement, with another id")                                        \
	X(OLD_DENYLIST, "old-denylist", EPERM, STATUS_REFUSED,                                          \
	  "a deny list with this number or a higher one is installed",                                  \
	  "get the newest deny list from the vendor")                                                   \
	X(OLD_SET, "old-set", EPERM, STATUS_REFUSED,                                                    \
	  "this device has applied a signed set with a higher number, or another one with this number", \
	  "get the newest set from the vendor")                                                         \
	X(OLD_CATALOG, "old-catalog", EPERM, STATUS_REFUSED,                                            \
	  "the catalogue is older than one that this device has seen",                                  \
	  "bring the server up to date; if it is, do not trust it")                                     \
	X(EXPIRED_CATALOG, "expired-catalog", EPERM, STATUS_REFUSED,                                    \
	  "the catalogue has expired, and the server has no newer one",                                 \
	  "check the clock of this device; else publish a new catalogue")                               \
	X(WRONG_CHANNEL, "wrong-channel", EPERM, STATUS_REFUSED,                                        \
	  "the catalogue is of another channel than this device takes",                                 \
	  "check catalog and channel in the configuration")                                             \
	X(ROLLOUT, "rollout", EPERM, STATUS_REFUSED,                                                    \
	  "the vendor gives it to other devices first",                                                 \
	  "wait until the vendor gives it to more devices")                                             \
	X(NOT_PUBLISHED, "not-published", EBADMSG, STATUS_REFUSED,                                      \
	  "the package is not the one that the catalogue names",                                        \
	  "try again later; if it stays, publish a new catalogue")                                      \
	X(LOCKED, "locked", EPERM, STATUS_FAILED,                                                       \
	  "Allow Untrusted is set, but this device also requires an unlock statement",                  \
	  "ask the vendor for an unlock statement for this device")                                     \
	X(KERNEL_SIGNATURE, "kernel-signature", EIO, STATUS_FAILED,                                     \
	  "the kernel requires a signature of the root hash, and does not accept this one",             \
	  "ask the vendor for a package with a signature that this kernel trusts")                      \
	X(AUDIT, "audit", EBADMSG, STATUS_FAILED,                                                       \
	  "the hash chain of the audit log is broken",                                                  \
	  "save the audit log and find out who changed it")                                             \
	X(TREE_MISMATCH, "tree-mismatch", EBADMSG, STATUS_REFUSED,                                      \
	  "the hash tree does not match the root hash",                                                 \
	  "the copy is damaged or was changed: get it again")                                           \
	X(IMAGE_MISMATCH, "image-mismatch", EBADMSG, STATUS_REFUSED,                                    \
	  "a block of the image does not match the hash tree",                                          \
	  "the copy is damaged or was changed: get it again")                                           \
	X(BAD_IMAGE, "bad-image", EBADMSG, STATUS_REFUSED,                                              \
	  "the image in the package is not a valid squashfs",                                           \
	  "ask the vendor for a corrected package")                                                     \
	X(KEYRING, "keyring", EINVAL, STATUS_FAILED,                                                    \
	  "the key ring cannot be read or is empty, or a file in it has no valid certificate",          \
	  "check the key ring folder of the firmware")                                                  \
	X(KEY, "key", EINVAL, STATUS_FAILED,                                                            \
	  "a key or certificate for signing cannot be used",                                            \
	  "check the key and certificate files")                                                        \
	X(PIN, "pin", EINVAL, STATUS_FAILED,                                                            \
	  "a PIN, passphrase or password is wrong or missing",                                          \
	  "check the PIN or passphrase: a token locks after a few wrong attempts")                      \
	X(NO_ROOM, "no-room", ENOSPC, STATUS_NO_ROOM,                                                   \
	  "not enough free space on the file system",                                                   \
	  "remove a package or free some space")                                                        \
	X(BUSY, "busy", EBUSY, STATUS_FAILED, "in use by another process",                              \
	  "wait for the other process to end, then try again")                                          \
	X(TRANSFER, "transfer", ECOMM, STATUS_TRANSFER,                                                 \
	  "the server or the connection to it failed",                                                  \
	  "check the address, the path and the server")                                                 \
	X(LOST, "connection-lost", ECOMM, STATUS_TRANSFER,                                              \
	  "the connection was lost before the whole file was received",                                 \
	  "check the connection, then try again")                                                       \
	X(LOGIN, "login", ECOMM, STATUS_TRANSFER, "the server refused the login",                       \
	  "check the user name and the password")                                                       \
	X(CERTIFICATE, "certificate", ECOMM, STATUS_TRANSFER,                                           \
	  "the identity of the server cannot be verified",                                              \
	  "check the address, and the certificate authorities that this device trusts")                 \
	X(HOST_KEY, "host-key", ECOMM, STATUS_TRANSFER,                                                 \
	  "the SSH host key of the server is not the known one",                                        \
	  "compare its fingerprint with the one shown on the server")                                   \
	X(CLOCK, "clock", ECOMM, STATUS_TRANSFER,                                                       \
	  "a certificate is not valid at the time of the system clock",                                 \
	  "set the clock; if it is correct, the server needs a new certificate")                        \
	X(NO_MEDIUM, "no-medium", ENOENT, STATUS_ABSENT,                                                \
	  "the medium is not connected, or it was removed",                                             \
	  "connect the medium and try again")                                                           \
	X(KERNEL_FEATURE, "kernel-feature", EOPNOTSUPP, STATUS_FAILED,                                  \
	  "the kernel lacks a feature; the message names the option",                                   \
	  "build the kernel with that option")                                                          \
	X(DEVICE, "device-failed", EIO, STATUS_FAILED,                                                  \
	  "the kernel could not attach the package with dm-verity",                                     \
	  "see the kernel log with 'dmesg'")                                                            \
	X(MOUNT, "mount-failed", EIO, STATUS_FAILED,                                                    \
	  "a file system could not be mounted", "see the kernel log with 'dmesg'")                      \
	X(STACK, "stack-failed", EIO, STATUS_FAILED,                                                    \
	  "it could not be stacked over the firmware, by itself or together with the others",           \
	  "see the kernel log with 'dmesg'")                                                            \
	X(BLOCKS_MOUNT, "blocks-mount", EIO, STATUS_FAILED,                                             \
	  "it deletes, replaces or hides a folder that a file system is mounted on",                    \
	  "ask the vendor for a package that leaves this folder as it is")                              \
	X(TOO_MANY, "too-many", E2BIG, STATUS_FAILED,                                                   \
	  "over a limit; the message has the limit", "remove a package")                                \
	X(MISPLACED, "misplaced", EOPNOTSUPP, STATUS_FAILED,                                            \
	  "the manifest requires the other store", NULL)                                                \
	X(DUPLICATE, "duplicate", EEXIST, STATUS_FAILED,                                                \
	  "another installed package has the same identity, and that one counts",                       \
	  "remove the one that is not needed")                                                          \
	X(OTHER_NAME, "other-name", EEXIST, STATUS_FAILED,                                              \
	  "the package is already installed under another name", NULL)                                  \
	X(HIDES_FIRMWARE, "hides-firmware", EEXIST, STATUS_REFUSED,                                     \
	  "it has something of another type in place of a folder, link or file of the firmware",        \
	  NULL)                                                                                         \
	X(DISABLED, "disabled", EIO, STATUS_FAILED,                                                     \
	  "the boot configuration disables it with wmopkg.disable",                                     \
	  "remove the name from wmopkg.disable in the boot configuration")                              \
	X(SUSPECT, "suspect", EIO, STATUS_FAILED,                                                       \
	  "boots with it were not completed: it is left out to find the package that is the cause",     \
	  "complete this boot with 'wmopkg boot-complete' and reboot, or run 'wmopkg retry NAME'")      \
	X(TIMED_OUT, "timed-out", ETIMEDOUT, STATUS_FAILED,                                             \
	  "verifying and attaching it took longer than the boot waits for it",                          \
	  "its storage may be failing: back up the data, and see the kernel log with 'dmesg'")          \
	X(REQUIRED, "required", EPERM, STATUS_REFUSED,                                                  \
	  "the configuration requires PERSIST or a package, and it is not there",                       \
	  "restore PERSIST or the package, or correct require_… in the configuration")                  \
	X(SAFE_MODE, "safe-mode", EIO, STATUS_FAILED,                                                   \
	  "the boot configuration sets wmopkg.safe: no package is active",                              \
	  "boot without wmopkg.safe")                                                                   \
	X(RESET, "reset", EIO, STATUS_FAILED,                                                           \
	  "the next boot resets the device to factory, and deletes it",                                 \
	  "to cancel the reset: wmopkg factory-reset cancel")                                           \
	X(BAD_TREE, "bad-tree", EINVAL, STATUS_FAILED,                                                  \
	  "the tree cannot be packed; the message has the path",                                        \
	  "correct the tree and make the package again")                                                \
	X(UNSUPPORTED, "unsupported", EOPNOTSUPP, STATUS_FAILED,                                        \
	  "not supported, or not in this form; the message has the reason", NULL)                       \
	X(MISSING_NEED, "missing-need", EPERM, STATUS_FAILED,                                           \
	  "a package that it needs is not active, or is too old",                                       \
	  "install the package that it needs, or make it active")                                       \
	X(CONFLICT, "conflict", EPERM, STATUS_FAILED,                                                   \
	  "it cannot be active together with another package, and that one is active",                  \
	  "remove the one of the two that is not needed")                                               \
	X(BAD_SET, "bad-set", EINVAL, STATUS_FAILED,                                                    \
	  "the set is invalid, or a package is not what it says", "correct the set")                    \
	X(WAITING_SET, "waiting-set", EIO, STATUS_FAILED,                                               \
	  "a set that was applied is not complete yet; the message has the reason",                     \
	  "make both stores available, or remove what is in the way; then run 'wmopkg show'")

enum verity_code {
	VERITY_OK = 0,
#define X(code, ...) VERITY_E_##code,
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
 * verity_code_exit_status - what a program that failed with @code exits with
 */
enum exit_status verity_code_exit_status(enum verity_code code);

/**
 * verity_code_hint - what a technician can do about @code; NULL where no general advice
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
 * verity_no_memory - fill @err (which may be NULL): memory cannot be allocated
 *
 * Return: -ENOMEM.
 */
int verity_no_memory(struct verity_error *err);

/**
 * verity_errno_text - what the C library says of an errno, from any thread
 * @text: receives it; overwrites errno
 *
 * strerror_r() returns a text with some C libraries and a number with others.
 *
 * Return: @text.
 */
const char *verity_errno_text(int errno_value, char *text, size_t size);

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
