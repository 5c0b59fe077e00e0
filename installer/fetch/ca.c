/* SPDX-License-Identifier: MIT */
#include "installer/fetch/ca.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/io.h"

#define FILE_MAX_BYTES (1U << 20)
#define ALL_MAX_BYTES  (4U << 20)

struct pem {
	char *text;
	size_t size;
};

static void pem_free_p(struct pem *pem)
{
	free(pem->text);
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t length = strlen(name);
	size_t size = strlen(suffix);

	return length > size && strcmp(name + length - size, suffix) == 0;
}

/* With an end of line: a file may lack its last. */
static int add(struct pem *pem, const char *text, size_t size, struct verity_error *err)
{
	char *grown;

	if (pem->size + size + 1 > ALL_MAX_BYTES)
		return verity_fail(err, VERITY_E_CONFIG, "over %u bytes of certificates",
				   ALL_MAX_BYTES);
	grown = realloc(pem->text, pem->size + size + 1);
	if (!grown)
		return source_curl_out_of_memory(err);
	memcpy(grown + pem->size, text, size);
	grown[pem->size + size] = '\n';
	pem->text = grown;
	pem->size += size + 1;
	return 0;
}

static int add_file(struct pem *pem, int dirfd, const char *name,
		    struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = verity_io_load(dirfd, name, FILE_MAX_BYTES, &text, &size, err);

	return r < 0 ? r : add(pem, text, size, err);
}

static int add_folder(struct pem *pem, int dirfd, struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	int r = verity_dir_open(dirfd, ".", &dir);

	if (r < 0)
		return verity_fail_errno(err, -r, "cannot be read");
	for (errno = 0; r == 0 && (item = readdir(dir)); errno = 0)
		if (ends_in(item->d_name, ".pem") || ends_in(item->d_name, ".crt"))
			r = add_file(pem, dirfd, item->d_name, err);
	if (r == 0 && errno)
		r = verity_fail_errno(err, errno, "cannot be read");
	return r;
}

static int load(const char *path, struct pem *pem, struct verity_error *err)
{
	cleanup_fd int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dirfd < 0 && errno != ENOTDIR)
		return verity_fail_errno(err, errno, "cannot be read");
	r = dirfd < 0 ? add_file(pem, AT_FDCWD, path, err) : add_folder(pem, dirfd, err);
	if (r == 0 && pem->size == 0)
		r = verity_fail(err, VERITY_E_CONFIG, "holds no *.pem or *.crt");
	return r;
}

int source_authorities_set(struct source_transfer *transfer, const char *path,
			   struct verity_error *err)
{
	cleanup_with(pem_free_p) struct pem pem = {0};
	struct curl_blob blob = {.flags = CURL_BLOB_COPY};
	int r;

	if (!path)
		return 0;
	r = load(path, &pem, err);
	if (r < 0)
		return verity_context(err, r, "the authorities of https: %s", path);
	blob.data = pem.text;
	blob.len = pem.size;
	if (source_curl_set(transfer, CAPATH, NULL) ||
	    source_curl_set(transfer, CAINFO_BLOB, &blob))
		return source_curl_out_of_memory(err);
	return 0;
}
