/* SPDX-License-Identifier: MIT */
/* The names of the programs, and where PAM has its modules. */
#include "overlay/libraries/essential.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "overlay/fs/open_beneath.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/glob.h"
#include "verity/util/io.h"

#define MODULES_MAX   256 /* of PAM; each is read */
#define CMDLINE_BYTES 16384
#define INIT_WORD     "init=/"

static const char *const programs[] = {
	/* the first one, and what it runs scripts with */
	"init",
	"linuxrc",
	"sbin/init",
	"usr/sbin/init",
	"bin/init",
	"usr/bin/init",
	"lib/systemd/systemd",
	"usr/lib/systemd/systemd",
	"sbin/openrc",
	"sbin/openrc-init",
	"sbin/procd",
	"sbin/runit",
	"bin/sh",
	"usr/bin/sh",
	"bin/busybox",
	"usr/bin/busybox",
	"bin/mount",
	"usr/bin/mount",
	/* who logs in */
	"bin/login",
	"usr/bin/login",
	"sbin/agetty",
	"usr/sbin/agetty",
	"sbin/getty",
	"usr/sbin/getty",
	"bin/bash",
	"usr/bin/bash",
	"sbin/sulogin",
	"usr/sbin/sulogin",
	"sbin/unix_chkpwd",
	"usr/sbin/unix_chkpwd",
	"usr/sbin/sshd",
	"usr/lib/openssh/sshd-session",
	"usr/libexec/sshd-session",
	"usr/libexec/openssh/sshd-session",
	"usr/sbin/dropbear",
};

static const char *const folders[] = {"lib/security", "lib64/security",
				      "usr/lib/security", "usr/lib64/security"};
static const char *const parents[] = {"lib", "usr/lib"};

/* @depth: 1: @pattern names folders, each with modules in it; 0: modules */
static int add_matching(const struct overlay_closure_tree *tree, const char *folder,
			const char *pattern, unsigned depth, struct overlay_closure *ret,
			struct verity_error *err)
{
	const char *rest;
	int top = tree->at(tree->context, folder, &rest);
	/* A link leads to a folder that is in the lists, too. */
	cleanup_fd int fd = overlay_open_at(top, rest, O_RDONLY | O_DIRECTORY,
					    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	size_t count = 0;
	int r = fd < 0 ? 0 : verity_dir_open(fd, ".", &dir), next = 0;

	while (r == 0 && dir && count < MODULES_MAX &&
	       (next = verity_dir_next(dir, &entry)) > 0) {
		char path[PATH_MAX];

		if (!verity_glob_match(pattern, entry->d_name))
			continue;
		count++;
		snprintf(path, sizeof(path), "%s/%s%s", folder, entry->d_name,
			 depth ? "/security" : "");
		r = depth ? add_matching(tree, path, "pam_*.so", 0, ret, err)
			  : overlay_closure_add(ret, tree, path, true, err);
	}
	return r < 0 ? r : 0;
}

/* The one that the command line names last is started. */
static int add_named(const struct overlay_closure_tree *tree, const char *cmdline,
		     struct overlay_closure *ret, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	const char *init = NULL;
	char *at, *word;
	size_t size;

	if (!cmdline ||
	    verity_io_load(AT_FDCWD, cmdline, CMDLINE_BYTES, &text, &size, NULL) < 0)
		return 0;
	at = text;
	while ((word = strsep(&at, " \t\n")))
		if (strncmp(word, INIT_WORD, strlen(INIT_WORD)) == 0)
			init = word + strlen(INIT_WORD);
	return init && *init ? overlay_closure_add(ret, tree, init, true, err) : 0;
}

int overlay_essential_find(const struct overlay_closure_tree *tree, const char *cmdline,
			   struct overlay_closure *ret, struct verity_error *err)
{
	int r = add_named(tree, cmdline, ret, err);

	for (size_t i = 0; r == 0 && i < sizeof(programs) / sizeof(programs[0]); i++)
		r = overlay_closure_add(ret, tree, programs[i], true, err);
	for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(folders[0]); i++)
		r = add_matching(tree, folders[i], "pam_*.so", 0, ret, err);
	for (size_t i = 0; r == 0 && i < sizeof(parents) / sizeof(parents[0]); i++)
		r = add_matching(tree, parents[i], "*-linux-*", 1, ret, err);
	return r;
}
