/* SPDX-License-Identifier: MIT */

/* Loading the certificates of a directory. */

#include "verity/cms/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cms/keyring_private.h"
#include "verity/cms/openssl.h"
#include "verity/util/dir.h"
#include "verity/util/io.h"

/* Behind the name of a file whose certificates are for timestamps only. */
#define TIMESTAMPS_TAIL ".tsa"

void verity_keyring_free(struct verity_keyring *keyring)
{
	if (!keyring)
		return;
	verity_keyring_free(keyring->timestamps);
	verity_cms_issued_free(keyring->issued);
	X509_STORE_free(keyring->store);
	sk_X509_pop_free(keyring->certificates, X509_free);
	free(keyring);
}

static struct verity_keyring *keyring_new(void)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring =
		calloc(1, sizeof(*keyring));

	if (!keyring)
		return NULL;
	keyring->store = X509_STORE_new();
	keyring->certificates = sk_X509_new_null();
	keyring->issued = verity_cms_issued_new();
	return keyring->store && keyring->certificates && keyring->issued
		       ? steal_ptr(&keyring)
		       : NULL;
}

void verity_keyring_require_timestamps(struct verity_keyring *keyring)
{
	keyring->require_timestamps = true;
}

size_t verity_keyring_count(const struct verity_keyring *keyring)
{
	return (size_t)sk_X509_num(keyring->certificates);
}

const char *verity_keyring_name(const struct verity_keyring *keyring, size_t index)
{
	return index < verity_keyring_count(keyring) ? keyring->files[index] : NULL;
}

const char *verity_keyring_file(const struct verity_keyring *keyring,
				const X509 *certificate)
{
	for (int i = 0; i < sk_X509_num(keyring->certificates); i++)
		if (X509_cmp(sk_X509_value(keyring->certificates, i), certificate) == 0)
			return keyring->files[i];
	return NULL;
}

const struct verity_error *verity_keyring_skipped(const struct verity_keyring *keyring,
						  size_t *ret_count)
{
	*ret_count = keyring->skipped_count;
	return &keyring->skipped;
}

static int add(struct verity_keyring *keyring, const char *file, X509 *certificate,
	       struct verity_error *err)
{
	size_t count = verity_keyring_count(keyring);

	if (count >= VERITY_KEYRING_MAX)
		return verity_fail(err, VERITY_E_KEYRING, "%s: over %d certificates",
				   file, VERITY_KEYRING_MAX);
	snprintf(keyring->files[count], sizeof(keyring->files[0]), "%s", file);
	if (X509_STORE_add_cert(keyring->store, certificate) != 1 ||
	    sk_X509_push(keyring->certificates, certificate) <= 0)
		return verity_fail_openssl(err, VERITY_E_KEYRING, "%s", file);
	X509_up_ref(certificate);
	return 0;
}

/* The end of a name if it is one of @tails, in any case: sticks and Windows change it. */
static const char *ends_in(const char *name, const char *end, const char *const *tails)
{
	for (; *tails; tails++) {
		size_t size = strlen(*tails);

		if ((size_t)(end - name) > size &&
		    strncasecmp(end - size, *tails, size) == 0)
			return end - size;
	}
	return NULL;
}

static const char *certificate_ending(const char *file)
{
	static const char *const tails[] = {".pem", ".crt", ".cer", ".der", NULL};

	return ends_in(file, file + strlen(file), tails);
}

static bool is_for_timestamps(const char *file)
{
	static const char *const tails[] = {TIMESTAMPS_TAIL, NULL};
	const char *ending = certificate_ending(file);

	return ending && ends_in(file, ending, tails);
}

/* The next certificate of a PEM file, or the one of a DER file; NULL: no more, or damage
 */
static X509 *next_certificate(BIO *bio, const char *text, size_t size, size_t index)
{
	const unsigned char *der = (const unsigned char *)text;

	if (memmem(text, size, VERITY_PEM_START, strlen(VERITY_PEM_START)))
		return PEM_read_bio_X509(bio, NULL, NULL, NULL);
	return index == 0 ? d2i_X509(NULL, &der, (long)size) : NULL;
}

static int load_file(struct verity_keyring *keyring, int dirfd, const char *file,
		     struct verity_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_with(BIO_free_all_p) BIO *bio = NULL;
	size_t size, found = 0;
	unsigned long why;
	int r = verity_io_load(dirfd, file, VERITY_KEYRING_FILE_MAX, &text, &size, err);

	if (r < 0)
		return r;
	bio = BIO_new_mem_buf(text, (int)size);
	if (!bio)
		return verity_no_memory(err);
	for (;; found++) {
		cleanup_with(X509_free_p) X509 *certificate =
			next_certificate(bio, text, size, found);

		if (!certificate)
			break;
		if (!is_for_timestamps(file))
			r = add(keyring, file, certificate, err);
		if (r == 0)
			r = add(keyring->timestamps, file, certificate, err);
		if (r < 0)
			return r;
	}
	/* The end of a file with one is "no start line", or none; anything else is
	 * damage. */
	why = ERR_peek_last_error();
	if (verity_openssl_no_memory()) {
		ERR_clear_error();
		return verity_no_memory(err);
	}
	ERR_clear_error();
	if (found > 0 && (why == 0 || ERR_GET_REASON(why) == PEM_R_NO_START_LINE))
		return 0;
	return verity_fail(err, VERITY_E_KEYRING,
			   found > 0 ? "%s: damaged after certificate number %zu"
				     : "%s: no certificate in PEM or DER",
			   file, found);
}

/* By bytes: alphasort() depends on the locale. */
static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * @ret: sorted; its names and itself are the caller's to free, also where it fails
 * Return: 0; -errno.
 */
static int list_certificates(int dirfd, char ***ret, size_t *ret_count)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	int r = verity_dir_open(dirfd, ".", &dir);

	while (r == 0 && (r = verity_dir_next(dir, &entry)) > 0) {
		char **grown;

		r = 0;
		if (entry->d_name[0] == '.' || !certificate_ending(entry->d_name))
			continue;
		grown = reallocarray(*ret, *ret_count + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*ret = grown;
		grown[*ret_count] = strdup(entry->d_name);
		if (!grown[*ret_count])
			return -ENOMEM;
		(*ret_count)++;
	}
	if (*ret_count > 0)
		qsort(*ret, *ret_count, sizeof(**ret), compare);
	return r;
}

int verity_keyring_load(const char *path, struct verity_keyring **ret,
			struct verity_error *err)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring =
		keyring_new();
	cleanup_fd int dirfd = -1;
	struct verity_error why = {.code = VERITY_OK};
	char **names = NULL;
	size_t count = 0;
	int r = 0;

	ERR_clear_error();
	if (keyring)
		keyring->timestamps = keyring_new();
	if (!keyring || !keyring->timestamps)
		return verity_no_memory(err);
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 && errno != ENOENT)
		return verity_fail_errno(err, errno, "key ring %s", path);
	if (dirfd >= 0)
		r = list_certificates(dirfd, &names, &count);
	if (r < 0)
		r = verity_fail_errno(err, -r, "key ring %s: reading the folder", path);
	for (size_t i = 0; i < count; i++) {
		if (r == 0 && load_file(keyring, dirfd, names[i], &why) < 0 &&
		    keyring->skipped_count++ == 0)
			keyring->skipped = why;
		if (r == 0 && why.code == VERITY_E_NO_MEMORY)
			r = verity_no_memory(err);
		free(names[i]);
	}
	free(names);
	if (r < 0)
		return r;
	if (keyring->skipped_count > 0)
		verity_context(&keyring->skipped, 0, "key ring %s", path);
	*ret = steal_ptr(&keyring);
	return 0;
}
