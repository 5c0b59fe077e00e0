/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The judge: the one place where bytes become a verdict. Installer and boot both ask it,
 * so what the one accepts the other accepts, for the same reason.
 *
 * Order, each step only on what the step before let through: head, signature over the
 * manifest's bytes, manifest, image against its root hash.
 */

#include "verity/cms.h"
#include "verity/manifest.h"

enum verity_verdict {
	VERITY_SIGNED,    /* chains to the key ring, and the image matches */
	VERITY_UNSIGNED,  /* no signature; the image matches its own manifest */
	VERITY_UNTRUSTED, /* a sound signature that does not chain to the key ring */
	VERITY_INVALID,   /* malformed, or manifest or image do not match: never active */
};

/* Who is trusted, and how hard to look. Plain data. */
struct verity_policy {
	const struct verity_keyring *keyring; /* borrowed; NULL trusts nobody */
	bool allow_untrusted;                 /* only ever from the boot configuration */
	unsigned threads;                     /* for hashing; 0: one for each processor */
	/*
	 * Do not read the image of a package that is refused for its signature already:
	 * at boot, where nobody asks whether it would match and everybody waits. Then
	 * Unsigned and Untrusted say nothing of the image.
	 */
	bool refuse_early;
};

/*
 * What the judge says of a package. Opaque: only the judge makes one. The verdict tells
 * what the package is; whether the device may use it is verity_judgement_accepted().
 */
struct verity_judgement;

enum verity_verdict verity_judgement_verdict(const struct verity_judgement *judgement);

/**
 * verity_judgement_accepted - whether the policy it was judged under lets it be used
 */
bool verity_judgement_accepted(const struct verity_judgement *judgement);

/**
 * verity_judgement_reason - why it is not plainly Signed; code VERITY_OK where it is
 *
 * Return: borrowed, lives as long as @judgement.
 */
const struct verity_error *verity_judgement_reason(
	const struct verity_judgement *judgement);

/**
 * verity_judgement_manifest - what the package says of itself
 *
 * Return: borrowed; NULL where it could not be read. Believe it as far as the verdict
 * goes.
 */
const struct verity_manifest *verity_judgement_manifest(
	const struct verity_judgement *judgement);

/**
 * verity_judgement_signer - who signed; NULL where nobody did or it cannot be told
 */
const struct verity_signer *verity_judgement_signer(
	const struct verity_judgement *judgement);

/**
 * verity_verdict_name - "Signed", "Unsigned", "Untrusted", "Invalid"
 */
const char *verity_verdict_name(enum verity_verdict verdict);

/**
 * verity_verdict_from_name - the verdict called @name
 *
 * Return: 0; -EINVAL where there is none of that name.
 */
int verity_verdict_from_name(const char *name, enum verity_verdict *ret) must_check;
