/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The public-key operations of one CMS. Each link of a chain is verified once. Operations
 * that lead to no trusted signer have a budget, since every stranger can cause them: what
 * is over it is not verified, and does not count.
 */

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#define VERITY_CMS_STRANGE_MAX 2   /* operations for what is not trusted */
#define VERITY_CMS_LINKS_MAX   256 /* links of chains, verified or not */

/* Plain data; certificates are borrowed, and known by their address. */
struct verity_cms_work {
	unsigned strange_left;
	struct verity_cms_link {
		const X509 *certificate, *issuer;
		bool good;
	} links[VERITY_CMS_LINKS_MAX];
	size_t link_count;
};

/**
 * verity_cms_work_take - take one operation from the budget of what is not trusted
 *
 * Return: false where it is used up: then the operation must not take place.
 */
bool verity_cms_work_take(struct verity_cms_work *work);

/**
 * verity_cms_work_link - whether @issuer has issued and signed @certificate
 *
 * A signature that does not verify is taken from the budget.
 *
 * Return: X509_V_OK or another X509_V_ERR_ code;
 * X509_V_ERR_APPLICATION_VERIFICATION where the budget is used up.
 */
int verity_cms_work_link(struct verity_cms_work *work, X509 *certificate, X509 *issuer);

/**
 * verity_cms_work_note - @issuer is known to have issued and signed @certificate
 */
void verity_cms_work_note(struct verity_cms_work *work, const X509 *certificate,
			  const X509 *issuer);
