/* SPDX-License-Identifier: MIT */
/* Loading the certificate authorities of https. */
#include "installer/request/authorities.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/io.h"

#define FILE_MAX_BYTES (1U << 20)
#define ALL_MAX_BYTES  (4U << 20)

struct pem {
	char *text;
	size_t size;
};

static void pem_done(struct pem *pem)
{
	free(pem->text);
}

static int add_file(struct pem *pem, int dirfd, const char *name,
		    struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	char *grown;
	int r = verity_io_load(dirfd, name, FILE_MAX_BYTES, &text, &size, err);

	if (r < 0)
		return r;
	if (pem->size + size + 1 > ALL_MAX_BYTES)
		return verity_fail(err, VERITY_E_CONFIG, "over %u bytes of certificates",
				   ALL_MAX_BYTES);
	grown = realloc(pem->text, pem->size + size + 1);
	if (!grown)
		return verity_no_memory(err);
	memcpy(grown + pem->size, text, size);
	/* The last line of a file may have no end. */
	grown[pem->size + size] = '\n';
	pem->text = grown;
	pem->size += size + 1;
	return 0;
}

static bool is_pem(const char *name)
{
	size_t length = strlen(name);
	const char *end = name + (length > 4 ? length - 4 : length);

	return strcmp(end, ".pem") == 0 || strcmp(end, ".crt") == 0;
}

/* "HASH.NUMBER", as OpenSSL looks for them. */
static bool is_hashed(const char *name)
{
	return strlen(name) == 10 && name[8] == '.' && name[9] >= '0' && name[9] <= '9';
}

static int add_folder(struct pem *pem, int dirfd, bool (*is_wanted)(const char *name),
		      struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	int r = verity_dir_open(dirfd, ".", &dir);

	if (r < 0)
		return verity_fail_errno(err, -r, "cannot be read");
	for (errno = 0; r == 0 && (item = readdir(dir)); errno = 0)
		if (is_wanted(item->d_name))
			r = add_file(pem, dirfd, item->d_name, err);
	if (r == 0 && errno)
		r = verity_fail_errno(err, errno, "cannot be read");
	return r;
}

static int load(const char *path, bool (*is_wanted)(const char *name), struct pem *pem,
		struct verity_error *err)
{
	cleanup_fd int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dirfd < 0 && errno != ENOTDIR)
		return verity_fail_errno(err, errno, "cannot be read");
	r = dirfd < 0 ? add_file(pem, AT_FDCWD, path, err)
		      : add_folder(pem, dirfd, is_wanted, err);
	if (r == 0 && pem->size == 0)
		r = verity_fail(err, VERITY_E_CONFIG, "no file *.pem or *.crt in it");
	return r;
}

void authorities_load_default(const char *file, const char *folder, char **ret,
			      size_t *ret_size)
{
	cleanup_with(pem_done) struct pem pem = {0};

	if ((!file || load(file, is_pem, &pem, NULL) < 0) && folder)
		(void)!load(folder, is_hashed, &pem, NULL);
	*ret_size = pem.size;
	*ret = steal_ptr(&pem.text);
}

int authorities_load(const char *path, char **ret, size_t *ret_size,
		     struct verity_error *err)
{
	cleanup_with(pem_done) struct pem pem = {0};
	int r = load(path, is_pem, &pem, err);

	if (r < 0)
		return verity_context(err, r, "the authorities of https: %s", path);
	*ret = steal_ptr(&pem.text);
	*ret_size = pem.size;
	return 0;
}
