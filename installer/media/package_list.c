/* SPDX-License-Identifier: MIT */

/* Lists the packages on a medium. */

#include "installer/media/package_list.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "installer/common/page.h"
#include "installer/common/table.h"
#include "installer/media/browse.h"
#include "installer/media/file.h"
#include "verity/package/inspect.h"
#include "verity/util/cleanup.h"

static const struct table_column columns[] = {
	{"FILE", NULL, 16},
	{"VERSION", "Version", 12},
	{"VERIFICATION", "Verification", 0},
	{"DESCRIPTION", "Description", 8},
};

#define COLUMNS     (sizeof(columns) / sizeof(columns[0]))
#define NOTE_INDENT 4

struct row {
	const char *path;
	char version[VERITY_VERSION_MAX + 1];
	char description[VERITY_DESCRIPTION_MAX + 1];
	struct verity_outlook outlook;
};

/* What cannot be read is Invalid, with the reason. */
static void fill_row(const struct media_browse *browse, const char *path,
		     const struct verity_policy *policy, struct row *row)
{
	cleanup_with(verity_inspection_free_p) struct verity_inspection *inspection =
		NULL;
	char listed[PATH_MAX], link[64];
	const struct verity_manifest *manifest;
	cleanup_fd int fd = -1;
	int r;

	*row = (struct row){.path = path, .version = "-"};
	row->outlook.verdict = VERITY_INVALID;
	r = media_file_open(browse->root_fd, path, &fd, listed, &row->outlook.reason);
	if (r == 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		r = verity_inspection_open(AT_FDCWD, link, &inspection,
					   &row->outlook.reason);
	}
	if (r < 0)
		return;
	manifest = verity_inspection_manifest(inspection);
	snprintf(row->version, sizeof(row->version), "%s", manifest->version);
	snprintf(row->description, sizeof(row->description), "%s", manifest->description);
	(void)!verity_inspection_outlook(inspection, policy, &row->outlook,
					 &row->outlook.reason);
}

static int print(const struct media_browse *browse, const struct row *rows, size_t count,
		 struct verity_error *err)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	cleanup_free const char **cells = calloc(count * COLUMNS + 1, sizeof(*cells));
	const struct table table = {browse->description, columns, COLUMNS, cells, count};

	if (!cells)
		return verity_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		const char **row = cells + i * COLUMNS;

		row[0] = rows[i].path;
		row[1] = rows[i].version;
		row[2] = verity_verdict_name(rows[i].outlook.verdict);
		row[3] = rows[i].description;
	}
	if (count == 0)
		layout_printf(stdout, &layout, 0, "No packages on %s.",
			      browse->description);
	else
		table_print(stdout, &layout, &table);
	for (size_t i = 0; i < count; i++)
		if (rows[i].outlook.reason.code != VERITY_OK)
			layout_printf(stdout, &layout, NOTE_INDENT, "%s: %s",
				      rows[i].path, rows[i].outlook.reason.message);
	if (browse->cut)
		layout_print(stdout, &layout, 0, "There are more files than are listed.");
	if (count > 0)
		layout_print(stdout, &layout, 0,
			     "Images are read and checked when a package is installed.");
	return 0;
}

static int show(struct device *device, const char *label, struct verity_error *err)
{
	cleanup_with(media_browse_free_p) struct media_browse *browse = NULL;
	cleanup_free struct row *rows = NULL;
	const struct verity_policy *policy;
	size_t count = 0;
	int r = device_policy(device, &policy, err);

	if (r == 0)
		r = media_browse_new(device, label, "", MEDIA_DEPTH_MAX, true, &browse,
				     err);
	if (r < 0)
		return r;
	rows = calloc(browse->count + 1, sizeof(*rows));
	if (!rows)
		return verity_no_memory(err);
	for (size_t i = 0; i < browse->count; i++)
		if (!browse->items[i].folder)
			fill_row(browse, browse->items[i].path, policy, &rows[count++]);
	return print(browse, rows, count, err);
}

enum exit_status media_packages_show(struct device *device, const char *label)
{
	struct verity_error err;
	struct page page;
	int r;

	page_begin(&page);
	r = show(device, label, &err);
	page_end(&page);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
