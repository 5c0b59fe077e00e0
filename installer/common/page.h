/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Output on a terminal, one page at a time, and wrapped between words: what is printed
 * between page_begin() and page_end() is kept, and shown then. A space shows the next
 * page, Enter the next line, q or Ctrl-C ends it.
 */

#include "verity/util/cleanup.h"

/* Plain data. */
struct page {
	int output;      /* what was printed; -1: it goes to where it always goes */
	int terminal[2]; /* behind standard output and error; -1: not kept */
};

/**
 * page_begin - keep what is printed, where that is a terminal
 */
void page_begin(struct page *page);

/**
 * page_end - show what was printed, and where there are keys, wait for one after each
 * page
 *
 * Lines that were typed or pasted before the first page is full are for other commands:
 * then it does not wait.
 */
void page_end(struct page *page);
