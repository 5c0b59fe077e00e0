/* SPDX-License-Identifier: MIT */
#pragma once

/* Squashfs images that no writer makes: tables put together by hand, uncompressed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRAFTED_MAX 16384 /* bytes of one image */

/* A name in the root folder, and what it leads to. */
struct crafted_name {
	const char *name;  /* NULL ends the list */
	size_t name_bytes; /* 0: as long as the string */
	/*
	 * f a file, l a link, w a whiteout, c a character device 1/3, b a block device
	 * 0/0, p a pipe, d an empty folder, r the root itself, ? an inode of type 99, x
	 * an extended folder with @attributes, m an extended file with @attributes
	 */
	char inode;
	const char *target; /* of a link; "a" where NULL */
	uint32_t attributes;
};

/* One set of attributes each, of one key. */
struct crafted_attribute {
	uint16_t type;   /* 1: trusted. */
	const char *key; /* without its prefix; NULL ends the list */
	const char *value;
	bool elsewhere; /* the value is out of line: that of the set before */
};

struct crafted {
	const struct crafted_name *names;
	const struct crafted_attribute *attributes; /* NULL: no table */

	/* Lies, where they are not 0. */
	uint32_t listing_bytes, inode_count, target_bytes, run, root_ref, bytes_used,
		keys, compressor, key_bytes, value_bytes, fragments;
	uint64_t fragment_table, export_table;
};

/**
 * crafted_image - put an image together
 * @ret: CRAFTED_MAX bytes
 *
 * Return: how many of them the image has.
 */
size_t crafted_image(const struct crafted *crafted, uint8_t *ret);
