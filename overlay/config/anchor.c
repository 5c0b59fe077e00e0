/* SPDX-License-Identifier: MIT */
/* Finds out whether UEFI Secure Boot is on. */
#include "overlay/config/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/io.h"
#include "verity/util/sys.h"

/* UEFI specification §3.3: EFI_GLOBAL_VARIABLE, and the attributes BS and RT. */
#define SECURE_BOOT    "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ATTRIBUTES     0x6
#define VARIABLE_BYTES 5
#define VARIABLE_VALUE 4
#define VARIABLE_MAX   64

/* The zero page of x86: linux/Documentation/arch/x86/zero-page.rst */
#define BOOT_PARAMS_MAX     4096
#define SECURE_BOOT_AT      0x1ec
#define SECURE_BOOT_ENABLED 3 /* enum efi_secureboot_mode of linux/efi.h */

#define LOCKDOWN_MAX 128

#define X(evidence, name, ...) [OVERLAY_EVIDENCE_##evidence] = name,
static const char *const evidence_names[] = {OVERLAY_ANCHOR_EVIDENCES(X) NULL};
#undef X

#define RESULT struct overlay_anchor_result

const struct verity_json_field overlay_anchor_fields[] = {
	VERITY_JSON_BOOL("present", RESULT, present),
	VERITY_JSON_NAME("evidence", RESULT, evidence, evidence_names),
	VERITY_JSON_TEXT("message", RESULT, text),
	{.key = NULL},
};

static const char *const variable_names[] = {
	[OVERLAY_VARIABLE_UNREADABLE] = "unreadable",
	[OVERLAY_VARIABLE_MALFORMED] = "malformed",
	[OVERLAY_VARIABLE_OFF] = "0",
	[OVERLAY_VARIABLE_ON] = "1",
};

enum overlay_variable overlay_anchor_decode(const void *bytes, size_t size)
{
	static const uint8_t attributes[VARIABLE_VALUE] = {ATTRIBUTES};
	const uint8_t *variable = bytes;

	if (size != VARIABLE_BYTES ||
	    memcmp(variable, attributes, sizeof(attributes)) != 0 ||
	    variable[VARIABLE_VALUE] > 1)
		return OVERLAY_VARIABLE_MALFORMED;
	return variable[VARIABLE_VALUE] ? OVERLAY_VARIABLE_ON : OVERLAY_VARIABLE_OFF;
}

/* The file itself is asked where it is: anything can be mounted over one. */
static void read_variable(int folder, const char *path, struct overlay_anchor_facts *ret)
{
	cleanup_fd int fd = -1;
	cleanup_free char *bytes = NULL;
	struct statfs fs;
	size_t size;
	int r = verity_io_open(folder, path, O_RDONLY, &fd, NULL, NULL);

	if (r == 0 && (fstatfs(fd, &fs) < 0 || (uint32_t)fs.f_type != EFIVARFS_MAGIC))
		r = -EMEDIUMTYPE;
	if (r == 0)
		r = verity_io_load_fd(fd, path, VARIABLE_MAX, &bytes, &size, NULL);
	if (r == -EFBIG)
		ret->variable = OVERLAY_VARIABLE_MALFORMED;
	else if (r < 0)
		ret->error = -r;
	else
		ret->variable = overlay_anchor_decode(bytes, size);
}

/* "none [integrity] confidentiality" */
static bool is_locked_down(int folder, const char *path)
{
	cleanup_free char *text = NULL;
	const char *chosen;
	size_t size;

	if (verity_io_load(folder, path, LOCKDOWN_MAX, &text, &size, NULL) < 0)
		return false;
	chosen = strchr(text, '[');
	return chosen && strncmp(chosen, "[none]", strlen("[none]")) != 0;
}

void overlay_anchor_gather(const struct overlay_anchor_sources *sources,
			   struct overlay_anchor_facts *ret)
{
	struct overlay_anchor_facts facts = {.error = 0};
	cleanup_free char *bytes = NULL;
	size_t size;

	if (sources->efivars >= 0)
		read_variable(sources->efivars, SECURE_BOOT, &facts);
	else
		read_variable(sources->sys, "firmware/efi/efivars/" SECURE_BOOT, &facts);
	/* Why it cannot be mounted tells more than that nothing is mounted. */
	if (facts.error == ENOENT && sources->efivars < 0)
		facts.error = -sources->efivars;
	facts.kernel_says = verity_io_load(sources->sys, "kernel/boot_params/data",
					   BOOT_PARAMS_MAX, &bytes, &size, NULL) == 0 &&
			    size > SECURE_BOOT_AT &&
			    bytes[SECURE_BOOT_AT] == SECURE_BOOT_ENABLED;
	facts.locked_down =
		sources->security >= 0
			? is_locked_down(sources->security, "lockdown")
			: is_locked_down(sources->sys, "kernel/security/lockdown");
	*ret = facts;
}

static enum overlay_anchor_evidence weigh(const struct overlay_anchor_facts *facts)
{
	if (facts->variable == OVERLAY_VARIABLE_ON)
		return OVERLAY_EVIDENCE_VARIABLE_ON;
	if (facts->kernel_says)
		return OVERLAY_EVIDENCE_KERNEL;
	if (facts->locked_down)
		return OVERLAY_EVIDENCE_LOCKDOWN;
	switch (facts->variable) {
	case OVERLAY_VARIABLE_OFF:
		return OVERLAY_EVIDENCE_VARIABLE_OFF;
	case OVERLAY_VARIABLE_MALFORMED:
		return OVERLAY_EVIDENCE_MALFORMED;
	default:
		return OVERLAY_EVIDENCE_UNREADABLE;
	}
}

void overlay_anchor_decide(enum overlay_anchor anchor,
			   const struct overlay_anchor_facts *facts,
			   struct overlay_anchor_result *ret)
{
	static const struct {
		bool present;
		const char *text;
	} evidences[] = {
#define X(evidence, name, present, text) [OVERLAY_EVIDENCE_##evidence] = {present, text},
		OVERLAY_ANCHOR_EVIDENCES(X)
#undef X
	};
	struct overlay_anchor_result result = {.evidence = OVERLAY_EVIDENCE_ALWAYS};
	char why[64] = "";

	if (anchor == OVERLAY_ANCHOR_NONE)
		result.evidence = OVERLAY_EVIDENCE_NONE;
	else if (anchor == OVERLAY_ANCHOR_EFI)
		result.evidence = weigh(facts);
	result.present = evidences[result.evidence].present;
	if (result.evidence == OVERLAY_EVIDENCE_UNREADABLE)
		snprintf(result.text, sizeof(result.text),
			 "%s: %s (it takes UEFI runtime services and efivarfs)",
			 evidences[result.evidence].text,
			 verity_errno_text(facts->error, why, sizeof(why)));
	else
		snprintf(result.text, sizeof(result.text), "%s",
			 evidences[result.evidence].text);
	*ret = result;
}

/* A private mount that ends with its descriptor. Return: it; -errno. */
static int mount_privately(const char *type)
{
	cleanup_fd int context = sys_fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (context < 0 || sys_fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = sys_fsmount(context, FSMOUNT_CLOEXEC,
			 MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? -errno : fd;
}

void overlay_anchor_find(enum overlay_anchor anchor, struct overlay_anchor_result *ret)
{
	struct overlay_anchor_facts facts = {.error = 0};
	cleanup_fd int sys = -1, efivars = -1, security = -1;

	if (anchor == OVERLAY_ANCHOR_EFI) {
		sys = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
		efivars = mount_privately("efivarfs");
		security = mount_privately("securityfs");
		overlay_anchor_gather(
			&(struct overlay_anchor_sources){sys, efivars, security}, &facts);
		verity_debug("anchor: SecureBoot %s, started with Secure Boot %s, "
			     "lockdown %s",
			     variable_names[facts.variable],
			     facts.kernel_says ? "on" : "off or unknown",
			     facts.locked_down ? "on" : "off or unknown");
	}
	overlay_anchor_decide(anchor, &facts, ret);
	verity_debug("anchor: %s: %s", ret->present ? "present" : "absent", ret->text);
}
