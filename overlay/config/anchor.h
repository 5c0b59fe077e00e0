/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether a hardware anchor stands between the boot configuration and trust. A protection
 * that cannot be read counts as present: only a variable SecureBoot that was really read,
 * and is 0, shows that there is none.
 */

#include "overlay/config/config.h"
#include "verity/util/json_table.h"

#define OVERLAY_ANCHOR_TEXT_MAX 192

/*
 * X(evidence, name, present, text): what decided. @name is for programs: state file and
 * JSON outputs. In @text, %s is the system's reason.
 */
#define OVERLAY_ANCHOR_EVIDENCES(X)                                                      \
	X(NONE, "none", false, "the configuration sets anchor = none")                   \
	X(ALWAYS, "always", true, "the configuration sets anchor = always")              \
	X(VARIABLE_ON, "variable-on", true, "the UEFI variable SecureBoot is 1")         \
	X(KERNEL, "kernel", true, "the kernel was started with Secure Boot on")          \
	X(LOCKDOWN, "lockdown", true, "the kernel is locked down")                       \
	X(MALFORMED, "variable-malformed", true,                                         \
	  "Secure Boot counts as on, because the UEFI variable SecureBoot is malformed") \
	X(UNREADABLE, "variable-unreadable", true,                                       \
	  "Secure Boot counts as on, because the UEFI variable SecureBoot cannot be "    \
	  "read")                                                                        \
	X(VARIABLE_OFF, "variable-off", false, "the UEFI variable SecureBoot is 0")

enum overlay_anchor_evidence {
#define X(evidence, ...) OVERLAY_EVIDENCE_##evidence,
	OVERLAY_ANCHOR_EVIDENCES(X)
#undef X
};

/* Plain data. */
struct overlay_anchor_result {
	bool present;
	enum overlay_anchor_evidence evidence;
	char text[OVERLAY_ANCHOR_TEXT_MAX]; /* the same for people */
};

/* Of struct overlay_anchor_result, in JSON. */
extern const struct verity_json_field overlay_anchor_fields[];

/* What the variable says. */
enum overlay_variable {
	OVERLAY_VARIABLE_UNREADABLE,
	OVERLAY_VARIABLE_MALFORMED, /* other attributes, another size or value */
	OVERLAY_VARIABLE_OFF,
	OVERLAY_VARIABLE_ON,
};

/* What each source says. Zero is what is said where none of them can be read. */
struct overlay_anchor_facts {
	enum overlay_variable variable;
	int error;        /* errno: why the variable cannot be read */
	bool kernel_says; /* boot_params.secure_boot: the EFI stub found it on */
	bool locked_down; /* integrity or confidentiality */
};

/* Where to look. A negative descriptor is the errno of why there is none. Borrowed. */
struct overlay_anchor_sources {
	int sys;      /* /sys */
	int efivars;  /* a mount of efivarfs */
	int security; /* a mount of securityfs */
};

/**
 * overlay_anchor_decode - what the bytes of the file of the variable SecureBoot say
 *
 * UEFI specification, table 3.3: BS, RT, 8 bits; efivarfs puts the attributes in front.
 */
enum overlay_variable overlay_anchor_decode(const void *bytes, size_t size);

/**
 * overlay_anchor_gather - read what each source says; what cannot be read says nothing
 *
 * A file that is not on an efivarfs is no variable, whatever its path is.
 */
void overlay_anchor_gather(const struct overlay_anchor_sources *sources,
			   struct overlay_anchor_facts *ret);

/**
 * overlay_anchor_decide - whether there is an anchor, by the facts
 * @facts: only read with OVERLAY_ANCHOR_EFI
 *
 * Each source that says that Secure Boot is on is stronger than a variable that says 0.
 */
void overlay_anchor_decide(enum overlay_anchor anchor,
			   const struct overlay_anchor_facts *facts,
			   struct overlay_anchor_result *ret);

/**
 * overlay_anchor_find - whether this device is anchored, and what shows it
 *
 * With OVERLAY_ANCHOR_EFI it reads efivarfs and securityfs by mounts of its own, so that
 * nothing that is mounted at their paths, or over a file of theirs, is believed. A
 * process that must not mount reads them at their paths.
 */
void overlay_anchor_find(enum overlay_anchor anchor, struct overlay_anchor_result *ret);
