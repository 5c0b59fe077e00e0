/* SPDX-License-Identifier: MIT */
/* The table of file systems, and the words of their programs. */
#include "factory/filesystem.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const e2fsck[] = {"/sbin/e2fsck", "/usr/sbin/e2fsck", NULL};
static const char *const mke2fs[] = {"/sbin/mke2fs", "/usr/sbin/mke2fs", NULL};
static const char *const mkfs_btrfs[] = {"/sbin/mkfs.btrfs", "/usr/sbin/mkfs.btrfs",
					 "/bin/mkfs.btrfs", "/usr/bin/mkfs.btrfs", NULL};
static const char *const fsck_f2fs[] = {"/sbin/fsck.f2fs", "/usr/sbin/fsck.f2fs", NULL};
static const char *const mkfs_f2fs[] = {"/sbin/mkfs.f2fs", "/usr/sbin/mkfs.f2fs", NULL};

/* The words before and after those on label, UUID and discarding. */
struct kind {
	const char *const *repair_paths; /* NULL: nothing repairs it */
	const char *repair[6];
	const char *check[6]; /* the same program; NULL: it does not check */
	const char *const *make_paths;
	const char *make[6];
	const char *label; /* the word before it */
	const char *discard_word;
	const char *discard[2]; /* to discard nothing, and all */
	const char *kept;
};

static const struct kind ext = {
	.repair_paths = e2fsck,
	/* the super block may name a journal on another device: it is not followed */
	.repair = {"e2fsck", "-f", "-y", "-j", "/dev/null"},
	.check = {"e2fsck", "-p", "-j", "/dev/null"},
	.make_paths = mke2fs,
	.make = {"mke2fs", "-q", "-F", "-t"},
	.label = "-L",
	.discard_word = "-E",
	.discard = {"nodiscard", "discard"},
	.kept = "lost+found",
};
static const struct kind btrfs = {
	.make_paths = mkfs_btrfs,
	.make = {"mkfs.btrfs", "-q", "-f"},
	.label = "-L",
	.discard = {"-K", NULL},
};
static const struct kind f2fs = {
	.repair_paths = fsck_f2fs,
	.repair = {"fsck.f2fs", "-f"},
	.make_paths = mkfs_f2fs,
	.make = {"mkfs.f2fs", "-q", "-f"},
	.label = "-l",
	.discard_word = "-t",
	.discard = {"0", "1"},
};

static const struct {
	const char *type;
	const struct kind *kind;
} kinds[] = {
	{"ext2", &ext},    {"ext3", &ext},  {"ext4", &ext},
	{"btrfs", &btrfs}, {"f2fs", &f2fs},
};

static const struct kind *kind_of(const struct factory_filesystem *filesystem)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].type, filesystem->type) == 0)
			return kinds[i].kind;
	return NULL;
}

/* Up to @count words, or the first NULL. */
static void add(struct factory_program *program, const char *const *words, size_t count)
{
	size_t used = 0;

	while (program->words[used])
		used++;
	for (size_t i = 0; i < count && words[i] && used < FACTORY_WORDS_MAX - 1; i++)
		program->words[used++] = words[i];
}

struct factory_program factory_filesystem_repair(
	const struct factory_filesystem *filesystem, const char *device)
{
	const struct kind *kind = kind_of(filesystem);
	struct factory_program program = {.paths = NULL};

	if (!kind || !kind->repair_paths)
		return program;
	program.paths = kind->repair_paths;
	program.bounded = true;
	add(&program, kind->repair, COUNT(kind->repair));
	add(&program, &device, 1);
	return program;
}

struct factory_program factory_filesystem_check(
	const struct factory_filesystem *filesystem, const char *device)
{
	const struct kind *kind = kind_of(filesystem);
	struct factory_program program = {.paths = NULL};

	if (!kind || !kind->check[0])
		return program;
	program.paths = kind->repair_paths;
	program.bounded = true;
	add(&program, kind->check, COUNT(kind->check));
	add(&program, &device, 1);
	return program;
}

struct factory_program factory_filesystem_make(
	const struct factory_filesystem *filesystem, const char *device, bool discard)
{
	const struct kind *kind = kind_of(filesystem);
	struct factory_program program = {.paths = NULL};

	if (!kind)
		return program;
	program.paths = kind->make_paths;
	add(&program, kind->make, COUNT(kind->make));
	if (kind == &ext)
		add(&program, (const char *[]){filesystem->type}, 1);
	add(&program, &kind->discard_word, 1);
	add(&program, &kind->discard[discard], 1);
	if (filesystem->label[0])
		add(&program, (const char *[]){kind->label, filesystem->label}, 2);
	if (filesystem->uuid[0])
		add(&program, (const char *[]){"-U", filesystem->uuid}, 2);
	add(&program, &device, 1);
	return program;
}

const char *factory_filesystem_kept(const struct factory_filesystem *filesystem)
{
	const struct kind *kind = kind_of(filesystem);

	return kind ? kind->kept : NULL;
}
