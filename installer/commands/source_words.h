/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The words that say where a file comes from: a server, a medium, a URL or a path. Every
 * command that takes a file takes all of them.
 */

#include "installer/device/device.h"
#include "installer/fetch/source.h"
#include "installer/grammar/grammar.h"

/**
 * source_of_words - open what the words mean
 * @any_name: the file need not have the name of a package
 * @ret:      set on success only; source_free()
 *
 * Connects to no server yet; a medium is mounted until source_free().
 *
 * Return: 0; -ENOENT; -EINVAL (USAGE, BAD_NAME, NOT_A_FILE); -errno.
 */
int source_of_words(struct device *device, const struct words *words, bool any_name,
		    struct source **ret, struct verity_error *err) must_check;

/**
 * source_words_remote - whether the file comes from elsewhere: it is not given by a path
 */
bool source_words_remote(const struct words *words);

/**
 * source_words_given - whether there are such words at all
 */
bool source_words_given(const struct words *words);
