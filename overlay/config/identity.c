/* SPDX-License-Identifier: MIT */
/* Reads model, serial number and firmware version from where each may be. */
#include "overlay/config/identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "overlay/fs/open_beneath.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

#define FILE_MAX_BYTES 65536

/* What vendors leave in DMI in place of a value. */
static bool is_placeholder(const char *text)
{
	static const char *const placeholders[] = {
		"0",
		"Default string",
		"None",
		"Not Applicable",
		"Not Specified",
		"System Product Name",
		"System Serial Number",
		"To Be Filled By O.E.M.",
		"To be filled by O.E.M.",
		"Unknown",
	};

	for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++)
		if (strcasecmp(placeholders[i], text) == 0)
			return true;
	return text[strspn(text, "0")] == '\0';
}

/* A value that would have to be cut identifies nothing. */
static bool take_value(const char *text, size_t max, char *ret)
{
	size_t size;

	text += strspn(text, " \t");
	size = strcspn(text, "\n");
	while (size > 0 && strchr(" \t\r", text[size - 1]))
		size--;
	if (size == 0 || size > max || !verity_text_printable(text, size))
		return false;
	memcpy(ret, text, size);
	ret[size] = '\0';
	return true;
}

static bool take_file(int dirfd, const char *name, size_t max, char *ret)
{
	cleanup_free char *text = NULL;
	size_t size;

	return verity_io_load(dirfd, name, FILE_MAX_BYTES, &text, &size, NULL) == 0 &&
	       take_value(text, max, ret);
}

/*
 * The text of a file of the firmware; NULL where there is none. No link leads out of the
 * firmware: the initramfs has files of those names too.
 */
static char *load_firmware_file(int root_fd, const char *path)
{
	cleanup_fd int at = overlay_open_at(root_fd, path, O_PATH,
					    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	char place[sizeof("/proc/self/fd/") + 3 * sizeof(at)];
	char *text = NULL;
	size_t size;

	snprintf(place, sizeof(place), "/proc/self/fd/%d", at);
	if (at < 0 ||
	    verity_io_load(AT_FDCWD, place, FILE_MAX_BYTES, &text, &size, NULL) < 0)
		return NULL;
	return text;
}

/* What is configured, or else the first of @files of the system that has a value. */
static void find(int system_fd, int root_fd, const char *configured,
		 const char *const *files, size_t max, char *ret)
{
	static const char *const of_system[] = {"/sys/", "/proc/", "/dev/", "/run/"};
	cleanup_free char *text = NULL;
	bool found = false, system = false;

	for (size_t i = 0; i < sizeof(of_system) / sizeof(of_system[0]); i++)
		system |= strncmp(configured, of_system[i], strlen(of_system[i])) == 0;
	if (system) {
		found = take_file(system_fd, configured + 1, max, ret);
	} else if (configured[0] == '/') {
		text = load_firmware_file(root_fd, configured);
		found = text && take_value(text, max, ret);
	} else if (configured[0]) {
		found = take_value(configured, max, ret);
	} else {
		for (; !found && *files; files++)
			found = take_file(system_fd, *files, max, ret) &&
				!is_placeholder(ret);
	}
	if (!found)
		ret[0] = '\0';
}

/* os-release(5): the value of KEY=, its quotes and backslashes as a shell takes them. */
static bool take_os_release(const char *text, const char *key, char *ret)
{
	const char *line = text;
	char value[VERITY_VERSION_MAX + 1];
	size_t used = 0;
	char quote = '\0';

	while (line &&
	       !(strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == '='))
		line = (line = strchr(line, '\n')) ? line + 1 : NULL;
	if (!line)
		return false;
	line += strlen(key) + 1;
	if (*line == '"' || *line == '\'')
		quote = *line++;
	for (; *line && *line != '\n' && *line != quote; line++) {
		if (*line == '\\' && quote != '\'' && line[1])
			line++;
		if (used == VERITY_VERSION_MAX)
			return false;
		value[used++] = *line;
	}
	value[used] = '\0';
	return take_value(value, VERITY_VERSION_MAX, ret);
}

void overlay_identity_find(const struct overlay_config *config, int system_fd,
			   int root_fd, struct overlay_identity *ret)
{
	static const char *const models[] = {"proc/device-tree/model",
					     "sys/class/dmi/id/product_name", NULL};
	static const char *const serials[] = {"proc/device-tree/serial-number",
					      "sys/class/dmi/id/product_serial", NULL};
	static const char *const releases[] = {"etc/os-release", "usr/lib/os-release",
					       NULL};
	static const char *const none[] = {NULL};

	find(system_fd, root_fd, config->model, models, OVERLAY_MODEL_MAX, ret->model);
	find(system_fd, root_fd, config->serial, serials, VERITY_SERIAL_MAX, ret->serial);
	if (config->firmware_version[0]) {
		find(system_fd, root_fd, config->firmware_version, none,
		     VERITY_VERSION_MAX, ret->firmware);
		return;
	}
	for (const char *const *file = releases; *file; file++) {
		cleanup_free char *text = load_firmware_file(root_fd, *file);

		if (text && (take_os_release(text, "IMAGE_VERSION", ret->firmware) ||
			     take_os_release(text, "VERSION_ID", ret->firmware)))
			return;
	}
	ret->firmware[0] = '\0';
}

void overlay_identity_read(const struct overlay_config *config, const char *root,
			   struct overlay_identity *ret)
{
	cleanup_fd int system_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	overlay_identity_find(config, system_fd, root_fd, ret);
}
