/* SPDX-License-Identifier: MIT */
#pragma once

/* All there is to say of one package, as lines for people and as JSON for programs. */

#include "verity/package/package.h"
#include "verity/util/json_write.h"

/* What takes the lines in place of stdout. */
struct describe_listener {
	void (*take)(void *context, const char *label, const char *text);
	void *context; /* borrowed */
};

/**
 * describe_listen - give all lines to @to, which must stay; NULL: to stdout again
 */
void describe_listen(const struct describe_listener *to);

/**
 * describe_line - print "Label: value" on stdout; on a terminal aligned with the others,
 * and wrapped
 * @label: constant, up to 13 columns
 *
 * What could steer a terminal is printed as '?'.
 */
void describe_line(const char *label, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * describe_print - print all of it on stdout, verdict and reason first
 * @layout: NULL if it is not known
 */
void describe_print(const struct verity_judgement *judgement,
		    const struct verity_layout *layout);

/**
 * describe_put_judgement - add the same facts to the JSON object that is open
 *
 * Keys: verdict, reason {code, message}, name, version, description, persistent,
 * priority, epoch, compatible, firmware {min, max}, built, image {bytes, salt,
 * root_hash}, kernel_signature, file_bytes, signers [{subject, key, trusted_by,
 * signed_at}], signer (the first of them). What is not known is left out.
 */
void describe_put_judgement(struct verity_json_writer *json,
			    const struct verity_judgement *judgement,
			    const struct verity_layout *layout);

/**
 * describe_print_verdict, describe_print_signers - the first lines of all that is judged
 * describe_print_image - what a manifest says but for its name, version and description
 * @detail: keys and hashes, too
 * @floor: epoch below which this device takes none of this name; NULL: not known
 */
void describe_print_verdict(enum verity_verdict verdict,
			    const struct verity_error *reason);
void describe_print_signers(const struct verity_signatures *signatures, bool detail);
void describe_print_image(const struct verity_manifest *manifest, const uint32_t *floor,
			  bool detail);

/**
 * describe_put_verdict, describe_put_signers - the same as keys of a JSON object
 * describe_put_signer - {subject, key, trusted_by, signed_at, timestamp,
 * timestamp_by}
 */
void describe_put_verdict(struct verity_json_writer *json, enum verity_verdict verdict,
			  const struct verity_error *reason);
void describe_put_signers(struct verity_json_writer *json,
			  const struct verity_signatures *signatures);
void describe_put_signer(struct verity_json_writer *json, const char *key,
			 const struct verity_signer *signer);
