/* SPDX-License-Identifier: MIT */
#pragma once

/* A package through both of its readers. */

#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "verity/package/package.h"
#include "verity/package/stream.h"

static inline struct verity_package *judged_open(const uint8_t *data, size_t size,
						 const struct verity_policy *policy)
{
	struct verity_package *package;
	char path[64];
	int fd = memfd_create("whole", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(verity_package_open(AT_FDCWD, path, policy, &package, NULL) == 0);
	close(fd);
	return package;
}

/* Return: the verdict; both readers came to it. */
static inline enum verity_verdict judged_by_both(const uint8_t *data, size_t size,
						 const struct verity_policy *policy)
{
	struct verity_package *package = judged_open(data, size, policy);
	const struct verity_judgement *whole = verity_package_judgement(package),
				      *arrived;
	enum verity_verdict verdict = whole->verdict;
	struct verity_stream *stream;
	int fd = memfd_create("arriving", MFD_CLOEXEC), r;

	require(fd >= 0);
	require(verity_stream_new(fd, policy, NULL, &stream, NULL) == 0);
	r = verity_stream_feed(stream, data, size / 2, NULL);
	if (r == 0)
		r = verity_stream_feed(stream, data + size / 2, size - size / 2, NULL);
	if (r == 0)
		r = verity_stream_end(stream, NULL);
	arrived = verity_stream_judgement(stream);
	require((r == 0) == whole->accepted);
	require((r == 0) == (verity_package_verified(package) != NULL));
	require((r == 0) == (verity_stream_verified(stream) != NULL));
	/* What is refused by its signature ends there, whatever its image is. */
	require(arrived->verdict == whole->verdict ||
		(!policy->allow_untrusted && verdict == VERITY_INVALID));
	verity_stream_free(stream);
	verity_package_free(package);
	close(fd);
	return verdict;
}
