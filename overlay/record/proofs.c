/* SPDX-License-Identifier: MIT */
/* Keeps, and reads back, the preambles of packages that completed a boot. */
#include "overlay/record/proofs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/record/record.h"
#include "verity/package/preamble.h"
#include "verity/package/proof.h"
#include "verity/statement/epoch.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/passing.h"

#define LOOKED_MAX (2 * VERITY_FLOORS_MAX) /* files of the folder, each is verified */

static int open_folder(int record_fd)
{
	return openat(record_fd, OVERLAY_RECORD_PROOFS,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Return: 0; -errno where it proves nothing: there is none, or nobody vouches for it. */
static int read_proof(const struct overlay_proofs *proofs, int folder_fd,
		      const char *name, struct verity_proof *ret)
{
	cleanup_free char *preamble = NULL;
	size_t size;
	int r = overlay_record_load(folder_fd, name, VERITY_PREAMBLE_MAX, &preamble,
				    &size, NULL);

	return r < 0 ? r
		     : verity_proof_read(preamble, size, proofs->policy, proofs->latest,
					 ret, NULL);
}

/* That of another package, under this name, is no proof. */
static int read_named(const struct overlay_proofs *proofs, int folder_fd,
		      const char *name, struct verity_proof *ret)
{
	int r = read_proof(proofs, folder_fd, name, ret);

	return r == 0 && strcmp(ret->name, name) != 0 ? -EBADMSG : r;
}

uint32_t overlay_proofs_epoch(const struct overlay_proofs *proofs, const char *name)
{
	cleanup_fd int folder = -1;
	struct verity_proof proof;
	int r;

	if (proofs->record_fd < 0)
		return 0;
	folder = open_folder(proofs->record_fd);
	r = folder < 0 ? -errno : read_named(proofs, folder, name, &proof);
	if (r < 0)
		return verity_errno_passes(r) ? VERITY_EPOCH_UNKNOWN : 0;
	return proof.epoch;
}

int64_t overlay_proofs_time(const struct overlay_proofs *proofs)
{
	struct verity_proof proof;

	if (proofs->record_fd < 0 ||
	    read_proof(proofs, proofs->record_fd, OVERLAY_RECORD_TIME, &proof) < 0)
		return -1;
	return proof.signed_at;
}

/* Create the folder, also where something else has its name. */
static int make_folder(int record_fd, int *ret, struct verity_error *err)
{
	cleanup_fd int fd = open_folder(record_fd);
	int r = 0;

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		r = overlay_record_set_aside(record_fd, OVERLAY_RECORD_PROOFS, err);
	if (r < 0)
		return r;
	if (fd < 0) {
		if (mkdirat(record_fd, OVERLAY_RECORD_PROOFS, 0700) == 0)
			(void)fsync(record_fd);
		fd = open_folder(record_fd);
	}
	if (fd < 0)
		return verity_fail_errno(err, errno, OVERLAY_RECORD_PROOFS);
	*ret = steal_fd(&fd);
	return 0;
}

/*
 * What proves nothing is deleted where @prune; of very many files the rest stays for the
 * next time.
 *
 * Return: how many names are kept, VERITY_FLOORS_MAX for as many or more.
 */
static size_t count_names(const struct overlay_proofs *proofs, int folder_fd, bool prune)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	struct verity_proof unused;
	size_t count = 0, looked = 0;
	int r;

	if (verity_dir_open(folder_fd, ".", &dir) < 0)
		return VERITY_FLOORS_MAX;
	while (count < VERITY_FLOORS_MAX && verity_dir_next(dir, &item) > 0) {
		if (item->d_name[0] == '.')
			continue;
		r = prune ? read_named(proofs, folder_fd, item->d_name, &unused) : 0;
		if (r == 0 || verity_errno_passes(r))
			count++;
		else
			(void)unlinkat(folder_fd, item->d_name, 0);
		if (prune && ++looked == LOOKED_MAX)
			return VERITY_FLOORS_MAX;
	}
	return count;
}

static int keep_epoch(const struct overlay_proofs *proofs, const char *name,
		      const void *preamble, size_t size, struct verity_error *err)
{
	cleanup_fd int folder = -1;
	struct stat st;
	int r = make_folder(proofs->record_fd, &folder, err);

	if (r < 0)
		return r;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	    count_names(proofs, folder, false) >= VERITY_FLOORS_MAX &&
	    count_names(proofs, folder, true) >= VERITY_FLOORS_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "over %d package names have run on this device",
				   VERITY_FLOORS_MAX);
	return overlay_record_put(folder, name, preamble, size, err);
}

int overlay_proofs_add(const struct overlay_proofs *proofs, const void *preamble,
		       size_t size, struct verity_error *err)
{
	struct verity_proof proof;
	int r = verity_proof_read(preamble, size, proofs->policy, proofs->latest, &proof,
				  err);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (proof.signed_at > overlay_proofs_time(proofs))
		r = overlay_record_put(proofs->record_fd, OVERLAY_RECORD_TIME, preamble,
				       size, err);
	if (r == 0 && proof.epoch > overlay_proofs_epoch(proofs, proof.name))
		r = keep_epoch(proofs, proof.name, preamble, size, err);
	return r;
}
