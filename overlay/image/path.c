/* SPDX-License-Identifier: MIT */
/* Paths of nodes, for the rules and for messages. */
#include "overlay/image/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int image_node_path(const struct image_node *node, char ret[static IMAGE_PATH_MAX + 1])
{
	char path[IMAGE_PATH_MAX + 1];
	size_t start = sizeof(path) - 1, length;

	path[start] = '\0';
	for (; node->parent; node = node->parent) {
		length = strlen(node->name);
		if (length + 1 > start)
			return -ENAMETOOLONG;
		if (path[start] != '\0')
			path[--start] = '/';
		start -= length;
		memcpy(path + start, node->name, length);
	}
	memcpy(ret, path + start, sizeof(path) - start);
	return 0;
}

static size_t shown_length(unsigned char c)
{
	return c < 0x20 || c >= 0x7f || c == '\\' ? 4 : 1;
}

const char *image_path_show(const char *path, char ret[static IMAGE_PATH_SHOWN])
{
	static const char digits[] = "0123456789abcdef";
	const char *start = path + strlen(path);
	size_t room = IMAGE_PATH_SHOWN - 1 - strlen("..."), used = 0;

	/* The end of a path says more than its beginning. */
	while (start > path && shown_length((unsigned char)start[-1]) <= room)
		room -= shown_length((unsigned char)*--start);
	if (start > path) {
		memcpy(ret, "...", 3);
		used = 3;
	}
	for (; *start; start++) {
		unsigned char c = (unsigned char)*start;

		if (shown_length(c) == 1) {
			ret[used++] = (char)c;
			continue;
		}
		ret[used++] = '\\';
		ret[used++] = 'x';
		ret[used++] = digits[c >> 4];
		ret[used++] = digits[c & 15];
	}
	ret[used] = '\0';
	return ret;
}

int image_node_fail(struct verity_error *err, const struct image_node *node,
		    const char *name, const char *format, ...)
{
	char path[IMAGE_PATH_MAX + 1], whole[2 * IMAGE_PATH_MAX + 2];
	char shown[IMAGE_PATH_SHOWN], message[VERITY_MESSAGE_MAX];
	va_list args;

	if (image_node_path(node, path) < 0)
		snprintf(path, sizeof(path), ".../%.255s", node->name);
	snprintf(whole, sizeof(whole), "%s%s%s", path, name && *path ? "/" : "",
		 name ? name : "");
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return verity_fail(err, VERITY_E_BAD_TREE, "%s: %s",
			   *whole ? image_path_show(whole, shown) : "/", message);
}

int image_node_fail_errno(struct verity_error *err, const struct image_node *node,
			  const char *name, int errno_value)
{
	int r = image_node_fail(err, node, name, "%s", strerror(errno_value));

	if (errno_value != ENOMEM && errno_value != EIO)
		return r;
	if (err)
		err->code = errno_value == EIO ? VERITY_E_IO : VERITY_E_NO_MEMORY;
	return -errno_value;
}
