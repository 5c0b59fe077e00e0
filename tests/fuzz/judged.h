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

/* The tree, then blocks that a device has already, in the place of those of the file. */
static inline int judged_rest(struct verity_stream *stream, const uint8_t *data,
			      size_t size)
{
	const struct verity_layout *layout = verity_stream_layout(stream);
	size_t at = size < layout->image_start ? size : (size_t)layout->image_start;
	struct verity_leaf early;
	bool none = layout->tree_bytes > 0 &&
		    verity_stream_hashes(stream, 0, &early, NULL) < 0;
	int r = verity_stream_feed(stream, data + layout->tree_start,
				   at - (size_t)layout->tree_start, NULL);
	struct verity_leaf leaf;
	bool taken = true;

	require(none == (layout->tree_bytes > 0));
	/* one block of the file, whose place is not offered */
	if (r == 0 && size - at >= 2 * VERITY_BLOCK) {
		r = verity_stream_feed(stream, data + at, VERITY_BLOCK, NULL);
		at += VERITY_BLOCK;
	}
	if (r == 0 && at >= layout->image_start)
		r = verity_stream_hashes(stream, 0, &leaf, NULL);
	while (r == 0 && taken && at >= layout->image_start &&
	       size - at >= VERITY_BLOCK) {
		r = verity_stream_offer(stream, data + at, 1, &taken, NULL);
		if (r == 0 && taken)
			at += VERITY_BLOCK;
	}
	return r < 0 ? r : verity_stream_feed(stream, data + at, size - at, NULL);
}

static inline int judged_head(void *context, const struct verity_judgement *judgement,
			      uint64_t file_bytes, struct verity_error *err)
{
	(void)err;
	*(uint64_t *)context = file_bytes;
	require(judgement->accepted && judgement->manifest);
	return 0;
}

/* The first half at once, then its blocks one by one: as accepted as all at once. */
static inline void judged_by_offers(const uint8_t *data, size_t size,
				    const struct verity_policy *policy, bool accepted)
{
	struct verity_error err = {.message = ""};
	uint64_t file_bytes = 0;
	const struct verity_stream_hooks hooks = {judged_head, &file_bytes};
	struct verity_stream *stream;
	int fd = memfd_create("offered", MFD_CLOEXEC), r;
	size_t head = size < VERITY_BLOCK ? size : VERITY_BLOCK;

	require(fd >= 0);
	require(verity_stream_new(fd, policy, &hooks, &stream, NULL) == 0);
	r = verity_stream_feed(stream, data, head, NULL);
	if (r == 0 && verity_stream_layout(stream) &&
	    verity_stream_layout(stream)->tree_start == head)
		r = judged_rest(stream, data, size);
	else if (r == 0)
		r = verity_stream_feed(stream, data + head, size - head, NULL);
	if (r == 0)
		require(verity_stream_is_whole(stream) ==
			(file_bytes > 0 && size == file_bytes));
	if (r == 0)
		r = verity_stream_end(stream, NULL);
	require((r == 0) == accepted);
	/* What has failed stays so, and says why again. */
	require(r == 0 || verity_stream_feed(stream, data, 0, &err) < 0);
	require(r == 0 || err.message[0]);
	verity_stream_free(stream);
	close(fd);
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
	judged_by_offers(data, size, policy, whole->accepted);
	verity_stream_free(stream);
	verity_package_free(package);
	close(fd);
	return verdict;
}
