/* SPDX-License-Identifier: MIT */

/* Takes a package from its source through the judge into the store. */

#include "installer/receive/install_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "installer/common/progress.h"
#include "installer/common/report.h"
#include "installer/common/signals.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/audit.h"
#include "installer/device/end_quarantine.h"
#include "installer/device/install_needs.h"
#include "installer/device/kept_room.h"
#include "installer/device/next_boot.h"
#include "installer/device/read_images.h"
#include "installer/device/reboot_frees.h"
#include "installer/device/reset_pending.h"
#include "installer/grammar/grammar.h"
#include "installer/layers/covered.h"
#include "installer/layers/critical_warn.h"
#include "installer/receive/block_reuse.h"
#include "installer/receive/install_replace.h"
#include "overlay/record/requirements.h"
#include "overlay/stack/kernel_squashfs.h"
#include "overlay/store/order.h"
#include "verity/package/stream.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/text.h"

struct install {
	struct device *device; /* borrowed, like the rest but for the stream */
	struct overlay_store *store;
	struct verity_policy policy; /* of the device, but without its quarantine */
	bool quarantines;            /* the device has one */
	struct source *source;
	struct overlay_incoming *incoming;
	struct verity_stream *stream; /* owned */
	struct block_reuse *reuse;    /* owned; NULL: no older version is of use */
	enum overlay_store_kind kind, asked;
	bool force;
	const struct install_set *set; /* NULL: it is installed alone */
	int head_fd;                   /* owned; -1: it is not only a head */
	const struct install_view *view;
	struct install_replaced replaced;
	bool related;        /* some package needs another or conflicts with one */
	bool whole_head;     /* of one that is only a head: it is there, and accepted */
	uint64_t file_bytes; /* likewise: what the whole package would have */
	bool is_shown;       /* the view has begun */
	bool in_parts;       /* the source gives what it is asked for */
	int64_t place;       /* the byte of the file that comes next */
	int64_t copied;      /* bytes of those before it */
};

/* What is active keeps its room, also when it was removed or replaced. */
static void add_freed(const struct install *install, uint64_t needed,
		      struct verity_error *err)
{
	uint64_t freed = reboot_frees(install->device, install->kind);
	char size[VERITY_TEXT_SIZE_BYTES];
	struct statvfs fs;

	if (freed == 0 ||
	    fstatvfs(overlay_store_folder(install->store, install->kind), &fs) < 0)
		return;
	verity_text_format_size(freed, size);
	verity_text_append(err->message, sizeof(err->message),
			   "; removed packages keep %s until the reboot (%s)", size,
			   fs.f_bavail * fs.f_frsize + freed >= needed
				   ? "reboot first"
				   : "reboot first; then remove a package or free some "
				     "space");
}

/* The next boot would be refused: by the name in the manifest, and only Signed counts. */
static int check_required(const struct install *install,
			  const struct verity_judgement *judgement,
			  struct verity_error *err)
{
	const char *required = install->replaced.identity;
	bool same = strcmp(judgement->manifest->name, required) == 0;

	if (!overlay_requirements_has(device_config(install->device), required) ||
	    (same && judgement->verdict == VERITY_SIGNED))
		return 0;
	return verity_fail(err, VERITY_E_REQUIRED,
			   "it would replace %s, without which the device does not start "
			   "(%s, or change require_packages in the configuration)",
			   required,
			   same ? "install one that is Signed"
				: "give the file another name");
}

/* @bytes: that are fetched, all together */
static void begin_view(struct install *install, uint64_t bytes)
{
	const struct install_view *view = install->view;
	char title[VERITY_NAME_MAX + sizeof(VERITY_PACKAGE_SUFFIX)];

	snprintf(title, sizeof(title), "%s" VERITY_PACKAGE_SUFFIX, install->source->name);
	view->begin(view->context, title, bytes);
	install->is_shown = true;
}

/* All that can be checked before the first block of data, but for the room. */
static int check_head(struct install *install, const struct verity_judgement *judgement,
		      uint64_t file_bytes, struct verity_error *err)
{
	const struct verity_manifest *manifest = judgement->manifest;
	const char *name = install->source->name;
	int64_t offered = source_bytes(install->source);
	struct overlay_entry entry = {.kind = install->kind};
	int r = overlay_order_check_store(manifest, install->kind, err);

	if (r < 0 && install->kind != install->asked)
		return verity_fail(
			err, VERITY_E_MISPLACED,
			"the package must not be persistent, but the one that it "
			"replaces is (remove that first: wmopkg remove %s)",
			name);

	if (r == 0 && offered >= 0 && (uint64_t)offered != file_bytes)
		r = verity_fail(err, VERITY_E_BAD_LENGTH,
				"the file has %" PRId64
				" bytes, but its manifest says %" PRIu64,
				offered, file_bytes);
	if (r == 0 && install->set)
		r = install->set->accept(install->set->context, judgement, file_bytes,
					 err);
	if (r == 0)
		r = install_check_identity(install->store, &install->policy, name,
					   manifest->name, install->set, err);
	if (r == 0)
		r = check_required(install, judgement, err);
	snprintf(entry.name, sizeof(entry.name), "%s", name);
	/* Of a set, all of it is looked at together. */
	if (r == 0 && !install->set)
		r = install_check_needs(install->device, &entry, judgement,
					install->force, &install->related, err);
	return r;
}

static int take_head(void *context, const struct verity_judgement *judgement,
		     uint64_t file_bytes, struct verity_error *err)
{
	const struct verity_manifest *manifest = judgement->manifest;
	struct install *install = context;
	const char *name = install->source->name;
	const struct install_view *view = install->view;
	int r = check_head(install, judgement, file_bytes, err);

	/* Another package under this name is a mistake more often than it is meant. */
	if (r == 0 && view->confirm && install->replaced.there &&
	    install->replaced.readable &&
	    strcmp(install->replaced.identity, manifest->name) != 0)
		r = view->confirm(view->context, name, &install->replaced, manifest, err);
	if (r == 0)
		do
			r = overlay_incoming_reserve(install->incoming, file_bytes, err);
		while (r == -ENOSPC && kept_room_free(install->device, install->kind));
	if (r == -ENOSPC)
		add_freed(install, file_bytes, err);
	if (r < 0)
		return r;
	/* Otherwise it is not known yet how much is fetched. */
	if (!install->reuse)
		begin_view(install, file_bytes);
	return 0;
}

/* The whole file comes, in one go. */
static void end_reuse(struct install *install)
{
	const struct verity_layout *layout = verity_stream_layout(install->stream);

	block_reuse_free(install->reuse);
	install->reuse = NULL;
	if (!install->is_shown && layout)
		begin_view(install, layout->file_bytes);
}

/* -ECANCELED: no more of it is needed. */
static int take_only_head(void *context, const struct verity_judgement *judgement,
			  uint64_t file_bytes, struct verity_error *err)
{
	struct install *install = context;
	int r = check_head(install, judgement, file_bytes, err);

	install->file_bytes = file_bytes;
	install->whole_head = r == 0;
	return r < 0 ? r : -ECANCELED;
}

static int take_bytes(void *context, const void *bytes, size_t count,
		      struct verity_error *err)
{
	struct install *install = context;
	int r = verity_stream_feed(install->stream, bytes, count, err);

	if (r < 0)
		return r;
	install->place += (int64_t)count;
	if (install->reuse && !install->in_parts &&
	    install->place > block_reuse_first_bytes(install->reuse))
		end_reuse(install);
	if (install->is_shown)
		install->view->advance(install->view->context,
				       (uint64_t)(install->place - install->copied));
	return 0;
}

/* What follows the bytes that have come; see struct source_sink. */
static int next_part(void *context, struct part *ret, struct verity_error *err)
{
	struct install *install = context;
	int64_t before = install->place, missing;
	char share[PROGRESS_SHARE_BYTES], line[PROGRESS_SHARE_BYTES + 64];
	uint64_t whole, fetched;
	int r;

	install->in_parts = true;
	r = block_reuse_next(install->reuse, install->stream, &install->place, ret, err);
	if (r < 0)
		return r;
	install->copied += install->place - before;
	if (install->is_shown)
		return 0;
	missing = block_reuse_missing(install->reuse, install->place);
	if (missing < 0)
		return 0;
	whole = verity_stream_layout(install->stream)->file_bytes;
	fetched = (uint64_t)(install->place - install->copied + missing);
	if (fetched < whole) {
		progress_format_share(fetched, whole, " of ", share);
		snprintf(line, sizeof(line), "%s to fetch, the rest is on this device",
			 share);
		install->view->note(install->view->context, line);
	}
	begin_view(install, fetched);
	return 0;
}

static bool is_whole(void *context)
{
	return verity_stream_is_whole(((struct install *)context)->stream);
}

static void interlude(void *context)
{
	const struct install_view *view = ((struct install *)context)->view;

	view->pause(view->context);
}

static int transfer(struct install *install, struct verity_error *err)
{
	const struct source_sink sink = {
		.take = take_bytes,
		.first_bytes =
			install->reuse ? block_reuse_first_bytes(install->reuse) : 0,
		.next = next_part,
		.is_whole = is_whole,
		.interlude = interlude,
		.out = install->view->out,
		.context = install};
	const struct verity_judgement *judgement;
	int r = source_pull(install->source, &sink, err);

	if (r == 0)
		r = verity_stream_end(install->stream, err);
	/* A small one has come before anything was planned. */
	if (r == 0 && !install->is_shown)
		end_reuse(install);
	if (r == 0) {
		install->view->end(install->view->context, true);
		return signals_check(err);
	}
	install->view->end(install->view->context, false);
	judgement = verity_stream_judgement(install->stream);
	if (judgement && !judgement->accepted)
		verity_context(err, r, "%s", verity_verdict_name(judgement->verdict));
	return r;
}

/* The verdict, on what it depends where it is not plainly Signed, and what is replaced.
 */
static void show_verdict(const struct install *install)
{
	const struct verity_judgement *judgement =
		verity_stream_judgement(install->stream);
	const struct install_view *view = install->view;
	enum verity_verdict verdict = judgement->verdict;
	const char *condition = "it is active only where the boot configuration says "
				"Allow Untrusted";
	char replaces[INSTALL_REPLACES_BYTES];
	struct overlay_trust *trust;
	struct verity_error unused;

	if (verdict == VERITY_DOWNGRADE)
		condition = "it is active only as long as an unlock statement allows it";
	else if (device_trust(install->device, &trust, &unused) < 0 ||
		 overlay_trust_anchor(trust)->present)
		condition = "it is active only where the boot configuration says Allow "
			    "Untrusted, and as long as an unlock statement allows it";
	view->verdict(view->context, verdict);
	if (verdict != VERITY_SIGNED)
		report_warning("%s: %s: %s; %s", install->source->name,
			       verity_verdict_name(verdict), judgement->reason.message,
			       condition);
	install_format_replaced(&install->replaced, judgement->manifest, install->kind,
				install->asked, replaces);
	if (replaces[0])
		view->note(view->context, replaces);
}

void install_describe(const struct install *install, struct overlay_entry *package,
		      struct overlay_audit_entry *ret)
{
	const struct verity_judgement *judgement =
		verity_stream_judgement(install->stream);

	*package = (struct overlay_entry){.kind = install->kind};
	snprintf(package->name, sizeof(package->name), "%s", install->source->name);
	*ret = (struct overlay_audit_entry){.event = OVERLAY_AUDIT_INSTALL,
					    .package = package,
					    .source = source_came_from(install->source),
					    .detail = install->source->place,
					    .reason = &judgement->reason};
	audit_judged(ret, judgement);
}

/* A package that never arrived is not refused. */
static void audit_refusal(const struct install *install, const struct verity_error *why)
{
	const struct verity_judgement *judgement =
		verity_stream_judgement(install->stream);
	struct overlay_audit_entry entry;
	struct overlay_entry package;

	if (!judgement || judgement->accepted)
		return;
	install_describe(install, &package, &entry);
	entry.event = OVERLAY_AUDIT_REFUSE;
	if (entry.reason->code == VERITY_OK)
		entry.reason = why;
	audit_add(install->device, &entry);
}

/*
 * Signed or not, no boot would activate what no kernel mounts. Whether this one does is
 * asked only if it is the kernel that has started this device: it may be that of a build
 * host. Another one may follow with the next firmware.
 */
static int check_image(const struct install *install,
		       const struct verity_verified *verified, struct verity_error *err)
{
	uint64_t start_byte = verity_verified_layout(verified)->image_start;
	int fd = verity_verified_fd(verified);
	int r = overlay_image_check_version(fd, start_byte, err);

	if (r == 0 && !device_state(install->device))
		verity_debug("the running kernel has not started this device, and is not "
			     "asked whether it can read the image");
	if (r < 0 || !device_state(install->device))
		return r;
	r = overlay_kernel_check_image(fd, start_byte, err);
	if (r == -EOPNOTSUPP && install->force) {
		report_warning("%s: %s", install->source->name, err->message);
		return 0;
	}
	if (r == -EOPNOTSUPP)
		verity_text_append(err->message, sizeof(err->message),
				   " (get a package for this firmware, or update the "
				   "firmware first; to install it for the kernel of "
				   "another firmware: install force ...)");
	return r;
}

/* What it changes in the firmware, and in other packages. */
static int check_contents(const struct install *install, struct verity_error *err)
{
	cleanup_with(stacks_free_p) struct stacks *stacks = NULL;
	struct overlay_entry entry = {.kind = install->kind};
	const struct stacks_candidate candidate = {
		.entry = &entry,
		.verified = verity_stream_verified(install->stream),
		.leaves = install->set ? install->set->goes : NULL,
		.beside = install->set ? install->set->beside : NULL,
		.context = install->set ? install->set->context : NULL};
	const struct install_view *view = install->view;
	struct verity_error why;
	int r;

	snprintf(entry.name, sizeof(entry.name), "%s", install->source->name);
	r = stacks_load(install->device, &candidate, STACKS_GLANCE, &stacks, &why);
	/* Where its lists cannot be read, the kernel does not mount it, either. */
	if (r < 0 && why.code == VERITY_E_BAD_IMAGE && !install->force)
		return verity_fail(
			err, VERITY_E_BAD_IMAGE,
			"%s (ask the vendor for a corrected package; to install "
			"it all the same: install force ...)",
			why.message);
	if (r < 0) {
		if (signals_check(NULL) == 0)
			report_warning("what it changes cannot be determined: %s",
				       why.message);
		return signals_check(err);
	}
	r = critical_check(stacks, install->force, err);
	if (r == 0 && covered_list(stacks, view->note, view->context, &why) < 0 &&
	    signals_check(NULL) == 0)
		report_warning("what it covers cannot be determined: %s", why.message);
	/* That may have taken long, and this is the last chance to stop. */
	return r < 0 ? r : signals_check(err);
}

/* So that `show` need not read what was just read. */
static void remember(const struct install *install)
{
	const char *run = device_config(install->device)->run;
	const struct verity_verified *verified = verity_stream_verified(install->stream);
	cleanup_free struct read_images *images = NULL;

	if (!verified || read_images_load(run, &images, NULL) < 0)
		return;
	read_images_add(images, verity_verified_fd(verified),
			verity_stream_judgement(install->stream)->id);
	read_images_store(run, images);
}

void install_free(struct install *install)
{
	if (!install)
		return;
	verity_stream_free(install->stream);
	block_reuse_free(install->reuse);
	if (install->head_fd >= 0)
		close(install->head_fd);
	free(install);
}

const struct verity_judgement *install_judgement(const struct install *install)
{
	return verity_stream_judgement(install->stream);
}

const struct verity_verified *install_verified(const struct install *install)
{
	return verity_stream_verified(install->stream);
}

uint64_t install_file_bytes(const struct install *install)
{
	return install->file_bytes;
}

/* A file, as on a medium, is read as a whole anyway. */
static struct block_reuse *reuse_open(const struct install *install)
{
	struct overlay_entry entry = {.kind = install->replaced.kind};
	char file[OVERLAY_FILE_BYTES];

	snprintf(entry.name, sizeof(entry.name), "%s", install->source->name);
	overlay_entry_file(&entry, file);
	return source_bytes(install->source) < 0
		       ? block_reuse_open(
				 overlay_store_folder(install->store, entry.kind), file)
		       : NULL;
}

static int fetch(struct install *install, struct verity_error *err)
{
	const struct verity_stream_hooks hooks = {take_head, install};
	int r = verity_stream_new(overlay_incoming_fd(install->incoming),
				  &install->policy, &hooks, &install->stream, err);

	if (r < 0)
		return r;
	if (install->replaced.there)
		install->reuse = reuse_open(install);
	r = transfer(install, err);
	if (r == 0 && verity_stream_verified(install->stream))
		r = check_image(install, verity_stream_verified(install->stream), err);
	if (r == 0) {
		show_verdict(install);
		r = check_contents(install, err);
	}
	if (r < 0)
		audit_refusal(install, err);
	return r;
}

/* Into memory. */
static int fetch_head(struct install *install, struct verity_error *err)
{
	const struct verity_stream_hooks hooks = {take_only_head, install};
	/* What the head is for may be printed as JSON. */
	const struct source_sink sink = {
		.take = take_bytes, .out = stderr, .context = install};
	const struct verity_judgement *judgement;
	int r;

	install->head_fd = memfd_create("wmopkg-head", MFD_CLOEXEC);
	if (install->head_fd < 0)
		return verity_fail_errno(err, errno, "memory for the head");
	r = verity_stream_new(install->head_fd, &install->policy, &hooks,
			      &install->stream, err);
	if (r == 0)
		r = source_pull(install->source, &sink, err);
	if (r == -ECANCELED && install->whole_head)
		return 0;
	if (r == 0)
		r = verity_stream_end(install->stream, err);
	judgement = install->stream ? verity_stream_judgement(install->stream) : NULL;
	if (judgement && !judgement->accepted)
		verity_context(err, r, "%s", verity_verdict_name(judgement->verdict));
	return r;
}

/* What an installation needs to know before it begins. */
static int begin(struct install *install, struct verity_error *err)
{
	const struct verity_policy *policy;
	int r = device_policy(install->device, &policy, err);

	if (r == 0)
		r = device_store(install->device, &install->store, err);
	if (r < 0)
		return r;
	/* Installing ends a quarantine, so the package is judged without it. */
	install->policy = *policy;
	install->policy.quarantine = NULL;
	install->quarantines = policy->quarantine && policy->quarantine->count > 0;
	return install_find_replaced(install->store, install->source->name,
				     &install->replaced, err);
}

int install_prepare(const struct install_request *request, struct install **ret,
		    struct verity_error *err)
{
	cleanup_with(install_free_p) struct install *install = malloc(sizeof(*install));
	int r;

	if (!install)
		return verity_no_memory(err);
	*install = (struct install){.device = request->device,
				    .source = request->source,
				    .incoming = request->incoming,
				    .kind = request->kind,
				    .asked = request->asked,
				    .force = request->force,
				    .set = request->set,
				    .view = request->view,
				    .head_fd = -1};
	r = begin(install, err);
	if (r < 0)
		return r;
	if (!install->set && install->replaced.there &&
	    install->replaced.kind > install->kind)
		return verity_fail(err, VERITY_E_BUSY,
				   "%s was made persistent meanwhile (try again)",
				   install->source->name);
	r = install->incoming ? fetch(install, err) : fetch_head(install, err);
	install->set = NULL;
	install->view = NULL;
	if (r == 0)
		*ret = steal_ptr(&install);
	return r;
}

void install_finish(struct install *install)
{
	struct overlay_entry entry = {.kind = install->kind};
	const char *name = install->source->name;
	struct verity_error why;
	int r = 0;

	remember(install);
	snprintf(entry.name, sizeof(entry.name), "%s", name);
	next_boot_warn(install->device, &entry);
	if (install->quarantines)
		r = end_quarantine(install->device, name, install_judgement(install)->id,
				   &why);
	if (r < 0)
		report_warning("%s: it stays quarantined: %s", name, why.message);
	else if (r > 0)
		overlay_store_ended_quarantine(install->store, name);
	if (install->related)
		install_warn_needs(install->device, &entry);
}

void install_begin(struct device *device)
{
	struct verity_error why;
	int record;

	/* A failure is reported by what writes to it. */
	(void)!device_record_fd(device, &record, &why);
	allow_untrusted_warn(device);
	reset_pending_warn(device);
	signals_watch();
}

int install_run(struct device *device, struct source *source,
		enum overlay_store_kind kind, bool force, const struct install_view *view,
		struct verity_error *err)
{
	cleanup_with(overlay_incoming_free_p) struct overlay_incoming *incoming = NULL;
	cleanup_with(install_free_p) struct install *install = NULL;
	struct install_request request = {.device = device,
					  .source = source,
					  .kind = kind,
					  .asked = kind,
					  .force = force,
					  .view = view};
	struct overlay_audit_entry entry;
	struct overlay_entry installed;
	struct overlay_store *store;
	int r = word_reserved_refuse(source->name, err);

	if (r < 0)
		return r;
	install_begin(device);
	r = device_store(device, &store, err);
	if (r < 0)
		return r;
	/* Only a removal ends it. */
	if (overlay_store_find(store, source->name, &installed, NULL) == 0 &&
	    installed.kind == OVERLAY_PERSISTENT)
		request.kind = OVERLAY_PERSISTENT;
	r = overlay_incoming_new(store, request.kind, source->name, &incoming, err);
	if (r < 0)
		return r;
	request.incoming = incoming;
	r = install_prepare(&request, &install, err);
	if (r == 0)
		r = overlay_incoming_commit(incoming, err);
	if (r < 0)
		return r;
	install_describe(install, &installed, &entry);
	audit_add(device, &entry);
	install_finish(install);
	kept_room_limit(device);
	return 0;
}
