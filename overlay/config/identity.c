/* SPDX-License-Identifier: MIT */
#include "overlay/config/identity.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "overlay/config/identity_private.h"
#include "overlay/fs/open_beneath.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

#define FILE_MAX_BYTES 65536

/* What vendors leave in DMI where they should have put something. */
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

static bool is_placeholder(const char *text)
{
	for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++)
		if (strcasecmp(placeholders[i], text) == 0)
			return true;
	return text[strspn(text, "0")] == '\0';
}

/* A value that would have to be cut names nothing. */
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

/* No link of the firmware leads out of it: the initramfs has files of those names too. */
static int open_below(int root_fd, const char *path)
{
	return overlay_open_at(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
			       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

static bool take_below(int root_fd, const char *name, size_t max, char *ret)
{
	cleanup_fd int fd = open_below(root_fd, name);
	cleanup_free char *text = NULL;
	size_t size;

	return fd >= 0 &&
	       verity_io_load_fd(fd, name, FILE_MAX_BYTES, &text, &size, NULL) == 0 &&
	       take_value(text, max, ret);
}

/* What the kernel and the system show; all else is a file of the firmware. */
static bool is_of_system(const char *path)
{
	static const char *const folders[] = {"/sys/", "/proc/", "/dev/", "/run/"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return true;
	return false;
}

/* The configuration's word, or the first of the system's files that says something. */
static void find(const struct overlay_identity_places *places, const char *configured,
		 const char *const *files, size_t max, char *ret)
{
	bool found = false;

	if (is_of_system(configured))
		found = take_file(places->system_fd, configured + 1, max, ret);
	else if (configured[0] == '/')
		found = take_below(places->root_fd, configured, max, ret);
	else if (configured[0])
		found = take_value(configured, max, ret);
	if (configured[0]) {
		if (!found)
			ret[0] = '\0';
		return;
	}
	for (; *files; files++)
		if (take_file(places->system_fd, *files, max, ret) &&
		    !is_placeholder(ret))
			return;
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

static void find_firmware(const struct overlay_identity_places *places, char *ret)
{
	static const char *const files[] = {"etc/os-release", "usr/lib/os-release"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		cleanup_fd int fd = open_below(places->root_fd, files[i]);
		cleanup_free char *text = NULL;
		size_t size;

		if (fd < 0)
			continue;
		if (verity_io_load_fd(fd, files[i], FILE_MAX_BYTES, &text, &size, NULL) ==
			    0 &&
		    (take_os_release(text, "IMAGE_VERSION", ret) ||
		     take_os_release(text, "VERSION_ID", ret)))
			return;
	}
	ret[0] = '\0';
}

void overlay_identity_find(const struct overlay_config *config,
			   const struct overlay_identity_places *places,
			   struct overlay_identity *ret)
{
	static const char *const models[] = {"proc/device-tree/model",
					     "sys/class/dmi/id/product_name", NULL};
	static const char *const serials[] = {"proc/device-tree/serial-number",
					      "sys/class/dmi/id/product_serial", NULL};
	static const char *const none[] = {NULL};

	find(places, config->model, models, OVERLAY_MODEL_MAX, ret->model);
	find(places, config->serial, serials, VERITY_SERIAL_MAX, ret->serial);
	if (config->firmware_version[0])
		find(places, config->firmware_version, none, VERITY_VERSION_MAX,
		     ret->firmware);
	else
		find_firmware(places, ret->firmware);
}

void overlay_identity_read(const struct overlay_config *config, const char *root,
			   struct overlay_identity *ret)
{
	cleanup_fd int system = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int firmware = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct overlay_identity_places places = {system, firmware};

	overlay_identity_find(config, &places, ret);
}
