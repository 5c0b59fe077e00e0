/* SPDX-License-Identifier: MIT */
/* Verifies one package on a thread, and describes it for the state file. */
#include "initramfs/verify_job.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "initramfs/boot_budget.h"
#include "initramfs/supervisor_pipe.h"
#include "verity/util/cleanup.h"

#define SECOND_US 1000000

void verify_job_free(struct verify_job *job)
{
	if (!job)
		return;
	verity_package_free(job->package);
	free(job);
}

static void discard(struct timed_job *timed)
{
	verify_job_free((struct verify_job *)timed);
}

/* A package that cannot even be read is Invalid, for the reason that reading failed. */
static void verify(struct verify_job *job, const char *file)
{
	struct overlay_state_entry *entry = &job->entry;
	const struct verity_judgement *judgement;
	const struct verity_manifest *manifest;

	if (verity_package_open(job->folder, file, &job->policy, &job->package,
				&entry->reason) < 0)
		return;
	judgement = verity_package_judgement(job->package);
	manifest = judgement->manifest;
	entry->verdict = judgement->verdict;
	entry->reason = judgement->reason;
	memcpy(job->id, judgement->id, sizeof(job->id));
	if (manifest) {
		snprintf(entry->identity, sizeof(entry->identity), "%s", manifest->name);
		snprintf(entry->version, sizeof(entry->version), "%s", manifest->version);
		snprintf(entry->description, sizeof(entry->description), "%s",
			 manifest->description);
		memcpy(entry->root_hash, manifest->root_hash, sizeof(entry->root_hash));
	}
	if (overlay_file_id_get(verity_package_fd(job->package), &entry->file,
				&entry->reason) < 0 ||
	    !verity_package_verified(job->package)) {
		verity_package_free(job->package);
		job->package = NULL;
	}
}

void verify_job_noted(const struct timed_slot *slot, struct overlay_file_id *ret)
{
	*ret = (struct overlay_file_id){
		.inode = slot->notes[0],
		.bytes = slot->notes[1],
		.changed_ns = (int64_t)slot->notes[2],
	};
}

/*
 * Notes which file it is, so that one that is never read to its end is recognised. What
 * is not a file, or is missing, is reported by verity_package_open().
 */
static void run_head(struct timed_job *timed)
{
	struct verify_job *job = (struct verify_job *)timed;
	struct overlay_file_id id = {.bytes = 0};
	char file[OVERLAY_FILE_BYTES];
	struct stat st;

	overlay_span_begin(&job->entry.judging);
	overlay_entry_file(&job->entry.entry, file);
	if (fstatat(job->folder, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode)) {
		overlay_file_id_take(&st, &id);
		timed_job_note(timed, (const uint64_t[]){id.inode, id.bytes,
							 (uint64_t)id.changed_ns});
	}
	verify(job, file);
	overlay_span_end(&job->entry.judging);
}

static void run_image(struct timed_job *timed)
{
	struct verify_job *job = (struct verify_job *)timed;
	struct overlay_state_entry *entry = &job->entry;
	const struct overlay_file_id *id = &entry->file;
	const struct verity_judgement *judgement;
	/*
	 * A large image on slow storage takes its time, and is not given up for that. The
	 * size is that of a file whose head was verified: for a file that is all holes
	 * the boot would wait for days.
	 */
	uint64_t seconds = verity_package_layout(job->package)->file_bytes /
			   BOOT_BUDGET_BYTES_PER_SECOND;
	int r;

	timed_job_note(timed, (const uint64_t[]){id->inode, id->bytes,
						 (uint64_t)id->changed_ns});
	if (seconds > 0) {
		timed_job_extend(timed, seconds * SECOND_US);
		supervisor_tell(job->line, SUPERVISOR_EXTEND, (unsigned)seconds);
	}
	r = verity_package_read_image(job->package, job->threads, &entry->reason);
	judgement = verity_package_judgement(job->package);
	entry->verdict = r < 0 ? VERITY_INVALID : judgement->verdict;
	if (r == 0)
		entry->reason = judgement->reason;
	if (!verity_package_verified(job->package)) {
		verity_package_free(job->package);
		job->package = NULL;
	}
	overlay_span_end(&entry->judging);
}

int verify_job_new_head(const struct overlay_entry *entry, struct verify_job **ret,
			struct verity_error *err)
{
	struct verify_job *job = calloc(1, sizeof(*job));

	if (!job)
		return verity_no_memory(err);
	job->timed.run = run_head;
	job->timed.discard = discard;
	job->entry.entry = *entry;
	job->entry.verdict = VERITY_INVALID;
	*ret = job;
	return 0;
}

int verify_job_new_image(const struct overlay_state_entry *entry, struct verify_job **ret,
			 struct verity_error *err)
{
	int r = verify_job_new_head(&entry->entry, ret, err);

	if (r < 0)
		return r;
	(*ret)->timed.run = run_image;
	(*ret)->entry = *entry;
	return 0;
}
