/* SPDX-License-Identifier: MIT */

/* Judging a whole file through one descriptor. */

#include "verity/package/package.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "verity/package/judge_preamble.h"
#include "verity/package/preamble.h"

struct verity_package {
	int fd;
	uint64_t file_bytes;
	struct verity_layout layout;
	bool has_layout;
	struct verity_judgement *judgement;
	struct verity_verified verified;
};

void verity_package_free(struct verity_package *package)
{
	if (!package)
		return;
	if (package->fd >= 0)
		close(package->fd);
	verity_judgement_free(package->judgement);
	free(package);
}

const struct verity_judgement *verity_package_judgement(
	const struct verity_package *package)
{
	return package->judgement;
}

const struct verity_layout *verity_package_layout(const struct verity_package *package)
{
	return package->has_layout ? &package->layout : NULL;
}

int verity_package_fd(const struct verity_package *package)
{
	return package->fd;
}

const struct verity_verified *verity_package_verified(
	const struct verity_package *package)
{
	return package->verified.fd >= 0 ? &package->verified : NULL;
}

int verity_verified_fd(const struct verity_verified *verified)
{
	return verified->fd;
}

const struct verity_layout *verity_verified_layout(const struct verity_verified *verified)
{
	return verified->layout;
}

const struct verity_manifest *verity_verified_manifest(
	const struct verity_verified *verified)
{
	return verified->judgement->manifest;
}

bool verity_verified_signed(const struct verity_verified *verified)
{
	return verified->judgement->trusted;
}

static int check_image(const struct verity_package *package, bool lazy, unsigned threads,
		       struct verity_error *reason)
{
	const struct verity_layout *layout = &package->layout;
	const struct verity_blocks blocks = {package->fd, layout->tree_start,
					     layout->image_start};
	const struct verity_root root = verity_judgement_root(package->judgement);
	const struct verity_geometry geometry =
		verity_geometry_compute(layout->image_bytes / VERITY_BLOCK);

	if (package->file_bytes != layout->file_bytes)
		return verity_fail(reason, VERITY_E_BAD_LENGTH,
				   "the file has %" PRIu64
				   " bytes, but its manifest says %" PRIu64,
				   package->file_bytes, layout->file_bytes);
	if (lazy)
		return verity_tree_verify_first(&blocks, &geometry, &root, reason);
	return verity_tree_verify(&blocks, &geometry, &root, threads, reason);
}

/* Every way to fail but a lack of memory is a verdict, not an error. */
static int judge(struct verity_package *package, const struct verity_policy *policy,
		 struct verity_error *err)
{
	cleanup_free uint8_t *preamble = malloc(VERITY_PREAMBLE_MAX);
	struct verity_error reason = {0};
	struct verity_head head;
	int r;

	if (!preamble)
		return verity_no_memory(err);
	r = verity_preamble_read(package->fd, package->file_bytes, preamble, &head,
				 &reason);
	if (r < 0)
		return verity_judgement_new_invalid(&reason, &package->judgement, err);
	r = verity_judge_preamble(preamble, &head, policy, &package->judgement,
				  &package->layout, err);
	if (r < 0)
		return r;
	if (package->judgement->verdict == VERITY_INVALID)
		return 0;
	package->has_layout = true;
	if (policy->refuse_early && !package->judgement->accepted)
		return 0;
	r = check_image(package, policy->lazy, policy->threads, &reason);
	if (r == -ENOMEM)
		return verity_no_memory(err);
	if (r < 0)
		verity_judgement_condemn(package->judgement, &reason);
	if (package->judgement->accepted)
		package->verified = (struct verity_verified){
			package->fd, &package->layout, package->judgement};
	return 0;
}

int verity_package_open(int dirfd, const char *name, const struct verity_policy *policy,
			struct verity_package **ret, struct verity_error *err)
{
	cleanup_with(verity_package_free_p) struct verity_package *package =
		calloc(1, sizeof(*package));
	int r;

	if (!package)
		return verity_no_memory(err);
	package->fd = package->verified.fd = -1;
	r = verity_preamble_open(dirfd, name, &package->fd, &package->file_bytes, err);
	if (r == 0)
		r = judge(package, policy, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&package);
	return 0;
}

int verity_package_read_image(struct verity_package *package, unsigned threads,
			      struct verity_error *err)
{
	struct verity_error reason;
	int r;

	if (!verity_package_verified(package))
		return 0;
	r = check_image(package, false, threads, &reason);
	if (r == 0)
		return 0;
	package->verified.fd = -1;
	if (r == -ENOMEM)
		return verity_no_memory(err);
	verity_judgement_condemn(package->judgement, &reason);
	return 0;
}
