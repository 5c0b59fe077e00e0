/* SPDX-License-Identifier: MIT */

/*
 * A package whose signer is trusted and whose image matches, whatever manifest and image
 * say. The input is both of them, with a zero byte between; in the manifest, "@BYTES@"
 * stands for the length of the image and @ROOT@ for its root hash. The target makes hash
 * tree and signature, so that all changes lie behind them.
 *
 * Such a package is Signed where its manifest can be read and says what is true, and
 * Invalid otherwise; then its image is listed and looked up, as `which`, `conflicts` and
 * `install` do.
 */

#include "tests/fuzz/judged.h"
#include "tests/fuzz/listed.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/signer.h"

#include <errno.h>
#include <json-c/json.h>

#include "overlay/contents/lookup.h"
#include "verity/package/inspect.h"
#include "verity/util/hex.h"

#define BYTES     "\"@BYTES@\""
#define ROOT      "@ROOT@"
#define IMAGE_MAX (1 << 20)

struct parts {
	const uint8_t *manifest, *image; /* borrowed */
	size_t manifest_bytes, image_bytes;
};

static struct parts take_apart(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, '\0', size) : NULL;
	struct parts parts = {data, data, size, 0};

	if (zero) {
		parts.manifest_bytes = (size_t)(zero - data);
		parts.image = zero + 1;
		parts.image_bytes = size - parts.manifest_bytes - 1;
	}
	return parts;
}

/* What the manifest says; none where it says none. Return: its bytes. */
static size_t find_salt(const struct parts *parts, uint8_t ret[static VERITY_SALT_MAX])
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object, *image = NULL, *salt = NULL;
	const char *text = "";
	size_t bytes = 0;

	require(tokener);
	object = json_tokener_parse_ex(tokener, (const char *)parts->manifest,
				       (int)parts->manifest_bytes);
	json_tokener_free(tokener);
	if (json_object_object_get_ex(object, "image", &image) &&
	    json_object_object_get_ex(image, "salt", &salt) &&
	    json_object_is_type(salt, json_type_string))
		text = json_object_get_string(salt);
	if (verity_hex_decode(text, ret, VERITY_SALT_MAX, &bytes) < 0)
		bytes = 0;
	json_object_put(object);
	return bytes;
}

/* The tree, then the image, padded. */
static struct verity_blocks make_blocks(const struct parts *parts,
					uint8_t ret_root[static VERITY_DIGEST_BYTES])
{
	uint64_t image_bytes = verity_round_up_block(parts->image_bytes);
	struct verity_geometry geometry =
		verity_geometry_compute(image_bytes / VERITY_BLOCK);
	struct verity_blocks blocks = {memfd_create("blocks", MFD_CLOEXEC), 0,
				       geometry.tree_blocks * VERITY_BLOCK};
	uint8_t salt[VERITY_SALT_MAX];
	size_t salt_bytes = find_salt(parts, salt);

	require(blocks.fd >= 0);
	require(ftruncate(blocks.fd, (off_t)(blocks.image_start + image_bytes)) == 0);
	require(pwrite(blocks.fd, parts->image, parts->image_bytes,
		       (off_t)blocks.image_start) == (ssize_t)parts->image_bytes);
	require(verity_tree_build(&blocks, &geometry, salt, salt_bytes, 1, ret_root,
				  NULL) == 0);
	return blocks;
}

/* The manifest with what stands for length and root hash; free() it. */
static char *make_manifest(const struct parts *parts, const uint8_t *root,
			   size_t *ret_bytes)
{
	char *text = NULL, number[24], hex[2 * VERITY_DIGEST_BYTES + 1];
	FILE *out = open_memstream(&text, ret_bytes);
	const char *from = (const char *)parts->manifest;
	const char *end = from + parts->manifest_bytes;

	require(out);
	snprintf(number, sizeof(number), "%zu", parts->image_bytes);
	verity_hex_encode(root, VERITY_DIGEST_BYTES, hex);
	while (from < end) {
		size_t left = (size_t)(end - from);

		if (left >= strlen(BYTES) && memcmp(from, BYTES, strlen(BYTES)) == 0) {
			fputs(number, out);
			from += strlen(BYTES);
		} else if (left >= strlen(ROOT) &&
			   memcmp(from, ROOT, strlen(ROOT)) == 0) {
			fputs(hex, out);
			from += strlen(ROOT);
		} else {
			fputc(*from++, out);
		}
	}
	require(fclose(out) == 0);
	return text;
}

struct made {
	uint8_t *bytes; /* owned */
	size_t size;
	bool sound; /* its manifest can be read, and says what is true */
};

static bool is_sound(const char *manifest, size_t manifest_bytes, size_t image_bytes,
		     const uint8_t *root)
{
	struct verity_manifest *read = NULL;
	bool sound = manifest_bytes >= VERITY_MANIFEST_MIN &&
		     verity_manifest_decode(manifest, manifest_bytes, &read, NULL) == 0;

	if (sound) {
		sound = verity_round_up_block(read->image_bytes) == image_bytes &&
			memcmp(read->root_hash, root, VERITY_DIGEST_BYTES) == 0;
		verity_manifest_free(read);
	}
	return sound;
}

static struct made make(const struct parts *parts)
{
	uint8_t root[VERITY_DIGEST_BYTES], *signature;
	struct verity_blocks blocks = make_blocks(parts, root);
	uint64_t image_bytes = verity_round_up_block(parts->image_bytes);
	size_t manifest_bytes, signature_bytes, start;
	char *manifest = make_manifest(parts, root, &manifest_bytes);
	struct verity_head head;
	struct made made;

	signer_sign(manifest, manifest_bytes, VERITY_PURPOSE_PACKAGE, &signature,
		    &signature_bytes);
	head = (struct verity_head){(uint32_t)manifest_bytes, (uint32_t)signature_bytes};
	start = verity_round_up_block(verity_head_end(&head));
	made.size = start + blocks.image_start + image_bytes;
	made.bytes = calloc(1, made.size);
	require(made.bytes);
	verity_head_encode(&head, made.bytes);
	memcpy(made.bytes + VERITY_HEAD_BYTES, manifest, manifest_bytes);
	memcpy(made.bytes + VERITY_HEAD_BYTES + manifest_bytes, signature,
	       signature_bytes);
	require(pread(blocks.fd, made.bytes + start, made.size - start, 0) ==
		(ssize_t)(made.size - start));
	made.sound = is_sound(manifest, manifest_bytes, image_bytes, root);
	close(blocks.fd);
	free(signature);
	free(manifest);
	return made;
}

/* A firmware that has nothing. */
static int look(void *context, const char *path, struct overlay_contents_look *ret,
		struct verity_error *err)
{
	(void)context, (void)path, (void)ret, (void)err;
	return -ENOENT;
}

static int take(void *context, const struct overlay_lookup_change *change,
		struct verity_error *err)
{
	(void)err;
	++*(size_t *)context;
	require(change->entry && (!change->covered || change->by == 0));
	return 0;
}

/* The image over itself: nothing of the lower one is seen but what is merged. */
static void look_up(const struct overlay_contents *contents)
{
	const struct overlay_contents *layers[] = {contents, contents};
	struct overlay_lookup stack = {.layers = layers, .count = 2, .base.look = look};
	struct overlay_lookup_result seen;
	size_t changes = 0;

	for (size_t i = 0; i < contents->count; i++) {
		const struct overlay_contents_entry *entry = &contents->entries[i];

		require(overlay_lookup_find(&stack, 0, entry->path, &seen, NULL, NULL) ==
			0);
		require((seen.status == OVERLAY_LOOKUP_PRESENT) ==
			(entry->kind != OVERLAY_CONTENTS_WHITEOUT));
		require(seen.status != OVERLAY_LOOKUP_PRESENT || seen.layer == 0);
	}
	require(overlay_lookup_changes(&stack, 0, take, &changes, NULL) == 0);
	require(overlay_lookup_changes(&stack, 1, take, &changes, NULL) == 0);
	require(changes <= 2 * contents->count);
}

static void list(const struct verity_verified *verified)
{
	struct contents_limits left = listed_limits;
	struct overlay_contents contents;

	if (overlay_contents_read_within(verified, &left, &contents, NULL) < 0)
		return;
	listed_check(&contents);
	look_up(&contents);
	overlay_contents_free(&contents);
}

static enum verity_verdict judged(const struct made *made,
				  const struct verity_policy *policy)
{
	enum verity_verdict verdict = judged_by_both(made->bytes, made->size, policy);

	require(verdict != VERITY_UNSIGNED && verdict != VERITY_UNTRUSTED);
	return verdict;
}

/* A list that names the package itself. */
static struct verity_denylist *deny(const char *name)
{
	struct verity_deny entry = {.kind = VERITY_DENY_NAME, .epoch_below = 3};
	struct verity_denylist_text text = {.number = 1, .entries = &entry, .count = 1};
	struct verity_statement_parts parts = {.text = NULL};
	struct verity_denylist *denylist;
	uint8_t *signature, *file;
	size_t file_bytes;
	char *json;

	strcpy(entry.name, name);
	require(verity_denylist_encode(&text, &json, NULL) == 0);
	parts.text = (const uint8_t *)json;
	parts.text_bytes = strlen(json);
	signer_sign(json, parts.text_bytes, VERITY_PURPOSE_PACKAGE, &signature,
		    &parts.signature_bytes);
	parts.signature = signature;
	require(verity_statement_join(&parts, &file, &file_bytes, NULL) == 0);
	require(verity_denylist_read(file, file_bytes, signer_ring(), NULL, &denylist,
				     NULL) == 0);
	free(file);
	free(signature);
	free(json);
	return denylist;
}

/* The device that it is for, another one, and one that knows nothing of itself. */
static void judge_devices(const struct made *made, const struct verity_manifest *manifest)
{
	static const char *const models[] = {"X-1", "another", ""};
	static const char *const versions[] = {"1.5", "0.1", "9", ""};
	struct verity_policy policy = {.keyring = signer_ring(), .threads = 1};
	bool asks = manifest->firmware_min[0] || manifest->firmware_max[0];

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		policy.model = models[i];
		require(judged(made, &policy) == VERITY_SIGNED ||
			manifest->compatible_count > 0);
	}
	require(judged(made, &policy) ==
		(manifest->compatible_count ? VERITY_INCOMPATIBLE : VERITY_SIGNED));
	policy.model = NULL;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		policy.firmware = versions[i];
		require(judged(made, &policy) == VERITY_SIGNED || asks);
	}
	require(judged(made, &policy) == (asks ? VERITY_INCOMPATIBLE : VERITY_SIGNED));
}

/* What else a device may hold against it. */
static void judge_reasons(const struct made *made, const struct verity_manifest *manifest,
			  const uint8_t id[static VERITY_DIGEST_BYTES])
{
	static const char *const anchors[] = {"root.pem", "other.pem"};
	const struct verity_quarantine quarantine = {
		(const uint8_t(*)[VERITY_DIGEST_BYTES])(const void *)id, 1};
	struct verity_floor floor = {.epoch = 4};
	const struct verity_floors floors = {.epochs = &floor, .count = 1};
	struct verity_policy policy = {.keyring = signer_ring(), .threads = 1};
	struct verity_denylist *denylist = deny(manifest->name);
	bool old = manifest->epoch < 4;

	policy.required = (struct verity_required){anchors, 2, false};
	require(judged(made, &policy) == VERITY_SIGNED);
	policy.required.all = true;
	require(judged_by_both(made->bytes, made->size, &policy) == VERITY_UNTRUSTED);
	policy.required = (struct verity_required){anchors + 1, 1, false};
	require(judged_by_both(made->bytes, made->size, &policy) == VERITY_UNTRUSTED);
	policy.required.count = 0;
	policy.quarantine = &quarantine;
	require(judged(made, &policy) == VERITY_QUARANTINED);
	policy.quarantine = NULL;
	strcpy(floor.name, manifest->name);
	policy.floors = &floors;
	require(judged(made, &policy) == (old ? VERITY_DOWNGRADE : VERITY_SIGNED));
	policy.allow_downgrade = true;
	require(judged(made, &policy) == (old ? VERITY_DOWNGRADE : VERITY_SIGNED));
	policy.denylist = denylist;
	require(judged(made, &policy) == (manifest->epoch < 3 ? VERITY_REVOKED
					  : old               ? VERITY_DOWNGRADE
							      : VERITY_SIGNED));
	verity_denylist_free(denylist);
}

/* What `inspect` shows of it agrees with the judge. */
static void inspect(const struct made *made, const struct verity_policy *policy)
{
	struct verity_inspection *inspection;
	struct verity_outlook outlook;
	char path[64];
	int fd = memfd_create("inspected", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, made->bytes, made->size) == (ssize_t)made->size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (verity_inspection_open(AT_FDCWD, path, &inspection, NULL) == 0) {
		require(verity_inspection_outlook(inspection, policy, &outlook, NULL) ==
			0);
		require(!made->sound || outlook.verdict == VERITY_SIGNED);
		require(!made->sound || outlook.file_bytes == made->size);
		require(verity_inspection_manifest(inspection));
		verity_inspection_free(inspection);
	} else {
		require(!made->sound);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct verity_policy policy = {.keyring = signer_ring(), .threads = 1};
	struct parts parts = take_apart(data, size);
	struct verity_package *package;
	struct made made;

	if (parts.image_bytes == 0 || parts.image_bytes > IMAGE_MAX ||
	    parts.manifest_bytes == 0)
		return 0;
	made = make(&parts);
	require(judged_by_both(made.bytes, made.size, &policy) ==
		(made.sound ? VERITY_SIGNED : VERITY_INVALID));
	inspect(&made, &policy);
	package = judged_open(made.bytes, made.size, &policy);
	require((verity_package_verified(package) != NULL) == made.sound);
	if (made.sound) {
		const struct verity_verified *verified = verity_package_verified(package);
		const struct verity_manifest *manifest =
			verity_verified_manifest(verified);

		require(verity_verified_signed(verified));
		list(verified);
		judge_devices(&made, manifest);
		judge_reasons(&made, manifest, verity_package_judgement(package)->id);
	}
	verity_package_free(package);
	free(made.bytes);
	return 0;
}

/* Mostly one part; what lies in the other stays as it is. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct chance chance = {seed};
	struct parts parts = take_apart(data, size);
	size_t image_at = parts.manifest_bytes + 1, room, bytes;
	uint8_t *manifest;

	if (parts.image_bytes == 0 || chance_below(&chance, 32) == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (chance_below(&chance, 3) > 0) {
		for (uint32_t i = chance_below(&chance, 3) + 1; i > 0; i--)
			mutate_squashfs(data + image_at, parts.image_bytes, &chance);
		return size;
	}
	room = max - parts.image_bytes - 1;
	manifest = malloc(room);
	require(manifest && parts.manifest_bytes <= room);
	memcpy(manifest, data, parts.manifest_bytes);
	bytes = mutate_json(manifest, parts.manifest_bytes, room, &chance);
	memmove(data + bytes + 1, data + image_at, parts.image_bytes);
	memcpy(data, manifest, bytes);
	data[bytes] = '\0';
	free(manifest);
	return bytes + 1 + parts.image_bytes;
}
