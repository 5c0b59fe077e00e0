/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The two kinds of source. Each is gone through twice, by one descriptor: first for the
 * tree alone, so that it is judged, sorted and numbered before anything is written, then
 * for the data. Memory holds names and inodes, never data.
 */

#include "overlay/image/writer.h"

/**
 * image_dir_scan - take in the tree of a folder
 * @fd: the folder; borrowed
 *
 * Owners become root. Links are not followed.
 */
int image_dir_scan(int fd, struct image_tree *tree, struct verity_error *err) must_check;

/**
 * image_dir_feed - write the data of a folder's files, in the order of the sealed tree
 *
 * Return: 0; -EINVAL (BAD_TREE) where a file cannot be read or changed since the scan.
 */
int image_dir_feed(int fd, struct image_tree *tree, struct image_writer *writer,
		   struct verity_error *err) must_check;

/**
 * image_dir_open - open the folder that a node stands for
 * @fd: the source; borrowed
 *
 * Goes from the source down, entry by entry: no link is followed, no path is too long,
 * and a deep tree takes no more descriptors than a flat one.
 *
 * Return: a descriptor; -1 with errno set.
 */
int image_dir_open(int fd, const struct image_node *node) must_check;

/**
 * image_tar_scan - take in the tree of a tar archive: plain, gzip, xz or zstd
 * @fd: regular file; borrowed, its offset is used
 *
 * Folders that the archive does not name become 0755 root. Of two entries of one name the
 * later counts.
 */
int image_tar_scan(int fd, struct image_tree *tree, struct verity_error *err) must_check;

/**
 * image_tar_feed - write the data of an archive's files, in the order of the archive
 */
int image_tar_feed(int fd, struct image_tree *tree, struct image_writer *writer,
		   struct verity_error *err) must_check;
