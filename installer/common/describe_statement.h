/* SPDX-License-Identifier: MIT */
#pragma once

/* What a signed statement says, as lines for people and as JSON for programs. */

#include "verity/statement/inspect.h"

#include <json.h>

/**
 * describe_print_deny - one entry of a deny list, as a line on stdout
 */
void describe_print_deny(const struct verity_deny *deny);

/**
 * describe_print_statement - all that it says, as lines on stdout
 */
void describe_print_statement(const struct verity_statement_peek *peek);

/**
 * describe_put_statement - the same in a JSON object
 *
 * Keys: type, and serial, allow, not_after, or number, deny, as in the statement itself.
 *
 * Return: false where memory is short.
 */
bool describe_put_statement(struct json_object *object,
			    const struct verity_statement_peek *peek) must_check;

/**
 * describe_put_allowed - what an unlock statement allows, as the list "allow"
 * @allows: bits, VERITY_ALLOW_*
 *
 * Return: false where memory is short.
 */
bool describe_put_allowed(struct json_object *object, unsigned allows) must_check;

/**
 * describe_deny - one entry of a deny list: {key}, {root_hash} or {name, epoch_below}
 *
 * Return: the caller's; NULL where memory is short.
 */
struct json_object *describe_deny(const struct verity_deny *deny) must_check;
