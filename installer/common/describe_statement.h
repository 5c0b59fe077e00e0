/* SPDX-License-Identifier: MIT */
#pragma once

/* What a signed statement says, as lines for people and as JSON for programs. */

#include "verity/statement/inspect.h"
#include "verity/util/json_write.h"

/**
 * describe_print_deny - one entry of a deny list, as a line on stdout
 */
void describe_print_deny(const struct verity_deny *deny);

/**
 * describe_print_statement - all that it says, as lines on stdout
 */
void describe_print_statement(const struct verity_statement_text *text);

/**
 * describe_put_statement - the same in the JSON object that is open
 *
 * Keys: type, and number, deny, or allow, serial, not_after, id, as in the statement
 * itself, and hash, by which a deny list names it.
 */
void describe_put_statement(struct verity_json_writer *json,
			    const struct verity_statement_text *text);
