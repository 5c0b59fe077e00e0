/* SPDX-License-Identifier: MIT */
/* Keeps, and reads back, the preambles of packages that completed a boot. */
#include "overlay/record/proofs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/record/record.h"
#include "verity/package/preamble.h"
#include "verity/package/proof.h"
#include "verity/util/cleanup.h"

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

uint32_t overlay_proofs_epoch(const struct overlay_proofs *proofs, const char *name)
{
	cleanup_fd int folder =
		proofs->record_fd < 0 ? -1 : open_folder(proofs->record_fd);
	struct verity_proof proof;

	/* That of another package, under this name, is no proof. */
	if (folder < 0 || read_proof(proofs, folder, name, &proof) < 0 ||
	    strcmp(proof.name, name) != 0)
		return 0;
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

/* Return: how many names are kept. What proves nothing is deleted where @prune. */
static size_t count_names(const struct overlay_proofs *proofs, int folder_fd, bool prune)
{
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct verity_proof unused;
	size_t count = 0;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return VERITY_FLOORS_MAX;
	}
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		if (!prune || read_proof(proofs, folder_fd, entry->d_name, &unused) == 0)
			count++;
		else
			(void)unlinkat(folder_fd, entry->d_name, 0);
	}
	closedir(folder);
	return count;
}

static int keep(int folder_fd, const char *name, const void *preamble, size_t size,
		struct verity_error *err)
{
	int r = overlay_record_clear_folder(folder_fd, name, err);

	return r < 0 ? r : overlay_record_replace(folder_fd, name, preamble, size, err);
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
	return keep(folder, name, preamble, size, err);
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
		r = keep(proofs->record_fd, OVERLAY_RECORD_TIME, preamble, size, err);
	if (r == 0 && proof.epoch > overlay_proofs_epoch(proofs, proof.name))
		r = keep_epoch(proofs, proof.name, preamble, size, err);
	return r;
}
