/* SPDX-License-Identifier: MIT */
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

static void package_free_p(struct verity_package **package)
{
	verity_package_free(*package);
}

void judging_free(struct judging *judging)
{
	if (!judging)
		return;
	verity_package_free(judging->package);
	free(judging);
}

static void discard(struct box *box)
{
	judging_free((struct judging *)box);
}

static void describe(const struct verity_package *package,
		     struct overlay_state_entry *entry)
{
	const struct verity_judgement *judgement = verity_package_judgement(package);
	const struct verity_manifest *manifest = judgement->manifest;

	entry->verdict = judgement->verdict;
	entry->reason = judgement->reason;
	if (!manifest)
		return;
	snprintf(entry->identity, sizeof(entry->identity), "%s", manifest->name);
	snprintf(entry->version, sizeof(entry->version), "%s", manifest->version);
	snprintf(entry->description, sizeof(entry->description), "%s",
		 manifest->description);
}

static void refuse(struct judging *judging)
{
	verity_package_free(judging->package);
	judging->package = NULL;
}

/* A package that cannot even be read is Invalid, for the reason that reading failed. */
static void judge(struct judging *judging, const char *file)
{
	struct overlay_state_entry *entry = &judging->entry;

	if (verity_package_open(judging->folder, file, &judging->policy,
				&judging->package, &entry->reason) < 0)
		return;
	describe(judging->package, entry);
	memcpy(judging->id, verity_package_judgement(judging->package)->id,
	       sizeof(judging->id));
	if (overlay_file_id_get(verity_package_fd(judging->package), &entry->file,
				&entry->reason) < 0 ||
	    !verity_package_verified(judging->package))
		refuse(judging);
}

/*
 * Which file it is, so that one that is never read to its end is known again. What is not
 * a file, or not there, is for the judge to say.
 */
static uint64_t look_at(struct judging *judging, const char *file)
{
	struct overlay_file_id id;
	struct stat st;

	if (fstatat(judging->folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	overlay_file_id_take(&st, &id);
	box_note(&judging->box,
		 (const uint64_t[]){id.inode, id.bytes, (uint64_t)id.changed_ns});
	return id.bytes;
}

void judging_noted(const struct box_slot *slot, struct overlay_file_id *ret)
{
	*ret = (struct overlay_file_id){
		.inode = slot->notes[0],
		.bytes = slot->notes[1],
		.changed_ns = (int64_t)slot->notes[2],
	};
}

/*
 * What of a file is going to be read. The size of one says nothing before its head was
 * judged: a file of nothing but holes would have the boot wait for days.
 */
static uint64_t bytes_to_read(const struct judging *judging, const char *file)
{
	cleanup_with(package_free_p) struct verity_package *package = NULL;
	struct verity_policy policy = judging->policy;
	const struct verity_verified *verified;
	struct verity_error why;

	policy.lazy = true;
	if (verity_package_open(judging->folder, file, &policy, &package, &why) < 0)
		return 0;
	verified = verity_package_verified(package);
	return verified ? verity_verified_layout(verified)->file_bytes : 0;
}

/* A large image on slow storage takes its time, and is not lost for that. */
static void extend(struct judging *judging, const char *file, uint64_t bytes)
{
	uint64_t seconds = 0;

	if (bytes >= PATIENCE_BYTES_PER_SECOND)
		seconds = bytes_to_read(judging, file) / PATIENCE_BYTES_PER_SECOND;
	if (seconds == 0)
		return;
	box_extend(&judging->box, seconds * SECOND_US);
	supervised_tell(judging->line, SUPERVISED_EXTEND, (unsigned)seconds);
}

static void run(struct box *box)
{
	struct judging *judging = (struct judging *)box;
	struct overlay_span *span = &judging->entry.judging;
	uint64_t bytes;
	char file[80];

	overlay_span_begin(span);
	overlay_entry_file(&judging->entry.entry, file);
	bytes = look_at(judging, file);
	judging->waits = judging->may_wait && bytes > JUDGING_LARGE_BYTES;
	if (!judging->waits) {
		if (!judging->policy.lazy)
			extend(judging, file, bytes);
		judge(judging, file);
	}
	overlay_span_end(span);
}

int judging_new(const struct overlay_entry *entry, struct judging **ret,
		struct verity_error *err)
{
	struct judging *judging = calloc(1, sizeof(*judging));

	if (!judging)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	judging->box.run = run;
	judging->box.discard = discard;
	judging->entry.entry = *entry;
	judging->entry.verdict = VERITY_INVALID;
	*ret = judging;
	return 0;
}
