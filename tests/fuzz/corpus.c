/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target without libFuzzer, for any compiler: each file of the folders that it is
 * given, once.
 */

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a mutator of a target calls, which is not called here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	(void)data, (void)max;
	return size;
}

static void try_file(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;

	require(fd >= 0 && fstat(fd, &st) == 0);
	if (S_ISREG(st.st_mode)) {
		/* no more than what is there: a sanitizer sees each byte beyond it */
		bytes = malloc((size_t)st.st_size);
		require(bytes || st.st_size == 0);
		require(read(fd, bytes, (size_t)st.st_size) == st.st_size);
		LLVMFuzzerTestOneInput(bytes, (size_t)st.st_size);
		free(bytes);
	}
	close(fd);
}

int main(int argc, char *argv[])
{
	size_t files = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);

		if (!folder) {
			perror(argv[i]);
			return 1;
		}
		for (struct dirent *entry; (entry = readdir(folder)); files++)
			try_file(dirfd(folder), entry->d_name);
		closedir(folder);
	}
	return files == 0;
}
