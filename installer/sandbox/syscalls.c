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

static void release(scmp_filter_ctx *filter)
{
	seccomp_release(*filter);
}

static const int always[] = {
	SCMP_SYS(access),
	SCMP_SYS(brk),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_getres_time64),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_nanosleep_time64),
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fadvise64_64),
	SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(fstatat64),
	SCMP_SYS(futex),
	SCMP_SYS(futex_time64),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid),
	SCMP_SYS(_llseek),
	SCMP_SYS(lseek),
	SCMP_SYS(lstat),
	SCMP_SYS(lstat64),
	SCMP_SYS(madvise),
	SCMP_SYS(membarrier),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(newfstatat),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(ppoll_time64),
	SCMP_SYS(pread64),
	SCMP_SYS(pselect6),
	SCMP_SYS(pselect6_time64),
	SCMP_SYS(read),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(readv),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(select),
	SCMP_SYS(_newselect),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sigreturn),
	SCMP_SYS(stat),
	SCMP_SYS(stat64),
	SCMP_SYS(statx),
	SCMP_SYS(sysinfo),
	SCMP_SYS(time),
	SCMP_SYS(times),
	SCMP_SYS(ugetrlimit),
	SCMP_SYS(uname),
	SCMP_SYS(vmsplice),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

static const int network[] = {
	SCMP_SYS(accept4),     SCMP_SYS(bind),
	SCMP_SYS(connect),     SCMP_SYS(getpeername),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt),
	SCMP_SYS(recv),        SCMP_SYS(recvfrom),
	SCMP_SYS(recvmmsg),    SCMP_SYS(recvmmsg_time64),
	SCMP_SYS(recvmsg),     SCMP_SYS(send),
	SCMP_SYS(sendmmsg),    SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),      SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
};

/* What only an attacker does. */
static const int deadly[] = {
	SCMP_SYS(add_key),
	SCMP_SYS(bpf),
	SCMP_SYS(chroot),
	SCMP_SYS(delete_module),
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(finit_module),
	SCMP_SYS(fork),
	SCMP_SYS(init_module),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl),
	SCMP_SYS(kill),
	SCMP_SYS(mount),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(open_tree),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(pivot_root),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace),
	SCMP_SYS(reboot),
	SCMP_SYS(request_key),
	SCMP_SYS(setns),
	SCMP_SYS(tkill),
	SCMP_SYS(umount2),
	SCMP_SYS(unshare),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(vfork),
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
	seccomp_rule_add((filter), SCMP_ACT_ALLOW, SCMP_SYS(call), __VA_ARGS__)

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
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (r == 0 && allowed)
		r = ALLOW(filter, clone, 1,
			  SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD,
				   CLONE_THREAD));
	if (r == 0)
		r = seccomp_rule_add(
			filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
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
