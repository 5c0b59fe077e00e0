/* SPDX-License-Identifier: MIT */
/* wmopkg-build catalog: a catalogue of the packages in a folder, put beside them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "installer/build/commands.h"
#include "installer/build/statement.h"
#include "verity/package/inspect.h"
#include "verity/statement/catalog.h"
#include "verity/statement/floors.h"
#include "verity/statement/inspect.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

#define CATALOG_NAME "catalog"
#define DAY_SECONDS  INT64_C(86400)
#define DAYS_MAX     3660
#define ROLLOUTS_MAX VERITY_CATALOG_MAX
#define LOCK_WAIT_MS 30000
#define LOCK_POLL_MS 50

/* What --rollout says of one file. Borrowed from the command line. */
struct rollout {
	const char *file;
	size_t size; /* of the name */
	uint32_t percent;
	bool used;
};

/* Strings are borrowed from the command line. */
struct request {
	const char *folder;
	const char *name;     /* of the catalogue within it; NULL: CATALOG_NAME */
	const char *channel;  /* NULL: as before */
	const char *denylist; /* file in the folder; NULL: as before */
	uint32_t number;      /* 0: one more than before */
	uint32_t days;        /* 0: not given, as the next */
	int64_t not_after;
	struct rollout rollouts[ROLLOUTS_MAX];
	size_t rollout_count;
	struct build_signing signing;
};

static void catalog_dir_close(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int read_not_after(void *object, const char *name, const char *value,
			  struct verity_error *err)
{
	return build_parse_until(name, value, &((struct request *)object)->not_after,
				 err);
}

/* "FILE=PERCENT" */
static int read_rollout(void *object, const char *name, const char *value,
			struct verity_error *err)
{
	struct request *request = object;
	const char *equals = strrchr(value, '=');
	struct rollout *rollout = &request->rollouts[request->rollout_count];
	int64_t percent;
	int r;

	if (!equals || equals == value)
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: '%s' is not FILE.wmopkg=PERCENT", name, value);
	if (request->rollout_count == ROLLOUTS_MAX)
		return verity_fail(err, VERITY_E_USAGE, "%s: more than %d times", name,
				   ROLLOUTS_MAX);
	r = build_parse_integer(name, equals + 1, 0, VERITY_ROLLOUT_ALL, &percent, err);
	if (r < 0)
		return r;
	*rollout = (struct rollout){value, (size_t)(equals - value), (uint32_t)percent,
				    false};
	request->rollout_count++;
	return 0;
}

const struct build_option build_catalog_options[] = {
	{"valid", "DAYS", "devices believe it for so many days after it is signed",
	 BUILD_NUMBER, BUILD_MEMBER(struct request, days), 1, DAYS_MAX},
	{"not-after", "T",
	 "likewise: the last day, such as 2026-12-31, to its end in UTC;\n"
	 "or seconds since 1970",
	 BUILD_CALL, .read = read_not_after},
	{"number", "N", "its number (default: one more than that of the one in place)",
	 BUILD_NUMBER, BUILD_MEMBER(struct request, number), 1, UINT32_MAX},
	{"channel", "NAME",
	 "only devices with this channel in their configuration use it", BUILD_STRING,
	 BUILD_MEMBER(struct request, channel)},
	{"rollout", "FILE=PERCENT",
	 "part of the devices that take this package; may be given again\n"
	 "(default: as in the catalogue in place, else 100)",
	 BUILD_CALL, .read = read_rollout},
	{"denylist", "FILE", "deny list in DIR that devices are to fetch, too",
	 BUILD_STRING, BUILD_MEMBER(struct request, denylist)},
	{"output", "NAME", "name of the catalogue in DIR (default: " CATALOG_NAME ")",
	 BUILD_STRING, BUILD_MEMBER(struct request, name)},
	{.name = NULL},
};

static int read_request(int argc, char **argv, struct request *ret,
			struct verity_error *err)
{
	const struct build_options options[] = {{build_catalog_options, ret},
						{build_signing_options, &ret->signing},
						{NULL, NULL}};
	int r = build_options_read(argc, argv, options, 1, "DIR", err);

	if (r < 0)
		return r;
	ret->folder = argv[optind];
	ret->name = ret->name ?: CATALOG_NAME;
	if (!ret->days == !ret->not_after)
		return verity_fail(err, VERITY_E_USAGE,
				   ret->days ? "catalog: --valid and --not-after say the "
					       "same: give one of them"
					     : "catalog: missing option: --valid");
	for (size_t i = 0; i < 3; i++) {
		const char *const names[] = {ret->name, ret->channel, ret->denylist};
		static const char *const words[] = {"output", "channel", "denylist"};

		if (names[i] && !verity_name_valid(names[i]))
			return verity_fail(err, VERITY_E_USAGE,
					   "--%s: '%s' is not a name of letters, digits, "
					   "'.', '_' and '-'",
					   words[i], names[i]);
	}
	if (ret->channel && strlen(ret->channel) > VERITY_CHANNEL_MAX)
		return verity_fail(err, VERITY_E_USAGE,
				   "--channel: longer than %d characters",
				   VERITY_CHANNEL_MAX);
	r = build_statement_name(ret->name, err);
	return r < 0 ? r : build_signing_check(&ret->signing, "catalog", err);
}

/* As the first signer says, whoever that is; -1: nobody does. */
static int64_t signing_time(const struct verity_statement_parts *parts)
{
	struct verity_signatures signatures = {.count = 0};
	struct verity_error unused;

	/* Without a key ring the best result is "not trusted". */
	return parts->signature_bytes &&
			       verity_cms_verify(parts->text, parts->text_bytes,
						 parts->signature, parts->signature_bytes,
						 NULL, VERITY_PURPOSE_PACKAGE,
						 &signatures, &unused) == -EKEYREJECTED &&
			       signatures.count
		       ? verity_signer_time(&signatures.signers[0])
		       : -1;
}

/*
 * A statement in the folder; @ret: verity_statement_text_free(); @ret_signed: NULL: not
 * asked for
 */
static int load(const struct request *request, const char *name,
		enum verity_statement_type type, struct verity_statement_text *ret,
		int64_t *ret_signed, struct verity_error *err)
{
	struct verity_statement_text text = {.type = type};
	struct verity_statement_parts parts;
	cleanup_free char *bytes = NULL;
	cleanup_free char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s", request->folder, name) < 0) {
		path = NULL;
		return verity_no_memory(err);
	}
	r = build_statement_load(path, &bytes, &parts, err);
	if (r < 0)
		return r; /* the path is in the message */
	r = verity_statement_inspect(&parts, &text, err);
	if (r == 0 && text.type != type) {
		r = verity_fail(err, VERITY_E_WRONG_TYPE, "it is %s, not %s",
				verity_statement_type_words(text.type),
				verity_statement_type_words(type));
		verity_statement_text_free(&text);
	}
	if (r == 0 && type == VERITY_STATEMENT_DENYLIST && !parts.signature_bytes) {
		r = verity_fail(err, VERITY_E_NO_SIGNATURE,
				"it is not signed: devices would refuse it, and update "
				"nothing (sign it first: wmopkg-build sign)");
		verity_statement_text_free(&text);
	}
	if (r < 0)
		return verity_context(err, r, "%s", path);
	if (ret_signed)
		*ret_signed = signing_time(&parts);
	*ret = text;
	return 0;
}

/* What the catalogue in place says of the same package; else all devices take it. */
static uint32_t rollout_of(struct request *request,
			   const struct verity_catalog_entry *entry,
			   const struct verity_catalog_text *before)
{
	for (size_t i = 0; i < request->rollout_count; i++) {
		struct rollout *rollout = &request->rollouts[i];

		if (strlen(entry->file) == rollout->size &&
		    memcmp(entry->file, rollout->file, rollout->size) == 0) {
			rollout->used = true;
			return rollout->percent;
		}
	}
	for (size_t i = 0; i < before->count; i++)
		if (memcmp(before->entries[i].id, entry->id, sizeof(entry->id)) == 0)
			return before->entries[i].rollout;
	return VERITY_ROLLOUT_ALL;
}

static int copy_list(const void *list, size_t count, size_t size, void *ret,
		     struct verity_error *err)
{
	void *copy = NULL;

	if (count) {
		copy = reallocarray(NULL, count, size);
		if (!copy)
			return verity_no_memory(err);
		memcpy(copy, list, count * size);
	}
	memcpy(ret, &copy, sizeof(copy));
	return 0;
}

/* What a catalogue says of a package: the rest of the manifest stays in the package. */
static int copy_manifest(const struct verity_manifest *from, struct verity_manifest *ret,
			 struct verity_error *err)
{
	int r;

	*ret = (struct verity_manifest){.epoch = from->epoch, .built = -1};
	memcpy(ret->name, from->name, sizeof(ret->name));
	memcpy(ret->version, from->version, sizeof(ret->version));
	memcpy(ret->root_hash, from->root_hash, sizeof(ret->root_hash));
	memcpy(ret->firmware_min, from->firmware_min, sizeof(ret->firmware_min));
	memcpy(ret->firmware_max, from->firmware_max, sizeof(ret->firmware_max));
	r = copy_list(from->compatible, from->compatible_count, sizeof(*from->compatible),
		      &ret->compatible, err);
	ret->compatible_count = r == 0 ? from->compatible_count : 0;
	if (r == 0)
		r = copy_list(from->needs, from->needs_count, sizeof(*from->needs),
			      &ret->needs, err);
	ret->needs_count = r == 0 ? from->needs_count : 0;
	if (r == 0)
		r = copy_list(from->conflicts, from->conflicts_count,
			      sizeof(*from->conflicts), &ret->conflicts, err);
	ret->conflicts_count = r == 0 ? from->conflicts_count : 0;
	return r;
}

/* Only the head: the image was verified when it was made, and is by each device. */
static int add(struct request *request, int folder, const char *file,
	       const struct verity_catalog_text *before, struct verity_catalog_text *text,
	       struct verity_error *err)
{
	static const struct verity_policy nobody = {0};
	cleanup_with(verity_inspection_free_p) struct verity_inspection *inspection =
		NULL;
	struct verity_catalog_entry *entry = &text->entries[text->count];
	char unused[VERITY_NAME_MAX + 1];
	struct verity_outlook outlook;
	struct stat st;
	int r = verity_name_from_path(file, unused, err);

	if (r == 0 && text->count == VERITY_CATALOG_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%s: over %d packages (make several catalogues, each "
				   "with its own --channel)",
				   request->folder, VERITY_CATALOG_MAX);
	if (r == 0)
		r = verity_inspection_open(folder, file, &inspection, err);
	if (r == 0)
		r = verity_inspection_outlook(inspection, &nobody, &outlook, err);
	if (r == 0 && outlook.verdict == VERITY_INVALID) {
		*err = outlook.reason;
		r = -EBADMSG;
	}
	if (r == 0 && fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = verity_fail_errno(err, errno, "length");
	if (r == 0 && (uint64_t)st.st_size != outlook.file_bytes)
		r = verity_fail(err, VERITY_E_BAD_LENGTH,
				"it has %" PRIu64 " bytes, but its head says %" PRIu64,
				(uint64_t)st.st_size, outlook.file_bytes);
	if (r < 0)
		return verity_context(err, r, "%s/%s", request->folder, file);
	if (outlook.verdict == VERITY_UNSIGNED)
		report_warning("%s/%s: it is not signed: devices refuse it",
			       request->folder, file);
	*entry = (struct verity_catalog_entry){.file_bytes = outlook.file_bytes};
	snprintf(entry->file, sizeof(entry->file), "%s", file);
	memcpy(entry->id, outlook.id, sizeof(entry->id));
	text->count++;
	r = copy_manifest(verity_inspection_manifest(inspection), &entry->manifest, err);
	entry->rollout = rollout_of(request, entry, before);
	return r;
}

/* By name, then the newest first, so that equal folders make equal catalogues. */
static int compare(const void *left, const void *right)
{
	const struct verity_catalog_entry *a = left, *b = right;
	int order = strcmp(a->manifest.name, b->manifest.name);

	if (order == 0)
		order = verity_catalog_compare(&b->manifest, &a->manifest);
	return order ?: strcmp(a->file, b->file);
}

static int collect(struct request *request, const struct verity_catalog_text *before,
		   struct verity_catalog_text *text, struct verity_error *err)
{
	cleanup_with(catalog_dir_close) DIR *dir = opendir(request->folder);
	int r = 0;

	if (!dir)
		return verity_fail_errno(err, errno, "%s", request->folder);
	text->entries = calloc(VERITY_CATALOG_MAX, sizeof(*text->entries));
	if (!text->entries)
		return verity_no_memory(err);
	for (struct dirent *item; r == 0 && (item = readdir(dir));) {
		size_t size = strlen(item->d_name), tail = strlen(VERITY_PACKAGE_SUFFIX);

		if (item->d_name[0] != '.' && size > tail &&
		    strcmp(item->d_name + size - tail, VERITY_PACKAGE_SUFFIX) == 0)
			r = add(request, dirfd(dir), item->d_name, before, text, err);
	}
	if (r < 0)
		return r;
	qsort(text->entries, text->count, sizeof(*text->entries), compare);
	for (size_t i = 1; i < text->count; i++) {
		const struct verity_catalog_entry *a = &text->entries[i - 1];
		const struct verity_catalog_entry *b = &text->entries[i];

		if (strcmp(a->manifest.name, b->manifest.name) == 0 &&
		    verity_catalog_compare(&a->manifest, &b->manifest) == 0)
			return verity_fail(err, VERITY_E_DUPLICATE,
					   "%s: %s and %s are both %s version %s, epoch "
					   "%" PRIu32 " (remove one of them)",
					   request->folder, a->file, b->file,
					   a->manifest.name, a->manifest.version,
					   a->manifest.epoch);
	}
	for (size_t i = 0; i < request->rollout_count; i++)
		if (!request->rollouts[i].used)
			return verity_fail(err, VERITY_E_USAGE,
					   "--rollout: %s has no package '%.*s'",
					   request->folder,
					   (int)request->rollouts[i].size,
					   request->rollouts[i].file);
	return 0;
}

/* What is not given is as in the catalogue in place. */
static int fill(const struct request *request, const struct verity_catalog_text *before,
		int64_t before_signed, struct verity_catalog_text *text,
		struct verity_error *err)
{
	char until[VERITY_TEXT_TIME_BYTES], when[VERITY_TEXT_TIME_BYTES];
	cleanup_with(verity_statement_text_free) struct verity_statement_text list = {0};
	const char *denylist = request->denylist ?: before->denylist_file;
	int64_t signed_at =
		request->signing.when >= 0 ? request->signing.when : (int64_t)time(NULL);
	int r;

	if (!request->number && before->number == UINT32_MAX)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "no number is left above %" PRIu32, before->number);
	text->number = request->number ?: before->number + 1;
	if (text->number <= before->number)
		return verity_fail(err, VERITY_E_OLD_CATALOG,
				   "number %" PRIu32 " is in place, and %" PRIu32
				   " is not higher: no device that has seen it would "
				   "accept this one",
				   before->number, text->number);
	text->not_after =
		request->not_after ?: signed_at + (int64_t)request->days * DAY_SECONDS;
	/* Signed by a wrong clock, it is the least that the time of a device can be. */
	if (text->not_after < before_signed) {
		verity_text_format_time(text->not_after, until);
		verity_text_format_time(before_signed, when);
		return verity_fail(err, VERITY_E_EXPIRED_CATALOG,
				   "it ends %s, and the one in place was signed %s: "
				   "devices that have seen that would refuse this one "
				   "(check the clock, and give a later end)",
				   until, when);
	}
	snprintf(text->channel, sizeof(text->channel), "%s",
		 request->channel ?: before->channel);
	if (!denylist[0])
		return 0;
	r = load(request, denylist, VERITY_STATEMENT_DENYLIST, &list, NULL, err);
	snprintf(text->denylist_file, sizeof(text->denylist_file), "%s", denylist);
	text->denylist_number = list.denylist.number;
	return r;
}

/*
 * From reading the one in place to replacing it: two at the same time would take one
 * number. The folder itself, so that nothing is left on the web server.
 */
static int lock(const char *folder, int *ret, struct verity_error *err)
{
	cleanup_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct timespec pause = {.tv_nsec = LOCK_POLL_MS * 1000000L};

	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", folder);
	for (unsigned waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0;
	     waited += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK) { /* some network file systems have no locks */
			verity_debug("%s: not locked: errno %d", folder, errno);
			break;
		}
		if (waited >= LOCK_WAIT_MS)
			return verity_fail(err, VERITY_E_BUSY,
					   "%s: another wmopkg-build makes a catalogue "
					   "there",
					   folder);
		nanosleep(&pause, NULL);
	}
	*ret = steal_fd(&fd);
	return 0;
}

static int make(struct request *request, struct verity_catalog_text *text,
		struct verity_error *err)
{
	cleanup_fd int locked = -1;
	cleanup_with(verity_statement_text_free) struct verity_statement_text before = {
		0};
	cleanup_free char *encoded = NULL;
	cleanup_free char *path = NULL;
	int64_t before_signed = -1;
	int r = lock(request->folder, &locked, err);

	if (r < 0)
		return r;
	r = load(request, request->name, VERITY_STATEMENT_CATALOG, &before,
		 &before_signed, err);
	if (r == -ENOENT)
		r = 0;
	if (r == 0)
		r = fill(request, &before.catalog, before_signed, text, err);
	if (r == 0)
		r = collect(request, &before.catalog, text, err);
	if (r == 0) {
		r = verity_catalog_encode(text, &encoded, err);
		if (r < 0)
			verity_context(err, r, "%s", request->folder);
	}
	if (r == 0 && asprintf(&path, "%s/%s", request->folder, request->name) < 0) {
		path = NULL;
		r = verity_no_memory(err);
	}
	return r < 0 ? r : build_statement_write(path, encoded, &request->signing, err);
}

enum exit_status build_catalog(int argc, char **argv)
{
	cleanup_with(verity_catalog_text_free) struct verity_catalog_text text = {0};
	cleanup_free struct request *request = calloc(1, sizeof(*request));
	char until[VERITY_TEXT_TIME_BYTES];
	struct verity_error err;
	int r = request ? 0 : verity_no_memory(&err);

	if (r == 0) {
		request->signing =
			(struct build_signing){.when = -1, .use = BUILD_USE_LIST};
		r = read_request(argc, argv, request, &err);
	}
	if (r == 0)
		r = make(request, &text, &err);
	if (r < 0)
		return report_error(NULL, &err);
	verity_text_format_time(text.not_after, until);
	printf("%s/%s: catalogue %" PRIu32 ", %zu %s, until %s, %s\n", request->folder,
	       request->name, text.number, text.count,
	       text.count == 1 ? "package" : "packages", until,
	       request->signing.key ? "signed" : "not signed");
	if (text.not_after < (int64_t)time(NULL))
		report_warning("%s/%s: %s is in the past", request->folder, request->name,
			       until);
	return report_output();
}
