/* SPDX-License-Identifier: MIT */
/* Landlock by its system calls: the C library has no functions for them. */
#include "installer/sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

/*
 * The interface of the kernel (Documentation/userspace-api/landlock.rst). The headers of
 * the build host may be older than the kernel of the device. The numbers are the same on
 * all processors.
 */
#define CREATE_RULESET 444
#define ADD_RULE       445
#define RESTRICT_SELF  446
#define ASK_VERSION    1U

#define RULE_PATH 1
#define RULE_PORT 2

#define READ_FILE   (1ULL << 2)
#define READ_FOLDER (1ULL << 3)

#define BIND_TCP    (1ULL << 0)
#define CONNECT_TCP (1ULL << 1)

#define SCOPE_ABSTRACT_SOCKETS (1ULL << 0)
#define SCOPE_SIGNALS          (1ULL << 1)

#define DNS_PORT 53

struct ruleset {
	uint64_t files, ports, scopes;
};

struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed, port;
};

/* All rights on files that each version knows; the last is every other version. */
static const struct {
	int abi;
	uint64_t files;
} versions[] = {
	{5, (1ULL << 16) - 1},
	{3, (1ULL << 15) - 1},
	{2, (1ULL << 14) - 1},
	{0, (1ULL << 13) - 1},
};

int sandbox_landlock_abi(void)
{
	long abi = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);

	return abi < 0 ? -errno : (int)abi;
}

static int add_path(int ruleset, const char *path)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct path_rule rule = {.allowed = READ_FILE, .fd = fd};
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		rule.allowed |= READ_FOLDER;
	return syscall(ADD_RULE, ruleset, RULE_PATH, &rule, 0) < 0 ? -errno : 0;
}

static int add_port(int ruleset, uint16_t port)
{
	const struct port_rule rule = {.allowed = CONNECT_TCP, .port = port};

	return syscall(ADD_RULE, ruleset, RULE_PORT, &rule, 0) < 0 ? -errno : 0;
}

int sandbox_landlock(const struct sandbox_rules *rules, int abi,
		     const char *const *readable)
{
	struct ruleset asked = {.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS,
				.ports = BIND_TCP | CONNECT_TCP};
	size_t size = abi >= 6 ? sizeof(asked) : abi >= 4 ? 16 : 8;
	cleanup_fd int ruleset = -1;
	int r = 0;

	for (size_t i = 0; asked.files == 0; i++)
		if (abi >= versions[i].abi)
			asked.files = versions[i].files;
	/* Redirects and the data connections of ftp may lead to any port. */
	if (rules->any_port)
		asked.ports = BIND_TCP;
	ruleset = (int)syscall(CREATE_RULESET, &asked, size, 0);
	if (ruleset < 0)
		return -errno;
	for (; r == 0 && *readable; readable++)
		r = add_path(ruleset, *readable);
	if (r == 0 && abi >= 4 && rules->has_network && !rules->any_port)
		r = add_port(ruleset, DNS_PORT);
	if (r == 0 && abi >= 4 && rules->has_network && !rules->any_port && rules->port)
		r = add_port(ruleset, rules->port);
	if (r == 0 && syscall(RESTRICT_SELF, ruleset, 0) < 0)
		r = -errno;
	return r;
}
