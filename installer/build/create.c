/* SPDX-License-Identifier: MIT */
/* wmopkg-build create: a package from a folder or a tar file. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "installer/build/commands.h"
#include "installer/build/output.h"
#include "installer/build/signature.h"
#include "installer/grammar/grammar.h"
#include "overlay/contents/contents.h"
#include "overlay/image/image.h"
#include "verity/package/assemble.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/io.h"
#include "verity/util/version.h"

#define SALT_BYTES 32

#define CLOCK_SLACK_S 86400 /* what two hosts may differ, with their time zones */

DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free);

/* What the command line asks for; strings are borrowed from it. */
struct request {
	struct verity_manifest *manifest; /* owned; filled but for the image */
	struct overlay_image_options image;
	struct build_signing signing;
	struct build_signing kernel; /* for the kernel's own check */
	bool has_epoch, epoch_of_date;
	const char *tree;
	const char *out;
};

/* Makes a list of an option that may be given again one item longer. */
static int grow(const char *name, void *list, size_t *count, size_t size, size_t most,
		struct verity_error *err)
{
	void *items, *more;

	if (*count >= most)
		return verity_fail(err, VERITY_E_USAGE, "%s: given more than %zu times",
				   name, most);
	memcpy(&items, list, sizeof(items));
	more = reallocarray(items, *count + 1, size);
	if (!more)
		return verity_no_memory(err);
	memcpy(list, &more, sizeof(more));
	++*count;
	return 0;
}

static int add_glob(void *object, const char *name, const char *value,
		    struct verity_error *err)
{
	struct verity_manifest *manifest = ((struct request *)object)->manifest;
	int r;

	if (strlen(value) >= sizeof(*manifest->compatible))
		return verity_fail(err, VERITY_E_USAGE, "%s: longer than %zu bytes", name,
				   sizeof(*manifest->compatible) - 1);
	r = grow(name, &manifest->compatible, &manifest->compatible_count,
		 sizeof(*manifest->compatible), VERITY_GLOBS_MAX, err);
	if (r == 0)
		strcpy(manifest->compatible[manifest->compatible_count - 1], value);
	return r;
}

static int add_need(void *object, const char *name, const char *value,
		    struct verity_error *err)
{
	struct verity_manifest *manifest = ((struct request *)object)->manifest;
	struct verity_need need;
	int r;

	if (!verity_need_parse(value, &need))
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: '%s' is not NAME or NAME>=VERSION (the name in "
				   "the manifest of the other package; in quotes, for > "
				   "means something to the shell)",
				   name, value);
	if (need.version[0] && !strpbrk(need.version, "0123456789"))
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: '%s' is not a version (it has no digit)", name,
				   need.version);
	r = grow(name, &manifest->needs, &manifest->needs_count, sizeof(need),
		 VERITY_NEEDS_MAX, err);
	if (r == 0)
		manifest->needs[manifest->needs_count - 1] = need;
	return r;
}

static int add_conflict(void *object, const char *name, const char *value,
			struct verity_error *err)
{
	struct verity_manifest *manifest = ((struct request *)object)->manifest;
	int r;

	if (!verity_name_valid(value))
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: '%s' is not a package name (the name in the "
				   "manifest of the other package, without a version)",
				   name, value);
	r = grow(name, &manifest->conflicts, &manifest->conflicts_count,
		 sizeof(*manifest->conflicts), VERITY_NEEDS_MAX, err);
	if (r == 0)
		strcpy(manifest->conflicts[manifest->conflicts_count - 1], value);
	return r;
}

static int read_persistence(void *object, const char *name, const char *value,
			    struct verity_error *err)
{
	struct verity_manifest *manifest = ((struct request *)object)->manifest;

	for (int i = 0; i <= VERITY_PERSISTENT_FORBIDDEN; i++) {
		manifest->persistence = (enum verity_persistence)i;
		if (strcmp(verity_persistence_name(manifest->persistence), value) == 0)
			return 0;
	}
	return verity_fail(err, VERITY_E_USAGE,
			   "%s: '%s' is not allowed, required or forbidden", name, value);
}

static int read_epoch(void *object, const char *name, const char *value,
		      struct verity_error *err)
{
	struct request *request = object;
	int64_t epoch = 0;
	int r = 0;

	if (request->has_epoch)
		return verity_fail(err, VERITY_E_USAGE, "%s is given twice", name);
	request->has_epoch = true;
	request->epoch_of_date = strcmp(value, "auto") == 0;
	if (!request->epoch_of_date)
		r = build_parse_integer(name, value, 0, UINT32_MAX, &epoch, err);
	if (r == 0)
		request->manifest->epoch = (uint32_t)epoch;
	return r;
}

/*
 * The date of the source only rises along with the source, and is the same for whoever
 * builds it again. The clock of the build host is neither; and with an epoch that is
 * ahead of time, devices refuse all that comes after it. A version has no such order:
 * "2.0~rc1" follows "2.0~beta", and an old branch is maintained beside a new one.
 */
static int take_epoch_of_date(struct verity_manifest *manifest, struct verity_error *err)
{
	if (manifest->built < 0)
		return verity_fail(
			err, VERITY_E_USAGE,
			"--epoch auto: SOURCE_DATE_EPOCH is not set (set it to "
			"the date of the source, such as: git log -1 "
			"--format=%%ct)");
	if (manifest->built == 0)
		return verity_fail(
			err, VERITY_E_USAGE,
			"--epoch auto: SOURCE_DATE_EPOCH is 0, and an epoch of 0 keeps "
			"no older package out (set it to the date of the source)");
	if (manifest->built > time(NULL) + CLOCK_SLACK_S)
		return verity_fail(
			err, VERITY_E_USAGE,
			"--epoch auto: SOURCE_DATE_EPOCH is ahead of the clock "
			"of this host: devices would refuse later packages");
	manifest->epoch = (uint32_t)manifest->built;
	return 0;
}

/* Limits other than length are the manifest's own, checked when it is encoded. */
const struct build_option build_manifest_options[] = {
	{"name", "N", "identity of the package (default: the name of OUT)", BUILD_TEXT,
	 BUILD_MEMBER(struct verity_manifest, name)},
	{"version", "V", "version that the technician sees", BUILD_TEXT,
	 BUILD_MEMBER(struct verity_manifest, version)},
	{"description", "D", "one line that the technician sees", BUILD_TEXT,
	 BUILD_MEMBER(struct verity_manifest, description)},
	{"priority", "N", "a higher one lies on top (default 0)", BUILD_NUMBER,
	 BUILD_MEMBER(struct verity_manifest, priority), -VERITY_PRIORITY_MAX,
	 VERITY_PRIORITY_MAX},
	{"firmware-min", "V", "oldest firmware that it is for", BUILD_TEXT,
	 BUILD_MEMBER(struct verity_manifest, firmware_min)},
	{"firmware-max", "V", "newest firmware that it is for", BUILD_TEXT,
	 BUILD_MEMBER(struct verity_manifest, firmware_max)},
	{.name = NULL},
};

const struct build_option build_create_options[] = {
	{"epoch", "N",
	 "for deny lists and against downgrades (default 0);\n"
	 "auto: the seconds of SOURCE_DATE_EPOCH",
	 BUILD_CALL, .read = read_epoch},
	{"persistent", "P", "allowed (default), required or forbidden", BUILD_CALL,
	 .read = read_persistence},
	{"compatible", "GLOB", "device model that it is for; may be given again",
	 BUILD_CALL, .read = add_glob},
	{"need", "N[>=V]",
	 "package that it is not active without, and its oldest version;\n"
	 "may be given again",
	 BUILD_CALL, .read = add_need},
	{"conflict", "N", "package that it is not active with; may be given again",
	 BUILD_CALL, .read = add_conflict},
	{"xattrs", NULL,
	 "keep all attributes of the files, not only capabilities: those\n"
	 "of the build host, too, such as labels of SELinux",
	 BUILD_FLAG, BUILD_MEMBER(struct request, image.all_attributes)},
	{"base", "DIR|FILE",
	 "judge the tree at this one of the firmware: a folder, a tar file,\n"
	 "or a list (wmopkg-build base)",
	 BUILD_STRING, BUILD_MEMBER(struct request, image.base)},
	{"keep-modes", NULL,
	 "keep modes and owners of folders that the firmware has, too", BUILD_FLAG,
	 BUILD_MEMBER(struct request, image.keep_looks)},
	{"force", NULL, "accept what hides folders and links of the base", BUILD_FLAG,
	 BUILD_MEMBER(struct request, image.force)},
	{"compressor", "C", "zstd (default), xz, gzip or lz4", BUILD_STRING,
	 BUILD_MEMBER(struct request, image.compressor)},
	{"threads", "N", "default: one for each processor", BUILD_NUMBER,
	 BUILD_MEMBER(struct request, image.threads), 1, 64},
	{"kernel-key", "KEY",
	 "sign the root hash, too, with this key, for kernels that\n"
	 "require it",
	 BUILD_STRING, BUILD_MEMBER(struct request, kernel.key)},
	{"kernel-cert", "CERT", "certificate of that key", BUILD_STRING,
	 BUILD_MEMBER(struct request, kernel.cert)},
	{.name = NULL},
};

/* What would keep a package from every device. */
static int check_firmware(const struct verity_manifest *manifest,
			  struct verity_error *err)
{
	const struct {
		const char *option, *version;
	} bounds[] = {{"--firmware-min", manifest->firmware_min},
		      {"--firmware-max", manifest->firmware_max}};

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (bounds[i].version[0] && !strpbrk(bounds[i].version, "0123456789"))
			return verity_fail(err, VERITY_E_USAGE,
					   "%s: '%s' is not a version (it has no digit)",
					   bounds[i].option, bounds[i].version);
	if (manifest->firmware_min[0] && manifest->firmware_max[0] &&
	    verity_version_compare(manifest->firmware_min, manifest->firmware_max) > 0)
		return verity_fail(
			err, VERITY_E_USAGE,
			"--firmware-min %s is later than --firmware-max %s: no "
			"device would accept the package (exchange them)",
			manifest->firmware_min, manifest->firmware_max);
	return 0;
}

static int read_request(int argc, char **argv, struct request *ret,
			struct verity_error *err)
{
	struct verity_manifest *manifest = ret->manifest;
	const struct build_options options[] = {{build_manifest_options, manifest},
						{build_create_options, ret},
						{build_signing_options, &ret->signing},
						{NULL, NULL}};
	const char *date = getenv("SOURCE_DATE_EPOCH");
	char name[VERITY_NAME_MAX + 1];
	int r = build_options_read(argc, argv, options, 2, "TREE OUT.wmopkg", err);

	if (r < 0)
		return r;
	ret->tree = argv[optind];
	ret->out = argv[optind + 1];
	ret->kernel.pin_file = ret->signing.pin_file;
	/* Seconds since 1970; squashfs has 32 bits for a time. */
	manifest->built = -1;
	if (date && *date)
		r = build_parse_integer("SOURCE_DATE_EPOCH", date, 0, UINT32_MAX,
					&manifest->built, err);
	ret->image.source_date = manifest->built < 0 ? 0 : manifest->built;
	if (r == 0 && ret->epoch_of_date)
		r = take_epoch_of_date(manifest, err);
	if (r == 0)
		r = verity_name_from_path(ret->out, name, err);
	if (r == 0) {
		r = word_reserved_refuse(name, err);
		r = r < 0 ? verity_context(err, r, "%s", ret->out) : 0;
	}
	if (r < 0)
		return r;
	if (!manifest->name[0])
		strcpy(manifest->name, name);
	if (!verity_name_valid(manifest->name))
		return verity_fail(
			err, VERITY_E_BAD_NAME,
			"--name: '%s' is not a valid package name (a letter or "
			"digit, then up to 63 of A-Z a-z 0-9 . _ -)",
			manifest->name);
	if (!manifest->version[0] || !manifest->description[0])
		return verity_fail(err, VERITY_E_USAGE, "create: missing option: --%s",
				   manifest->version[0] ? "description" : "version");
	r = check_firmware(manifest, err);
	if (r < 0)
		return r;
	if (!ret->signing.key != !ret->signing.cert)
		return verity_fail(err, VERITY_E_USAGE,
				   "create: --key and --cert go together");
	if (!ret->kernel.key != !ret->kernel.cert)
		return verity_fail(err, VERITY_E_USAGE,
				   "create: --kernel-key and --kernel-cert go together");
	return 0;
}

/*
 * The salt comes from name, version and image, so that the same tree gives the same
 * bytes; it keeps equal blocks of different packages from having equal digests.
 */
static int derive_salt(int fd, struct verity_manifest *manifest, struct verity_error *err)
{
	cleanup_with(EVP_MD_CTX_free_p) EVP_MD_CTX *context = EVP_MD_CTX_new();
	static const char label[] = "wmopkg salt 1";
	char buffer[32768];
	/* With the NUL of each text, so that no two triples give the same bytes. */
	bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(context, label, sizeof(label)) == 1 &&
		    EVP_DigestUpdate(context, manifest->name,
				     strlen(manifest->name) + 1) == 1 &&
		    EVP_DigestUpdate(context, manifest->version,
				     strlen(manifest->version) + 1) == 1;

	for (uint64_t offset = 0; good && offset < manifest->image_bytes;) {
		uint64_t left = manifest->image_bytes - offset;
		size_t count = left < sizeof(buffer) ? (size_t)left : sizeof(buffer);
		int r = verity_io_read(fd, buffer, count, offset, err);

		if (r < 0)
			return r;
		good = EVP_DigestUpdate(context, buffer, count) == 1;
		offset += count;
	}
	if (!good || EVP_DigestFinal_ex(context, manifest->salt, NULL) != 1)
		return verity_fail(err, VERITY_E_NO_MEMORY, "OpenSSL failed");
	manifest->salt_bytes = SALT_BYTES;
	return 0;
}

/* What the package does not have of its tree, or devices of it, although nothing fails.
 */
static void warn_of(const struct request *request,
		    const struct overlay_image_notes *notes, int fd)
{
	bool kept = request->image.keep_looks;
	const char *system = request->image.base ? "base" : "system";
	const char *keep = kept ? "" : " (--keep-modes keeps the tree's)";
	struct verity_error why;

	if (notes->empty)
		report_warning("%s: nothing is in it: the package changes nothing",
			       request->tree);
	if (notes->attributes > 0)
		report_warning("%s: %" PRIu64 " attribute%s left out: %s%s",
			       request->tree, notes->attributes,
			       notes->attributes == 1 ? " is" : "s are",
			       notes->attribute_names,
			       request->image.all_attributes
				       ? " (squashfs cannot store them)"
				       : " (--xattrs keeps what squashfs can store)");
	if (notes->set_ids > 0)
		report_warning(
			"%s: set-user-ID or set-group-ID is left out where another "
			"user or group than root has it: %" PRIu64
			" file%s, among them %s (chown root:root, or give a tar "
			"file: tar --owner=0 --group=0)",
			request->tree, notes->set_ids, notes->set_ids == 1 ? "" : "s",
			notes->set_id_path);
	if (notes->libraries > 0)
		report_warning("%s: devices keep their own where wmopkg needs it: %s "
			       "(%" PRIu64 " such; bring it in a folder of your own)",
			       request->tree, notes->library, notes->libraries);
	if (notes->folders == 1)
		report_warning("%s: 1 folder of the %s %s: %s%s", request->tree, system,
			       kept ? "will change its mode or owner on devices"
				    : "gets the mode and owner that it has there",
			       notes->folder, keep);
	if (notes->folders > 1)
		report_warning("%s: %" PRIu64 " folders of the %s %s: %s%s",
			       request->tree, notes->folders, system,
			       kept ? "will change their mode or owner on devices"
				    : "get the mode and owner that they have there",
			       notes->folder, keep);
	if (overlay_contents_check(fd, request->manifest->image_bytes, &why) < 0)
		report_warning("%s: devices cannot tell what it replaces or deletes, nor "
			       "warn of critical files: %s",
			       request->tree, why.message);
}

/* Image, then its padding, then the tree: all in one nameless file. */
static int make_blocks(const struct request *request, int fd, struct verity_blocks *ret,
		       struct verity_error *err)
{
	struct verity_manifest *manifest = request->manifest;
	struct overlay_image_notes notes;
	struct verity_geometry geometry;
	uint64_t padded;
	int r = overlay_image_write(request->tree, fd, &request->image,
				    &manifest->image_bytes, &notes, err);

	if (r < 0)
		return r;
	if (manifest->image_bytes > VERITY_IMAGE_MAX)
		return verity_fail(err, VERITY_E_BAD_TREE,
				   "%s: its image of %" PRIu64
				   " bytes is over the limit of %" PRIu64,
				   request->tree, manifest->image_bytes,
				   VERITY_IMAGE_MAX);
	warn_of(request, &notes, fd);
	padded = verity_round_up_block(manifest->image_bytes);
	geometry = verity_geometry_compute(padded / VERITY_BLOCK);
	if (ftruncate(fd, (off_t)(padded + geometry.tree_blocks * VERITY_BLOCK)) < 0)
		return verity_fail_errno(err, errno, "the scratch file");
	*ret = (struct verity_blocks){fd, padded, 0};
	r = derive_salt(fd, manifest, err);
	if (r < 0)
		return r;
	return verity_tree_build(ret, &geometry, manifest->salt, manifest->salt_bytes,
				 request->image.threads, manifest->root_hash, err);
}

static int create(const struct request *request, struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	struct verity_manifest *manifest = request->manifest;
	cleanup_free char *text = NULL;
	cleanup_free uint8_t *signature = NULL;
	cleanup_fd int scratch = -1;
	struct verity_blocks blocks;
	size_t signature_bytes = 0;
	char root_hash[2 * VERITY_DIGEST_BYTES + 1];
	off_t end;
	int r = output_new(request->out, 0644, &output, err);

	if (r == 0)
		r = output_scratch(output, &scratch, err);
	if (r == 0)
		r = make_blocks(request, scratch, &blocks, err);
	if (r == 0 && request->kernel.key)
		r = build_sign_root_hash(&request->kernel, manifest->root_hash,
					 &manifest->kernel_signature,
					 &manifest->kernel_signature_bytes, err);
	if (r == 0) {
		r = verity_manifest_encode(manifest, &text, err);
		/* Here it is the fault of the command line, not of a package. */
		if (r == -EBADMSG)
			err->code = VERITY_E_USAGE;
	}
	if (r == 0)
		r = build_signature_make(&request->signing, text, strlen(text),
					 &signature, &signature_bytes, err);
	if (r == 0)
		r = verity_package_assemble(output_fd(output), text, strlen(text),
					    signature, signature_bytes, &blocks, err);
	if (r < 0)
		return r;
	end = lseek(output_fd(output), 0, SEEK_END);
	r = output_commit(output, err);
	if (r < 0)
		return r;
	verity_hex_encode(manifest->root_hash, VERITY_DIGEST_BYTES, root_hash);
	printf("%s: %s %s, %lld bytes, %s\nRoot hash: %s\n", request->out, manifest->name,
	       manifest->version, (long long)end,
	       request->signing.key ? "signed" : "not signed", root_hash);
	return 0;
}

enum exit_status build_create(int argc, char **argv)
{
	cleanup_with(verity_manifest_free_p) struct verity_manifest *manifest =
		calloc(1, sizeof(*manifest));
	struct request request = {.manifest = manifest,
				  .signing = {.when = -1, .use = BUILD_USE_PACKAGE}};
	struct verity_error err;

	if (!manifest)
		return STATUS_FAILED;
	if (read_request(argc, argv, &request, &err) < 0 || create(&request, &err) < 0)
		return report_error(NULL, &err);
	return STATUS_DONE;
}
