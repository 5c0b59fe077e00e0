/* SPDX-License-Identifier: MIT */
/* Reads the catalogue of one place. */
#include "installer/update/mirror.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "installer/common/report.h"
#include "installer/device/audit.h"
#include "installer/receive/denylist_receive.h"
#include "installer/receive/device_source.h"
#include "installer/receive/statement_receive.h"
#include "overlay/record/catalog.h"

void mirror_free(struct mirror *mirror)
{
	free(mirror->shown);
	free(mirror->folder);
	verity_catalog_free(mirror->catalog);
	*mirror = (struct mirror){.where = NULL};
}

/*
 * Device time, and not before the catalogue that was seen last was signed: where the
 * clock starts in 1970 after each power cut, that is the best there is.
 */
static int64_t time_now(struct device *device, const struct overlay_trust *trust,
			const struct verity_catalog *kept)
{
	int64_t now = overlay_trust_time(trust);
	int64_t signed_at = kept ? verity_signer_time(verity_catalog_signer(kept)) : -1;

	return signed_at > now &&
			       signed_at <= overlay_config_latest(device_config(device))
		       ? signed_at
		       : now;
}

void mirror_log_refusal(struct device *device, const char *source,
			const struct verity_error *why)
{
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_REFUSE,
						  .source = source,
						  .detail = "catalogue",
						  .reason = why};

	audit_add(device, &entry);
}

_Static_assert(SOURCE_VERSION_MAX == OVERLAY_CATALOG_VERSION_MAX + 1, "handed through");

/* Of one place: what is kept, and where it came from. */
struct reading {
	struct device *device;
	struct overlay_trust *trust;
	const struct verity_policy *policy;
	int record_fd;               /* borrowed */
	struct verity_catalog *kept; /* owned; NULL: none of this channel */
	struct overlay_catalog_seen seen, here;
	int64_t now; /* device time */
};

static void reading_end(struct reading *reading)
{
	verity_catalog_free(reading->kept);
}

static int begin(struct reading *reading, const char *where, bool keep,
		 struct verity_error *err)
{
	const char *channel = device_config(reading->device)->channel;
	int r = keep ? device_record_fd(reading->device, &reading->record_fd, err)
		     : device_record_find(reading->device, &reading->record_fd, err);

	if (r == 0)
		r = device_trust(reading->device, &reading->trust, err);
	if (r == 0 && EVP_Digest(where, strlen(where), reading->here.place, NULL,
				 EVP_sha256(), NULL) != 1)
		r = verity_no_memory(err);
	if (r < 0)
		return r;
	reading->policy = overlay_trust_policy(reading->trust);
	r = overlay_catalog_load(reading->record_fd, reading->policy, &reading->kept,
				 &reading->seen, err);
	if (r == 0 && reading->kept &&
	    strcmp(verity_catalog_text(reading->kept)->channel, channel) != 0)
		verity_catalog_free(steal_ptr(&reading->kept));
	reading->now = time_now(reading->device, reading->trust, reading->kept);
	return r;
}

/*
 * What it said last of the file that is kept, to ask whether it is another one now. Not
 * after its end: a cache on the way may be wrong.
 */
static const char *known_here(const struct reading *reading)
{
	const struct overlay_catalog_seen *seen = &reading->seen;

	return reading->kept && seen->version[0] &&
			       reading->now <=
				       verity_catalog_text(reading->kept)->not_after &&
			       memcmp(seen->place, reading->here.place,
				      sizeof(seen->place)) == 0
		       ? seen->version
		       : NULL;
}

/* @bytes: NULL: it is the one that is kept */
static int judge(struct reading *reading, const char *bytes, size_t size, bool keep,
		 struct mirror *mirror, struct verity_error *err)
{
	int r = 0;

	mirror->now = reading->now;
	if (bytes)
		r = verity_catalog_read(bytes, size, reading->policy->keyring,
					reading->policy->denylist, &mirror->catalog, err);
	else
		mirror->catalog = steal_ptr(&reading->kept);
	if (r == 0)
		r = verity_catalog_check(mirror->catalog,
					 device_config(reading->device)->channel,
					 reading->kept, mirror->now, err);
	if (r == 0 && bytes && keep)
		r = overlay_catalog_keep(reading->record_fd, reading->policy,
					 mirror->catalog, bytes, size, &reading->here,
					 err);
	return r;
}

int mirror_read(struct device *device, const char *where, bool keep, FILE *out,
		struct mirror *ret, struct verity_error *err)
{
	cleanup_with(reading_end) struct reading reading = {.device = device};
	cleanup_with(mirror_free) struct mirror mirror = {.where = where};
	cleanup_with(source_free_p) struct source *source = NULL;
	struct source_request request = {.where = where, .any_name = true};
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = begin(&reading, where, keep, err);

	if (r < 0)
		return r;
	request.known = known_here(&reading);
	mirror.folder = strndup(where, (size_t)(strrchr(where, '/') + 1 - where));
	if (!mirror.folder)
		return verity_no_memory(err);
	r = device_source_open(device, &request, &source, err);
	if (r < 0)
		return verity_context(err, r, "catalog");
	r = statement_receive(source, out, &bytes, &size, err);
	if (r < 0 && r != -EBADMSG)
		return verity_context(err, r, "%s", source->where);
	memcpy(reading.here.version, source->version, sizeof(source->version));
	if (r == 0)
		r = judge(&reading, bytes, size, keep, &mirror, err);
	if (r == -EBADMSG || r == -EKEYREJECTED || r == -EKEYREVOKED || r == -EPERM)
		mirror_log_refusal(device, source_came_from(source), err);
	if (r < 0)
		return verity_context(err, r, "%s", source->where);
	mirror.shown = strdup(source->where);
	if (!mirror.shown)
		return verity_no_memory(err);
	*ret = mirror;
	mirror = (struct mirror){.where = NULL};
	return 0;
}

uint32_t mirror_denylist_number(struct device *device, const struct mirror *mirror)
{
	const struct verity_catalog_text *text = verity_catalog_text(mirror->catalog);
	const struct verity_denylist *ours;
	struct overlay_trust *trust;
	struct verity_error unused;

	if (!text->denylist_number || device_trust(device, &trust, &unused) < 0)
		return 0;
	ours = overlay_trust_policy(trust)->denylist;
	return verity_denylist_vouched(ours) &&
			       verity_denylist_text(ours)->number >= text->denylist_number
		       ? 0
		       : text->denylist_number;
}

int mirror_denylist(struct device *device, const struct mirror *mirror, FILE *out,
		    struct verity_error *err)
{
	const char *file = verity_catalog_text(mirror->catalog)->denylist_file;
	uint32_t number = mirror_denylist_number(device, mirror);
	cleanup_with(source_free_p) struct source *source = NULL;
	struct source_request request = {.any_name = true};
	cleanup_free char *where = NULL;
	int r;

	if (!number)
		return 0;
	if (asprintf(&where, "%s%s", mirror->folder, file) < 0) {
		where = NULL;
		return verity_no_memory(err);
	}
	request.where = where;
	r = device_source_open(device, &request, &source, err);
	if (r == 0)
		r = denylist_receive(device, source, out, err);
	if (r < 0)
		return r;
	/* Whoever keeps the newest one back is told as well. */
	if (mirror_denylist_number(device, mirror))
		return verity_fail(err, VERITY_E_OLD_DENYLIST,
				   "%s: the catalogue names number %" PRIu32
				   ", and the server has an older one",
				   source->where, number);
	return r;
}
