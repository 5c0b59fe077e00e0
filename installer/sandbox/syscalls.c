/* SPDX-License-Identifier: MIT */
/* The list of system calls of a sandbox. */
#include "installer/sandbox/syscalls.h"

#include <errno.h>

#ifdef HAVE_SECCOMP

#include <fcntl.h>
#include <linux/fs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define SOCK_KIND 0xfU /* the type without SOCK_CLOEXEC and SOCK_NONBLOCK */
#define WHOLE     0xffffffffU

#ifdef __s390__
#define CLONE_FLAGS 1 /* the argument that has them */
#else
#define CLONE_FLAGS 0
#endif

#define CALL(name) SCMP_SYS(name)

static void release(scmp_filter_ctx *filter)
{
	seccomp_release(*filter);
}

static const int always[] = {
	CALL(access),
	CALL(brk),
	CALL(clock_getres),
	CALL(clock_getres_time64),
	CALL(clock_gettime),
	CALL(clock_gettime64),
	CALL(clock_nanosleep),
	CALL(clock_nanosleep_time64),
	CALL(close),
	CALL(dup),
	CALL(epoll_create1),
	CALL(epoll_ctl),
	CALL(epoll_pwait),
	CALL(epoll_wait),
	CALL(eventfd2),
	CALL(exit),
	CALL(exit_group),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(fadvise64),
	CALL(fadvise64_64),
	CALL(fstat),
	CALL(fstat64),
	CALL(fstatat64),
	CALL(futex),
	CALL(futex_time64),
	CALL(getcwd),
	CALL(getdents64),
	CALL(getegid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getpid),
	CALL(getppid),
	CALL(getrandom),
	CALL(getrusage),
	CALL(gettid),
	CALL(gettimeofday),
	CALL(getuid),
	CALL(_llseek),
	CALL(lseek),
	CALL(lstat),
	CALL(lstat64),
	CALL(madvise),
	CALL(membarrier),
	CALL(mremap),
	CALL(munmap),
	CALL(nanosleep),
	CALL(newfstatat),
	CALL(pipe),
	CALL(pipe2),
	CALL(poll),
	CALL(ppoll),
	CALL(ppoll_time64),
	CALL(pread64),
	CALL(pselect6),
	CALL(pselect6_time64),
	CALL(read),
	CALL(readlink),
	CALL(readlinkat),
	CALL(readv),
	CALL(restart_syscall),
	CALL(rseq),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(sched_getaffinity),
	CALL(sched_yield),
	CALL(select),
	CALL(_newselect),
	CALL(set_robust_list),
	CALL(set_tid_address),
	CALL(sigaltstack),
	CALL(sigreturn),
	CALL(stat),
	CALL(stat64),
	CALL(statx),
	CALL(sysinfo),
	CALL(time),
	CALL(times),
	CALL(ugetrlimit),
	CALL(uname),
	CALL(vmsplice),
	CALL(write),
	CALL(writev),
};

static const int network[] = {
	CALL(accept4),     CALL(bind),
	CALL(connect),     CALL(getpeername),
	CALL(getsockname), CALL(getsockopt),
	CALL(recv),        CALL(recvfrom),
	CALL(recvmmsg),    CALL(recvmmsg_time64),
	CALL(recvmsg),     CALL(send),
	CALL(sendmmsg),    CALL(sendmsg),
	CALL(sendto),      CALL(setsockopt),
	CALL(shutdown),
};

/* What only an attacker does. */
static const int deadly[] = {
	CALL(add_key),
	CALL(bpf),
	CALL(chroot),
	CALL(delete_module),
	CALL(execve),
	CALL(execveat),
	CALL(finit_module),
	CALL(fork),
	CALL(init_module),
	CALL(io_uring_setup),
	CALL(kexec_file_load),
	CALL(kexec_load),
	CALL(keyctl),
	CALL(kill),
	CALL(mount),
	CALL(move_mount),
	CALL(open_by_handle_at),
	CALL(open_tree),
	CALL(perf_event_open),
	CALL(pidfd_getfd),
	CALL(pidfd_open),
	CALL(pidfd_send_signal),
	CALL(pivot_root),
	CALL(process_vm_readv),
	CALL(process_vm_writev),
	CALL(ptrace),
	CALL(reboot),
	CALL(request_key),
	CALL(setns),
	CALL(tkill),
	CALL(umount2),
	CALL(unshare),
	CALL(userfaultfd),
	CALL(vfork),
};

/* Requests of ioctl() that read: of sockets and pipes, and of block devices. */
static const unsigned long requests[] = {
	FIONREAD,   FIONBIO,      SIOCGIFINDEX, SIOCGIFNAME,
	BLKGETSIZE, BLKGETSIZE64, BLKSSZGET,    BLKPBSZGET,
};

static const int file_commands[] = {F_GETFD, F_SETFD,         F_GETFL,
				    F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ};

static int add_each(scmp_filter_ctx filter, uint32_t action, const int *calls,
		    size_t count)
{
	int r = 0;

	/* What this processor does not have is no failure. */
	for (size_t i = 0; r == 0 && i < count; i++)
		r = calls[i] < -1 && seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
								      calls[i]) == NULL
			    ? 0
			    : seccomp_rule_add(filter, action, calls[i], 0);
	return r;
}

#define EACH(array) (array), sizeof(array) / sizeof((array)[0])
#define ALLOW(filter, call, ...)                                                         \
	seccomp_rule_add((filter), SCMP_ACT_ALLOW, CALL(call), __VA_ARGS__)

/* Files are opened for reading only, and no memory becomes a program. */
static int add_files(scmp_filter_ctx filter)
{
	const uint64_t changes =
		O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
	int r = ALLOW(filter, openat, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, changes, O_RDONLY));

	if (r == 0)
		r = ALLOW(filter, open, 1,
			  SCMP_A1(SCMP_CMP_MASKED_EQ, changes, O_RDONLY));
	if (r == 0)
		r = ALLOW(filter, mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = ALLOW(filter, mmap2, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = ALLOW(filter, mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* Limits can be read. */
	if (r == 0)
		r = ALLOW(filter, prlimit64, 2, SCMP_A0(SCMP_CMP_EQ, 0),
			  SCMP_A2(SCMP_CMP_EQ, 0));
	for (size_t i = 0; r == 0 && i < sizeof(requests) / sizeof(requests[0]); i++)
		r = ALLOW(filter, ioctl, 1,
			  SCMP_A1(SCMP_CMP_MASKED_EQ, WHOLE, requests[i]));
	for (size_t i = 0; r == 0 && i < sizeof(file_commands) / sizeof(file_commands[0]);
	     i++) {
		r = ALLOW(filter, fcntl, 1,
			  SCMP_A1(SCMP_CMP_MASKED_EQ, WHOLE, (uint64_t)file_commands[i]));
		if (r == 0)
			r = ALLOW(filter, fcntl64, 1,
				  SCMP_A1(SCMP_CMP_MASKED_EQ, WHOLE,
					  (uint64_t)file_commands[i]));
	}
	/* abort() sends a signal to its own process. */
	if (r == 0)
		r = ALLOW(filter, tgkill, 1, SCMP_A0(SCMP_CMP_EQ, (uint64_t)getpid()));
	return r;
}

/* Threads, but no processes; with clone3() the flags cannot be seen. */
static int add_threads(scmp_filter_ctx filter, bool allowed)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);

	if (r == 0 && allowed)
		r = ALLOW(filter, clone, 1,
			  SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD,
				   CLONE_THREAD));
	if (r == 0)
		r = seccomp_rule_add(
			filter, SCMP_ACT_KILL_PROCESS, CALL(clone), 1,
			SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	return r;
}

/* Sockets of TCP and UDP, and the addresses of this host, which the resolver reads. */
static int add_sockets(scmp_filter_ctx filter, bool has_unix)
{
	static const uint64_t families[] = {AF_INET, AF_INET6};
	static const uint64_t kinds[] = {SOCK_STREAM, SOCK_DGRAM};
	static const uint64_t protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP};
	int r = add_each(filter, SCMP_ACT_ALLOW, EACH(network));

	for (size_t i = 0; r == 0 && i < 2 * 2 * 3; i++)
		r = ALLOW(filter, socket, 3, SCMP_A0(SCMP_CMP_EQ, families[i / 6]),
			  SCMP_A1(SCMP_CMP_MASKED_EQ, SOCK_KIND, kinds[i / 3 % 2]),
			  SCMP_A2(SCMP_CMP_EQ, protocols[i % 3]));
	if (r == 0)
		r = ALLOW(filter, socket, 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
			  SCMP_A2(SCMP_CMP_EQ, 0));
	if (r == 0 && has_unix)
		r = ALLOW(filter, socket, 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
			  SCMP_A1(SCMP_CMP_MASKED_EQ, SOCK_KIND, SOCK_STREAM));
	if (r == 0)
		r = ALLOW(filter, socketpair, 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	return r;
}

int sandbox_filter_syscalls(const struct sandbox_rules *rules)
{
	cleanup_with(release) scmp_filter_ctx filter =
		seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOSYS;
	r = add_each(filter, SCMP_ACT_ALLOW, EACH(always));
	if (r == 0)
		r = add_each(filter, SCMP_ACT_KILL_PROCESS, EACH(deadly));
	if (r == 0)
		r = add_files(filter);
	if (r == 0)
		r = add_threads(filter, rules->has_threads);
	if (r == 0 && rules->has_network)
		r = add_sockets(filter, rules->agent != NULL);
	return r < 0 ? r : seccomp_load(filter);
}

#else

int sandbox_filter_syscalls(const struct sandbox_rules *rules)
{
	(void)rules;
	return -ENOSYS;
}

#endif
