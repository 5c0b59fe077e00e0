/* SPDX-License-Identifier: MIT */
#pragma once

/* /etc/wmopkg/wmopkg.conf (libconfuse): where things are on this device. */

#include "overlay/fs/protect.h"
#include "verity/util/error.h"

#include <stdint.h>

#define OVERLAY_CONFIG_PATH "/etc/wmopkg/wmopkg.conf"
#define OVERLAY_CONFIG_MAX  65536 /* bytes read */

#define OVERLAY_SIGNERS_MAX 8  /* names in `signers` */
#define OVERLAY_SEEDS_MAX   16 /* pairs in `seed` */

#define OVERLAY_HIERARCHIES_MAX 16 /* folders in `hierarchies` */

#define OVERLAY_REQUIRED_MAX 16 /* names in `require_packages` */

#define OVERLAY_CATALOGS_MAX 8   /* places in `catalog` */
#define OVERLAY_PLACE_MAX    700 /* bytes of one: a file name is to fit behind it */

/* A folder that DATA is given a copy of; see factory/seed.h. */
struct overlay_seed {
	const char *source; /* absolute, of the firmware with packages on top */
	const char *target; /* one name within DATA */
};

#define OVERLAY_PACKAGE_SECONDS 30 /* by default */
#define OVERLAY_BOOT_SECONDS    120
#define OVERLAY_SECONDS_MAX     86400 /* of either */

#define OVERLAY_MEMORY_PERCENT 50 /* by default */

#define OVERLAY_AUDIT_BYTES      (256 << 10) /* of one of the two files, by default */
#define OVERLAY_AUDIT_BYTES_MIN  (16 << 10)
#define OVERLAY_AUDIT_BYTES_MAX  (8 << 20)
#define OVERLAY_TRIALS_BOOTS     3 /* in a row that may fail, by default */
#define OVERLAY_TRIALS_BOOTS_MAX 100

/*
 * A root certificate, and a device in the field, is used for 20 to 30 years; a firmware
 * is updated within that. A clock or a signing time beyond it is a fault of a clock.
 */
#define OVERLAY_FIRMWARE_YEARS     30 /* by default */
#define OVERLAY_FIRMWARE_YEARS_MAX 100

#define OVERLAY_MODEL_MAX 64 /* bytes */
#define OVERLAY_USER_MAX  32 /* bytes of the name of an account */

/* What stands between Allow Untrusted and a device that has a hardware anchor. */
enum overlay_anchor {
	OVERLAY_ANCHOR_NONE,   /* nothing: the boot configuration is enough */
	OVERLAY_ANCHOR_EFI,    /* an unlock statement, where UEFI Secure Boot is on */
	OVERLAY_ANCHOR_ALWAYS, /* an unlock statement */
};

/* How much of each package a boot reads before it is mounted. */
enum overlay_verify {
	OVERLAY_VERIFY_FULL, /* all of it */
	OVERLAY_VERIFY_LAZY, /* the policy is lazy; see verity/package/judge.h */
};

/* What the initramfs does where a requirement is not met. */
enum overlay_required_else {
	OVERLAY_ELSE_REBOOT,
	OVERLAY_ELSE_POWEROFF,
	OVERLAY_ELSE_HALT,
	OVERLAY_ELSE_SHELL,
};

/* Where changes to the stack go. */
enum overlay_upper {
	OVERLAY_UPPER_NONE,  /* nowhere: it is read-only */
	OVERLAY_UPPER_TMPFS, /* into memory, until the next boot */
	OVERLAY_UPPER_DATA,  /* into a folder of DATA */
};

/* Every string is set, owned, and ends with overlay_config_free(). */
struct overlay_config {
	char *data;      /* a folder, or LABEL=, PARTLABEL=, UUID=, PARTUUID=, a device */
	char *persist;   /* likewise */
	char *keys;      /* folder of PEM certificates */
	char *run;       /* folder of the state file */
	char *cmdline;   /* file read as the kernel command line */
	char *uboot_env; /* fw_env.config(5) of the U-Boot environment */
	char *authorities; /* PEM file or folder that https trusts; "": the system's */
	char *fetch_user; /* account, or its number, that talks to servers and reads media
			   */
	char *known_hosts; /* file of ssh host keys; "": PERSIST/wmopkg/known_hosts */

	/*
	 * Each a value, or an absolute path whose first line is: of the running system
	 * below /sys, /proc, /dev and /run, else of the firmware. "": where the system
	 * keeps it.
	 */
	char *serial;
	char *model;
	char *firmware_version;

	int64_t firmware_built;  /* seconds since 1970: no time before it can be now */
	unsigned firmware_years; /* device time is at most that long after it */
	enum overlay_anchor anchor;
	const char *signers[OVERLAY_SIGNERS_MAX]; /* key ring files; owned */
	size_t signers_count;
	bool all_signers;        /* each of them must have signed, not just one */
	bool timestamp_required; /* signatures without a timestamp are not trusted */
	enum overlay_verify verify;
	bool require_persist; /* without PERSIST the device does not start */
	const char
		*require_packages[OVERLAY_REQUIRED_MAX]; /* nor without these, by the
							    names of manifests; owned */
	size_t require_packages_count;
	enum overlay_required_else require_else; /* for initramfs/wmopkg.sh */
	bool console_only; /* a factory reset can only be requested on a serial console */
	bool discard;      /* after a reset, tell the storage which blocks are free */
	struct overlay_seed seeds[OVERLAY_SEEDS_MAX]; /* beside the one there always is */
	size_t seeds_count;
	const char *hierarchies[OVERLAY_HIERARCHIES_MAX]; /* "/usr", …; owned */
	size_t hierarchies_count;                         /* 0: the whole root */
	const char *protect[OVERLAY_PROTECT_MAX]; /* paths of the engine, too; owned */
	size_t protect_count;
	enum overlay_upper upper;
	char *upper_folder; /* one name within DATA; "" where there is none */
	const char *catalogs[OVERLAY_CATALOGS_MAX]; /* URLs, or absolute paths; owned */
	size_t catalogs_count;
	char *channel;      /* of catalogues; "": none */
	bool web_open;      /* wmopkg-web serves also whom the web server has not asked */
	size_t audit_bytes; /* of each of the audit log's two files */
	unsigned trials;    /* boots in a row that may fail; 0: no trials */
	unsigned package_seconds; /* a boot waits for a package; 0: no limit */
	unsigned boot_seconds;    /* a boot waits for all packages; 0: no limit */
	unsigned memory_percent;  /* of the memory there is, for mounted packages */
	const char *repeated;     /* a key that is set more than once; NULL: none */
};

/**
 * overlay_config_load - read a configuration file
 * @path: NULL for OVERLAY_CONFIG_PATH, which may be missing: then all is default
 * @ret:  filled on success only
 *
 * Return: 0; -EINVAL with file and line where a key is unknown or a value bad; -errno.
 */
int overlay_config_load(const char *path, struct overlay_config *ret,
			struct verity_error *err) must_check;

void overlay_config_free(struct overlay_config *config);

/**
 * overlay_config_latest - the latest time that can be now, seconds since 1970
 *
 * firmware_years after firmware_built, or after this program was written where that is
 * later or firmware_built is not known.
 */
int64_t overlay_config_latest(const struct overlay_config *config);

/**
 * overlay_config_protect - what @config adds to the table of protected paths
 *
 * The key ring, and `protect`; borrowed from @config.
 */
struct overlay_protect overlay_config_protect(const struct overlay_config *config);
