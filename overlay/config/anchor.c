/* SPDX-License-Identifier: MIT */
/* Reads the UEFI variable SecureBoot. */
#include "overlay/config/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* UEFI specification §3.3: EFI_GLOBAL_VARIABLE; efivarfs puts 4 bytes of attributes
 * before the value. */
#define SECURE_BOOT    "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define VARIABLE_BYTES 5
#define VARIABLE_VALUE 4
#define VARIABLE_MAX   64

/*
 * 1 on, 0 off, negative where it cannot be read. Firmware that knows no Secure Boot has
 * no such variable; but its absence counts only where the variables can really be read.
 */
static int read_variable(int folder)
{
	cleanup_free char *bytes = NULL;
	struct statfs st;
	size_t size;
	int r = verity_io_load(folder, SECURE_BOOT, VARIABLE_MAX, &bytes, &size, NULL);

	if (r == -ENOENT && fstatfs(folder, &st) == 0 &&
	    (uint32_t)st.f_type == EFIVARFS_MAGIC)
		return 0;
	if (r < 0)
		return r;
	return size == VARIABLE_BYTES ? bytes[VARIABLE_VALUE] != 0 : -EBADMSG;
}

/* A private mount that ends with its descriptor. */
static int mount_variables(void)
{
	cleanup_fd int context = fsopen("efivarfs", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return fsmount(context, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

static bool secure_boot(const char *efi)
{
	cleanup_fd int folder = -1;
	cleanup_fd int mounted = -1;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/efivars", efi);
	folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = folder < 0 ? -errno : read_variable(folder);
	if (r < 0) {
		mounted = mount_variables();
		r = mounted < 0 ? -errno : read_variable(mounted);
	}
	return r != 0;
}

bool overlay_anchor_holds(enum overlay_anchor anchor, const char *efi)
{
	switch (anchor) {
	case OVERLAY_ANCHOR_NONE:
		return false;
	case OVERLAY_ANCHOR_ALWAYS:
		return true;
	case OVERLAY_ANCHOR_EFI:
		break;
	}
	return access(efi, F_OK) == 0 && secure_boot(efi);
}
