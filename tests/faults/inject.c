/* SPDX-License-Identifier: MIT */
/*
 * Runs a program, and all that it starts, with one fault:
 *
 *	inject [--root FOLDER] [--call THREAD:CALL:NUMBER:ERROR] [--memory SHIM]
 *	       [--allocation PROGRAM:NUMBER] REPORT COMMAND...
 *
 * --root: what COMMAND sees as the root, where it begins in /device. --call: the system
 * call of this name that the thread makes for the NUMBER-th time fails with ERROR, a name
 * of errno.h, and is not made; with "short" it is made for one byte. A descriptor is
 * closed all the same, as the kernel does. --memory: the program is started with the shim
 * of memory.c. --allocation: its NUMBER-th allocation fails in the program that was
 * started as PROGRAM-th. Threads and programs are counted from 0 in the order in which
 * they begin. Ends with the exit status of COMMAND. What is in the file REPORT, a line
 * each:
 *
 * - call THREAD CALL NUMBER WAY ERROR... FILE...: could have failed; without --call only
 * - fault THREAD WHAT: that failed
 * - died THREAD SIGNAL: a process ended by one that is a crash
 * - open THREAD FILE: descriptor when the process ended
 * - memory PROGRAM COUNT NUMBER:WAY...: allocations, and of these one for each way of
 *   calls that led to one
 */
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

#define THREADS_MAX  512
#define PROGRAMS_MAX 16
#define TEXT_BYTES   512
#define CALLS_USED   3    /* more may be left of other calls */
#define WAY_BYTES    4096 /* of the stack */

#define TEXT_SHOWN 200

#define CALLS_MAX (sizeof(calls) / sizeof(calls[0]))

/* What may fail, and how. Those that cannot, or whose failure nobody can see, are not
 * here. */
static const struct {
	const char *name;
	int number;
	const char *errors; /* names of errno.h, or "short" */
} calls[] = {
#define CALL(name, errors)                                                               \
	{                                                                                \
#name, __NR_##name, errors                                               \
	}
	CALL(accept4, "EMFILE EINTR ECONNABORTED"),
	CALL(access, "EIO ENOMEM"),
	CALL(bind, "EADDRINUSE ENOMEM"),
	CALL(bpf, "ENOMEM"),
	CALL(brk, "ENOMEM"),
	CALL(capset, "EPERM"),
	CALL(chdir, "EIO ENOMEM"),
	CALL(chmod, "EIO EROFS"),
	CALL(chown, "EIO EROFS"),
	CALL(chroot, "EPERM"),
	CALL(clone, "EAGAIN ENOMEM"),
	CALL(clone3, "EAGAIN ENOMEM"),
	CALL(close, "EIO EINTR"),
	CALL(close_range, "EMFILE"),
	CALL(connect, "EINTR ECONNREFUSED"),
	CALL(copy_file_range, "ENOSPC EIO EINTR short"),
	CALL(dup, "EMFILE"),
	CALL(dup2, "EMFILE EINTR"),
	CALL(dup3, "EMFILE EINTR"),
	CALL(epoll_create1, "EMFILE"),
	CALL(epoll_ctl, "ENOMEM"),
	CALL(epoll_wait, "EINTR"),
	CALL(eventfd2, "EMFILE"),
	CALL(execve, "ENOMEM EIO"),
	CALL(execveat, "ENOMEM EIO"),
	CALL(faccessat, "EIO ENOMEM"),
	CALL(faccessat2, "EIO ENOMEM"),
	CALL(fallocate, "ENOSPC EIO EINTR"),
	CALL(fchdir, "EIO"),
	CALL(fchmod, "EIO EROFS"),
	CALL(fchmodat, "EIO EROFS"),
	CALL(fchown, "EIO EROFS"),
	CALL(fchownat, "EIO EROFS"),
	CALL(fcntl, "EMFILE EINTR ENOLCK"),
	CALL(fdatasync, "EIO ENOSPC"),
	CALL(fgetxattr, "EIO ENOMEM"),
	CALL(flistxattr, "EIO ENOMEM"),
	CALL(flock, "EINTR ENOLCK"),
	CALL(fork, "EAGAIN ENOMEM"),
	CALL(fsconfig, "ENOMEM EIO"),
	CALL(fsetxattr, "ENOSPC EIO"),
	CALL(fsmount, "EMFILE ENOMEM"),
	CALL(fsopen, "EMFILE ENOMEM"),
	CALL(fstat, "EIO ENOMEM"),
	CALL(fstatfs, "EIO EINTR"),
	CALL(fsync, "EIO ENOSPC EINTR"),
	CALL(ftruncate, "ENOSPC EIO EINTR"),
	CALL(getdents64, "EIO ENOMEM"),
	CALL(getpeername, "ENOBUFS"),
	CALL(getrandom, "EINTR ENOSYS short"),
	CALL(getrlimit, "EPERM"),
	CALL(getsockname, "ENOBUFS"),
	CALL(getsockopt, "ENOMEM"),
	CALL(getxattr, "EIO ENOMEM"),
	CALL(inotify_add_watch, "ENOSPC ENOMEM"),
	CALL(inotify_init1, "EMFILE"),
	CALL(ioctl, "EIO ENOMEM EINTR"),
	CALL(kill, "EPERM"),
	CALL(landlock_add_rule, "ENOMEM"),
	CALL(landlock_create_ruleset, "EMFILE ENOMEM"),
	CALL(landlock_restrict_self, "E2BIG ENOMEM"),
	CALL(lgetxattr, "EIO ENOMEM"),
	CALL(link, "ENOSPC EIO EMLINK"),
	CALL(linkat, "ENOSPC EIO EMLINK"),
	CALL(listen, "EADDRINUSE"),
	CALL(listxattr, "EIO ENOMEM"),
	CALL(llistxattr, "EIO ENOMEM"),
	CALL(lseek, "EIO"),
	CALL(lstat, "EIO ENOMEM"),
	CALL(memfd_create, "EMFILE ENOMEM"),
	CALL(mkdir, "ENOSPC EIO"),
	CALL(mkdirat, "ENOSPC EIO"),
	CALL(mknod, "ENOSPC EIO"),
	CALL(mknodat, "ENOSPC EIO"),
	CALL(mmap, "ENOMEM"),
	CALL(mount, "ENOMEM EIO"),
	CALL(mount_setattr, "ENOMEM"),
	CALL(move_mount, "ENOMEM EIO"),
	CALL(mprotect, "ENOMEM"),
	CALL(mremap, "ENOMEM"),
	CALL(newfstatat, "EIO ENOMEM"),
	CALL(open, "EMFILE EIO EINTR ENOMEM"),
	CALL(open_tree, "EMFILE ENOMEM"),
	CALL(openat, "EMFILE EIO EINTR ENOSPC"),
	CALL(openat2, "EMFILE EIO EAGAIN ENOMEM"),
	CALL(pidfd_open, "EMFILE ENOMEM"),
	CALL(pidfd_send_signal, "EPERM"),
	CALL(pipe, "EMFILE"),
	CALL(pipe2, "EMFILE"),
	CALL(pivot_root, "EINVAL"),
	CALL(poll, "EINTR ENOMEM"),
	CALL(ppoll, "EINTR ENOMEM"),
	CALL(prctl, "EPERM ENOMEM"),
	CALL(pread64, "EIO EINTR short"),
	CALL(preadv, "EIO EINTR"),
	CALL(prlimit64, "EPERM"),
	CALL(pselect6, "EINTR ENOMEM"),
	CALL(pwrite64, "ENOSPC EIO EINTR short"),
	CALL(pwritev, "ENOSPC EIO"),
	CALL(read, "EIO EINTR short"),
	CALL(readlink, "EIO ENOMEM"),
	CALL(readlinkat, "EIO ENOMEM"),
	CALL(readv, "EIO EINTR"),
	CALL(recvfrom, "EINTR ECONNRESET ENOMEM"),
	CALL(recvmsg, "EINTR ECONNRESET ENOMEM"),
	CALL(removexattr, "EIO"),
	CALL(rename, "ENOSPC EIO"),
	CALL(renameat, "ENOSPC EIO"),
	CALL(renameat2, "ENOSPC EIO"),
	CALL(rmdir, "EIO EBUSY"),
	CALL(rt_sigaction, "EINVAL"),
	CALL(seccomp, "ENOMEM"),
	CALL(select, "EINTR ENOMEM"),
	CALL(sendfile, "ENOSPC EIO EINTR"),
	CALL(sendmsg, "EINTR ECONNRESET ENOBUFS"),
	CALL(sendto, "EINTR ECONNRESET ENOBUFS"),
	CALL(setgid, "EPERM"),
	CALL(setgroups, "EPERM ENOMEM"),
	CALL(sethostname, "EPERM"),
	CALL(setns, "ENOMEM"),
	CALL(setresgid, "EPERM"),
	CALL(setresuid, "EAGAIN EPERM"),
	CALL(setrlimit, "EPERM"),
	CALL(setsid, "EPERM"),
	CALL(setsockopt, "ENOMEM"),
	CALL(setuid, "EAGAIN EPERM"),
	CALL(setxattr, "ENOSPC EIO"),
	CALL(shutdown, "ENOTCONN"),
	CALL(signalfd4, "EMFILE"),
	CALL(socket, "EMFILE ENOBUFS"),
	CALL(socketpair, "EMFILE"),
	CALL(splice, "EIO EINTR"),
	CALL(stat, "EIO ENOMEM"),
	CALL(statfs, "EIO EINTR"),
	CALL(statx, "EIO ENOMEM"),
	CALL(symlink, "ENOSPC EIO"),
	CALL(symlinkat, "ENOSPC EIO"),
	CALL(sync_file_range, "EIO ENOSPC"),
	CALL(syncfs, "EIO ENOSPC"),
	CALL(timerfd_create, "EMFILE"),
	CALL(truncate, "ENOSPC EIO"),
	CALL(umount2, "EBUSY EIO"),
	CALL(unlink, "EIO EBUSY"),
	CALL(unlinkat, "EIO EBUSY"),
	CALL(unshare, "EPERM ENOMEM"),
	CALL(utimensat, "EIO"),
	CALL(vfork, "EAGAIN ENOMEM"),
	CALL(wait4, "EINTR"),
	CALL(waitid, "EINTR"),
	CALL(write, "ENOSPC EIO EINTR short"),
	CALL(writev, "ENOSPC EIO EINTR"),
};

static const struct {
	const char *name;
	int number;
} errors[] = {
#define ERROR(name)                                                                      \
	{                                                                                \
#name, name                                                              \
	}
	ERROR(E2BIG),        ERROR(EADDRINUSE),   ERROR(EAGAIN),     ERROR(EBUSY),
	ERROR(ECONNABORTED), ERROR(ECONNREFUSED), ERROR(ECONNRESET), ERROR(EINTR),
	ERROR(EINVAL),       ERROR(EIO),          ERROR(EMFILE),     ERROR(EMLINK),
	ERROR(ENOBUFS),      ERROR(ENOLCK),       ERROR(ENOMEM),     ERROR(ENOSPC),
	ERROR(ENOSYS),       ERROR(ENOTCONN),     ERROR(EPERM),      ERROR(EROFS),
};

/* The argument that is a number of bytes, from 0. */
static const struct {
	const char *name;
	int argument;
} sizes[] = {
	{"copy_file_range", 4}, {"getrandom", 1}, {"pread64", 2},
	{"pwrite64", 2},        {"read", 2},      {"write", 2},
};

struct thread {
	pid_t tid;
	int program;
	bool is_process;
	bool begun; /* what the loader does is over */
	unsigned made[CALLS_MAX];
};

static struct {
	/* the fault; call or program of -1: none */
	int call, thread;
	unsigned number;
	int error;               /* 0: short */
	const char *root, *shim; /* NULL: none */
	int program;
	unsigned long allocation;
	/* what runs */
	struct thread threads[THREADS_MAX];
	int thread_count;
	pid_t first;
	int programs;
	struct memory memory[PROGRAMS_MAX];
	bool ending; /* the call goes on, and this is what the program has in its
			registers */
	struct user_regs_struct saved;
	bool listing;
	FILE *report;
} state = {.call = -1, .program = -1};

static int find_call(const char *name)
{
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (!strcmp(calls[i].name, name))
			return (int)i;
	errx(126, "%s: unknown system call", name);
}

static int find_error(const char *name)
{
	if (!strcmp(name, "short"))
		return 0;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].number;
	errx(126, "%s: unknown error", name);
}

/* Stops with the index of the call: at each of @calls, or, as stops cost, at what is
 * needed. */
static void filter_calls(void)
{
	struct sock_filter filter[2 * CALLS_MAX + 2];
	struct sock_fprog program = {.filter = filter};
	size_t count = 0;

	filter[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						       offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS_MAX; i++) {
		if (!state.listing && state.call != (int)i &&
		    !(state.shim && !strncmp(calls[i].name, "execve", 6)))
			continue;
		filter[count++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number, 0, 1);
		filter[count++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_TRACE | (unsigned)i);
	}
	filter[count++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)count;
	if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	     syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0))
		err(126, "seccomp");
}

static struct thread *find_thread(pid_t tid)
{
	struct thread *thread;

	for (int i = state.thread_count; i-- > 0;)
		if (state.threads[i].tid == tid)
			return &state.threads[i];
	if (state.thread_count == THREADS_MAX)
		errx(126, "over %d threads", THREADS_MAX);
	thread = &state.threads[state.thread_count++];
	*thread = (struct thread){.tid = tid, .program = state.programs - 1};
	return thread;
}

static int index_of(const struct thread *thread)
{
	return (int)(thread - state.threads);
}

static void read_registers(pid_t tid, struct user_regs_struct *ret)
{
	if (ptrace(PTRACE_GETREGS, tid, NULL, ret) < 0 && errno != ESRCH)
		err(126, "PTRACE_GETREGS");
}

static void write_registers(pid_t tid, struct user_regs_struct *registers)
{
	if (ptrace(PTRACE_SETREGS, tid, NULL, registers) < 0 && errno != ESRCH)
		err(126, "PTRACE_SETREGS");
}

static size_t read_memory(pid_t tid, uint64_t address, void *ret, size_t size)
{
	const struct iovec here = {ret, size};
	const struct iovec there = {(void *)(uintptr_t)address, size};
	ssize_t count = process_vm_readv(tid, &here, 1, &there, 1, 0);

	return count < 0 ? 0 : (size_t)count;
}

static void write_memory(pid_t tid, uint64_t address, const void *bytes, size_t size)
{
	const struct iovec here = {(void *)(uintptr_t)bytes, size};
	const struct iovec there = {(void *)(uintptr_t)address, size};

	if (process_vm_writev(tid, &here, 1, &there, 1, 0) != (ssize_t)size)
		err(126, "environment of a program");
}

/* The name at @address, where there is one. */
static void read_text(pid_t tid, uint64_t address, char ret[TEXT_BYTES])
{
	size_t count = 0;

	while (count + 1 < TEXT_BYTES &&
	       read_memory(tid, address + count, ret + count, 1) == 1 &&
	       ret[count] > ' ' && ret[count] < 0x7f)
		count++;
	ret[count] = '\0';
}

static void read_link(const char *path, char ret[TEXT_BYTES])
{
	ssize_t count = readlink(path, ret, TEXT_BYTES - 1);

	ret[count < 0 ? 0 : count] = '\0';
}

/* What a call is about: the file of a descriptor, and names. */
static void print_files(const struct thread *thread,
			const struct user_regs_struct *registers)
{
	const uint64_t arguments[] = {registers->rdi, registers->rsi, registers->rdx,
				      registers->r10};
	char text[TEXT_BYTES], path[64];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)thread->tid,
			 (int)arguments[i]);
		if (i == 0 && arguments[i] < 4096)
			read_link(path, text);
		else
			read_text(thread->tid, arguments[i], text);
		if (strchr(text, '/') || strchr(text, '.'))
			fprintf(state.report, " %.*s", TEXT_SHOWN, text);
	}
	fputc('\n', state.report);
}

/* Whether the call is made, and the registers have to be put right when it ends. */
static bool make_fault(const struct thread *thread)
{
	struct user_regs_struct registers;
	unsigned long long *const arguments[] = {&registers.rdi, &registers.rsi,
						 &registers.rdx, &registers.r10,
						 &registers.r8};
	const char *name = calls[state.call].name;

	read_registers(thread->tid, &registers);
	fprintf(state.report, "fault %d %s", index_of(thread), name);
	print_files(thread, &registers);
	state.saved = registers;
	if (!strcmp(name, "close"))
		return true;
	if (!strcmp(name, "brk"))
		registers.rdi =
			0; /* it says where the end is, and so that it has not moved */
	for (size_t i = 0; state.error == 0 && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (!strcmp(sizes[i].name, name) && *arguments[sizes[i].argument] > 1)
			*arguments[sizes[i].argument] = 1;
	if (state.error != 0 && strcmp(name, "brk") != 0) {
		registers.orig_rax = (unsigned long long)-1;
		registers.rax = (unsigned long long)-state.error;
	}
	write_registers(thread->tid, &registers);
	return registers.orig_rax != (unsigned long long)-1;
}

/* The program that is started gets the shim, and one that is to fail the number for it.
 */
static void add_shim(const struct thread *thread, bool has_folder)
{
	struct user_regs_struct registers;
	uint64_t old[256], new[256], place, from;
	char words[2][TEXT_BYTES], start[16];
	size_t count = 0;

	read_registers(thread->tid, &registers);
	from = has_folder ? registers.r10 : registers.rdx;
	snprintf(words[0], TEXT_BYTES, "LD_PRELOAD=%s", state.shim);
	snprintf(words[1], TEXT_BYTES, MEMORY_VARIABLE "=%lu",
		 state.programs == state.program ? state.allocation
		 : state.program < 0             ? MEMORY_LIST
						 : MEMORY_COUNT);
	/* below what the function that starts it uses */
	place = (registers.rsp - 4096 - sizeof(words) - sizeof(new)) & ~UINT64_C(15);
	read_memory(thread->tid, from, old, sizeof(old));
	for (size_t i = 0; i < 250 && old[i]; i++) {
		memset(start, 0, sizeof(start));
		(void)read_memory(thread->tid, old[i], start, sizeof(start) - 1);
		if (strncmp(start, "LD_PRELOAD=", 11) &&
		    strncmp(start, MEMORY_VARIABLE "=", 13))
			new[count++] = old[i];
	}
	new[count++] = place;
	new[count++] = place + TEXT_BYTES;
	new[count++] = 0;
	write_memory(thread->tid, place, words, sizeof(words));
	write_memory(thread->tid, place + sizeof(words), new, count * sizeof(new[0]));
	*(has_folder ? &registers.r10 : &registers.rdx) = place + sizeof(words);
	write_registers(thread->tid, &registers);
}

/* The file that is mapped at @address, and the place in it. */
static bool find_file(pid_t tid, uint64_t address, char ret[TEXT_BYTES],
		      uint64_t *ret_place)
{
	char path[64], line[2 * TEXT_BYTES];
	unsigned long first, end, offset;
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	maps = fopen(path, "re");
	while (!found && maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %511s", &first, &end, &offset,
			   ret) == 4 &&
		    address >= first && address < end) {
			*ret_place = address - first + offset;
			found = true;
		}
	if (maps)
		fclose(maps);
	return found;
}

/* Whether the program has begun, once a call does not come from the loader. */
static bool has_begun(struct thread *thread)
{
	struct user_regs_struct registers;
	char file[TEXT_BYTES];
	uint64_t place;

	if (thread->begun || state.programs == 0)
		return thread->begun;
	read_registers(thread->tid, &registers);
	thread->begun = !find_file(thread->tid, registers.rip, file, &place) ||
			!strstr(file, "/ld-");
	return thread->begun;
}

/* Whether a function of the program returns there. */
static bool is_after_call(pid_t tid, uint64_t address)
{
	uint8_t code[6];

	return address - PROGRAM_ADDRESS < PROGRAM_BYTES &&
	       read_memory(tid, address - sizeof(code), code, sizeof(code)) ==
		       sizeof(code) &&
	       (code[1] == 0xe8 || code[4] == 0xff ||
		(code[0] == 0xff && code[1] == 0x15));
}

/* Which functions of the program have led to a call. */
static uint32_t hash_way(const struct thread *thread)
{
	struct user_regs_struct registers;
	uint64_t words[WAY_BYTES / sizeof(uint64_t)];
	uint32_t hash = 2166136261U;
	size_t count;
	int used = 0;

	read_registers(thread->tid, &registers);
	count = read_memory(thread->tid, registers.rsp, words, sizeof(words)) /
		sizeof(words[0]);
	for (size_t i = 0; i < count && used < CALLS_USED; i++) {
		if (!is_after_call(thread->tid, words[i]))
			continue;
		used++;
		for (int j = 0; j < 32; j += 8)
			hash = (hash ^ (uint8_t)(words[i] >> j)) * 16777619U;
	}
	return hash;
}

/* Return: how it goes on. */
static enum __ptrace_request at_call(struct thread *thread)
{
	unsigned long call;
	unsigned number;

	if (ptrace(PTRACE_GETEVENTMSG, thread->tid, NULL, &call) < 0 || call >= CALLS_MAX)
		return PTRACE_CONT;
	number = ++thread->made[call];
	if (state.listing && has_begun(thread)) {
		struct user_regs_struct registers;

		fprintf(state.report, "call %d %s %u %08x %s", index_of(thread),
			calls[call].name, number, hash_way(thread), calls[call].errors);
		read_registers(thread->tid, &registers);
		print_files(thread, &registers);
	}
	if (state.call == (int)call && state.thread == index_of(thread) &&
	    state.number == number) {
		state.ending = make_fault(thread);
		return state.ending ? PTRACE_SYSCALL : PTRACE_CONT;
	}
	if (state.shim && !strncmp(calls[call].name, "execve", 6))
		add_shim(thread, !strcmp(calls[call].name, "execveat"));
	return PTRACE_CONT;
}

/* A program relies on the registers of the arguments. */
static void at_end_of_call(const struct thread *thread)
{
	struct user_regs_struct registers;

	read_registers(thread->tid, &registers);
	if (!strcmp(calls[state.call].name, "close"))
		registers.rax = (unsigned long long)-state.error;
	registers.rdi = state.saved.rdi;
	registers.rsi = state.saved.rsi;
	registers.rdx = state.saved.rdx;
	registers.r10 = state.saved.r10;
	registers.r8 = state.saved.r8;
	write_registers(thread->tid, &registers);
	state.ending = false;
}

/* @process: that ends by itself, and still has all that it had */
static void print_open(const struct thread *process)
{
	char path[64], text[TEXT_BYTES];

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)process->tid, fd);
		read_link(path, text);
		if (text[0])
			fprintf(state.report, "open %d %s\n", index_of(process), text);
	}
}

/* Where the allocation failed: FILE+PLACE of the functions that led to it. */
static void print_failed(const struct thread *thread, struct memory *memory)
{
	char file[TEXT_BYTES];
	uint64_t place;

	if (state.allocation == 0 || !memory->failed[0] ||
	    thread->program != state.program)
		return;
	fprintf(state.report, "fault %d", index_of(thread));
	for (size_t i = 0; i < MEMORY_DEPTH && memory->failed[i]; i++)
		if (find_file(thread->tid, (uintptr_t)memory->failed[i], file, &place) &&
		    !strstr(file, state.shim))
			fprintf(state.report, " %s+%#lx",
				strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
				(unsigned long)place);
	fputc('\n', state.report);
	state.allocation = 0;
}

static void at_end_of_thread(const struct thread *thread)
{
	unsigned long status = 0;

	if (state.shim && thread->program >= 0 &&
	    read_memory(thread->tid, MEMORY_ADDRESS, &state.memory[thread->program],
			sizeof(struct memory)) == sizeof(struct memory))
		print_failed(thread, &state.memory[thread->program]);
	if (ptrace(PTRACE_GETEVENTMSG, thread->tid, NULL, &status) == 0 &&
	    WIFEXITED(status) && thread->is_process)
		print_open(thread);
}

static void at_start_of_program(struct thread *thread)
{
	if (state.programs == PROGRAMS_MAX)
		errx(126, "over %d programs", PROGRAMS_MAX);
	thread->program = state.programs++;
	thread->is_process = true;
	thread->begun = false;
}

static void at_start_of_thread(const struct thread *parent, unsigned event)
{
	unsigned long tid;
	struct thread *thread;

	if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &tid) < 0)
		return;
	thread = find_thread((pid_t)tid);
	thread->program = parent->program;
	thread->begun = parent->begun;
	thread->is_process = event != PTRACE_EVENT_CLONE;
}

static bool is_crash(int signal)
{
	static const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE,
				      SIGILL,  SIGSYS,  SIGTRAP};

	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		if (signal == crashes[i])
			return true;
	return false;
}

static void note_crash(const struct thread *thread, int signal)
{
	struct user_regs_struct registers;
	char file[TEXT_BYTES] = "?";
	uint64_t place = 0, words[WAY_BYTES / sizeof(uint64_t)];
	size_t count, i = 0;

	read_registers(thread->tid, &registers);
	(void)find_file(thread->tid, registers.rip, file, &place);
	fprintf(state.report, "crash %d SIG%s %s+%#lx", index_of(thread),
		sigabbrev_np(signal), strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
		(unsigned long)place);
	count = read_memory(thread->tid, registers.rsp, words, sizeof(words)) /
		sizeof(words[0]);
	while (i < count && !is_after_call(thread->tid, words[i]))
		i++;
	if (i < count && find_file(thread->tid, words[i], file, &place))
		fprintf(state.report, " %s+%#lx", strrchr(file, '/') + 1,
			(unsigned long)place);
	fputc('\n', state.report);
}

static void note_end(const struct thread *thread, int status)
{
	if (WIFSIGNALED(status) && is_crash(WTERMSIG(status)))
		fprintf(state.report, "died %d SIG%s\n", index_of(thread),
			sigabbrev_np(WTERMSIG(status)));
}

static void at_stop(struct thread *thread, int status)
{
	unsigned event = (unsigned)status >> 16;
	enum __ptrace_request way = PTRACE_CONT;
	int signal = 0;

	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		way = at_call(thread);
		break;
	case PTRACE_EVENT_EXEC:
		at_start_of_program(thread);
		break;
	case PTRACE_EVENT_EXIT:
		at_end_of_thread(thread);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		at_start_of_thread(thread, event);
		break;
	case 0:
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && state.ending)
			at_end_of_call(thread);
		else if (WSTOPSIG(status) != SIGSTOP &&
			 WSTOPSIG(status) != (SIGTRAP | 0x80))
			signal = WSTOPSIG(status);
		if (is_crash(signal))
			note_crash(thread, signal);
		break;
	default:
		break;
	}
	(void)ptrace(way, thread->tid, NULL, (void *)(intptr_t)signal);
}

/* Return: exit status of the first process. */
static int follow(void)
{
	int status, result = 126;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		struct thread *thread = find_thread(tid);

		if (WIFSTOPPED(status)) {
			at_stop(thread, status);
			continue;
		}
		note_end(thread, status);
		thread->tid = -1; /* another one may get the number */
		if (tid == state.first)
			result = WIFEXITED(status) ? WEXITSTATUS(status)
						   : 128 + WTERMSIG(status);
	}
	return result;
}

static void print_memory(void)
{
	for (int i = 0; state.shim && state.program < 0 && i < state.programs; i++) {
		const struct memory *memory = &state.memory[i];

		fprintf(state.report, "memory %d %lu", i, memory->count);
		for (unsigned long j = 0; j < memory->ways; j++)
			fprintf(state.report, " %u:%08x", memory->first[j],
				memory->hash[j]);
		fputc('\n', state.report);
	}
}

static void start(char **argv)
{
	state.first = fork();
	if (state.first < 0)
		err(126, "fork");
	if (state.first == 0) {
		/* the same addresses each time */
		(void)personality(ADDR_NO_RANDOMIZE);
		if (state.root && (chroot(state.root) < 0 || chdir("/device") < 0))
			err(126, "%s", state.root);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			err(126, "ptrace");
		raise(SIGSTOP);
		filter_calls();
		execvp(argv[0], argv);
		err(126, "%s", argv[0]);
	}
	if (waitpid(state.first, NULL, 0) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, state.first, NULL,
		   PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEEXEC |
			   PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			   PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD) < 0)
		err(126, "ptrace");
	find_thread(state.first)->is_process = true;
	(void)ptrace(PTRACE_CONT, state.first, NULL, NULL);
}

static void read_call(char *text)
{
	const char *thread = strsep(&text, ":"), *call = strsep(&text, ":");
	const char *number = strsep(&text, ":");

	if (!number || !text)
		errx(126, "--call THREAD:CALL:NUMBER:ERROR");
	state.thread = atoi(thread);
	state.call = find_call(call);
	state.number = (unsigned)atoi(number);
	state.error = find_error(text);
}

static void read_allocation(char *text)
{
	const char *program = strsep(&text, ":");

	if (!text)
		errx(126, "--allocation PROGRAM:NUMBER");
	state.program = atoi(program);
	state.allocation = strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	int status;

	argv++;
	for (; argc > 2 && argv[0] && !strncmp(argv[0], "--", 2) && argv[1]; argv += 2)
		if (!strcmp(argv[0], "--call"))
			read_call(argv[1]);
		else if (!strcmp(argv[0], "--root"))
			state.root = argv[1];
		else if (!strcmp(argv[0], "--memory"))
			state.shim = argv[1];
		else if (!strcmp(argv[0], "--allocation"))
			read_allocation(argv[1]);
		else
			errx(126, "%s: unknown option", argv[0]);
	if (!argv[0] || !argv[1])
		errx(126, "REPORT COMMAND...");
	state.listing = state.call < 0 && !state.shim;
	state.report = fopen(argv[0], "we");
	if (!state.report)
		err(126, "%s", argv[0]);
	start(argv + 1);
	status = follow();
	print_memory();
	if (fclose(state.report) != 0)
		err(126, "report");
	return status;
}
