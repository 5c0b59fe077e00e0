/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The judge: the one place where bytes become a verdict. Installer and boot both ask it,
 * so what the one accepts the other accepts, for the same reason.
 *
 * Order, each step only on what the step before let through: head, signature over the
 * manifest's bytes, manifest, statements (deny list, quarantine, epoch floor, compatible,
 * firmware), image against its root hash.
 */

#include "verity/cms/cms.h"
#include "verity/format/manifest.h"
#include "verity/statement/denylist.h"
#include "verity/statement/floors.h"
#include "verity/statement/quarantine.h"

enum verity_verdict {
	VERITY_SIGNED,    /* chains to the key ring, and the image matches as far as the
			     policy had it read */
	VERITY_UNSIGNED,  /* no signature; the image matches its own manifest, likewise */
	VERITY_UNTRUSTED, /* a valid signature that does not chain to the key ring */
	VERITY_INVALID,   /* malformed, or manifest or image do not match: never active */
	VERITY_REVOKED,   /* the deny list names its key, root hash, or name: never active
			   */
	VERITY_INCOMPATIBLE, /* not for this device model or firmware */
	VERITY_DOWNGRADE,    /* epoch below the floor that this device has run */
	VERITY_QUARANTINED,  /* it kept the device from booting */
};

#define VERITY_VERDICTS (VERITY_QUARANTINED + 1)

extern const char *const verity_verdict_names[VERITY_VERDICTS]; /* "Signed", … */

/* Whose signatures a package must have. Plain data, borrowed. */
struct verity_required {
	const char *const *anchors; /* files of the key ring; none: any of them */
	size_t count;
	bool all; /* a signer under each of them, not just under one */
};

/* Who is trusted, and how much is checked. Plain data; everything in it is borrowed. */
struct verity_policy {
	const struct verity_keyring *keyring; /* NULL: no signer is trusted */
	struct verity_required required;
	const struct verity_denylist *denylist;     /* NULL: none */
	const struct verity_floors *floors;         /* NULL: none */
	const struct verity_quarantine *quarantine; /* NULL: none */
	const char *model;    /* of this device; NULL: not asked, "": not known */
	const char *firmware; /* version, likewise */
	bool allow_untrusted; /* only ever from the boot configuration */
	bool allow_downgrade; /* only ever from an unlock statement */
	unsigned threads;     /* for hashing; 0: one for each processor */
	/*
	 * Do not read the image of a package that its signature already refuses: at boot
	 * that would only cost time. Then a verdict other than Signed says nothing about
	 * the image.
	 */
	bool refuse_early;
	/*
	 * Signature, head, the hash tree's root and the image's first block now; every
	 * other block is checked by dm-verity when it is read. Only for a boot: an
	 * installation reads everything, so verity/package/stream.c ignores this.
	 */
	bool lazy;
};

/*
 * What the judge says of a package. Only the judge makes one; others read it through a
 * const pointer. It is no proof that a package may be used: that is struct
 * verity_verified of verity/package/package.h.
 */
struct verity_judgement {
	enum verity_verdict verdict; /* what the package is */
	bool accepted;               /* the policy lets the device use it */
	bool trusted;                /* those signed whose signature is required */
	struct verity_error reason;  /* why it is not Signed; VERITY_OK where it is */
	struct verity_signatures signatures;

	/* NULL where it could not be read. As credible as the verdict says. */
	struct verity_manifest *manifest;

	/* The package's id: SHA-256 of its manifest's bytes; zeros where not read. */
	uint8_t id[VERITY_DIGEST_BYTES];
};

/**
 * verity_verdict_name - the word for it, as the names above: "Signed", "Quarantined", …
 */
const char *verity_verdict_name(enum verity_verdict verdict);
