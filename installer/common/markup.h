/* SPDX-License-Identifier: MIT */
#pragma once

/* Text from outside in XML and HTML. */

#include <stdio.h>

/**
 * markup_put_text - print text so that it is only text, between elements as in the quotes
 * of an attribute
 * @text: UTF-8, for example of a package; what XML does not allow becomes '?'
 */
void markup_put_text(FILE *out, const char *text);
