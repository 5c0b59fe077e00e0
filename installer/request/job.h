/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is fetched, and for whom. A transfer opens nothing by itself and asks nobody: what
 * it needs is in the job, and the rest goes through the client. The job is a file in
 * memory that the process of the transfer gets from who starts it, a program of the same
 * build.
 */

#include "installer/request/known_hosts.h"
#include "verity/util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define JOB_KEYS_MAX         3
#define LOGIN_ASKS_MAX       3 /* for a password */
#define TRANSFER_RETRIES_MAX 3 /* one after the other */

struct protocol;

/* Bytes of a file. */
struct part {
	int64_t first;
	int64_t end; /* the byte after the last */
};

/* Bytes of @lines for known hosts of @size bytes: names stand there twice, and one is
 * added. */
#define JOB_LINES_SIZE(size) (4 * (size) + (32U << 10))

/* A file that libcurl opens by its path, and whose content is changed between tries. */
struct transfer_file {
	const char *path;
	char *bytes;
	size_t size;
};

/* Plain data, all borrowed; NULL: not given, or not needed by the protocol. */
struct transfer_job {
	const struct protocol *protocol;
	const char *url;  /* without user and password */
	const char *host; /* of it: an IPv6 address with its brackets */
	uint16_t port;
	const char *user, *password;
	const char *known; /* version that the client has: is the file still this one? */
	bool has_user, has_password; /* given with the command: it is not asked for */
	bool can_ask;                /* there is a person at a terminal */
	const char *authorities;     /* PEM text for https; NULL: those of libcurl */
	size_t authorities_size;
	const char *
		authorities_default; /* where libcurl has them; set where they are used */
	const char *known_hosts;     /* text of the file */
	size_t known_hosts_size;
	const char *known_hosts_path; /* only for messages */
	struct transfer_file
		lines; /* which of them libcurl is given; see JOB_LINES_SIZE */
	struct job_text {
		const char *text;
		size_t size;
	} keys[JOB_KEYS_MAX]; /* ssh keys */
	size_t key_count;
	bool has_rsa_key;    /* the last of them is of RSA */
	int64_t first_bytes; /* are wanted first, see @next; 0: all of the file */
	const char *key_paths[JOB_KEYS_MAX]; /* of files that libcurl finds them in */
	uid_t uid;                           /* that the process gets, if it is of root */
	gid_t gid;
	pid_t parent; /* who started it */
};

/**
 * job_send - write a job into a file in memory
 * @job: all but @lines and @key_paths
 * @ret: descriptor; set on success only
 *
 * Return: 0; -errno.
 */
int job_send(const struct transfer_job *job, int *ret,
	     struct verity_error *err) must_check;

/**
 * job_receive - read a job; once in each process
 * @fd:  from job_send()
 * @ret: set on success only; it borrows from a mapping that stays
 *
 * Return: 0; -EBADMSG if it is malformed, or was sent by another version; -errno.
 */
int job_receive(int fd, struct transfer_job *ret) must_check;

/* What takes the bytes, and knows the terminal. A negative return ends the transfer. */
struct transfer_client {
	int (*take)(void *context, const void *bytes, size_t count,
		    struct verity_error *err);
	/*
	 * All that was asked for was taken, and the server can send parts: which bytes
	 * come next. Those before @ret->first have been taken or are not needed; an empty
	 * part: no more are. Only if the job has @first_bytes. A server that cannot sends
	 * the whole file, and nothing is asked. May be NULL.
	 */
	int (*next)(void *context, struct part *ret, struct verity_error *err);
	/* The file itself tells that all of it was taken. May be NULL. */
	bool (*is_whole)(void *context);
	/* Nothing more comes for some time: what was kept back is needed now. May be
	 * NULL. */
	int (*flush)(void *context, struct verity_error *err);
	/* The length of the whole file is known now; again if it is found out again. */
	void (*length)(void *context, int64_t bytes);
	/* The bytes come from here, after redirects; before the first of them. */
	void (*origin)(void *context, const char *url);
	/*
	 * What identifies this version of the file; before the first byte. @unchanged: it
	 * is the one that is known, and no byte follows.
	 */
	void (*version)(void *context, const char *version, bool unchanged);
	/* @number: the address of @host; IPv6 without brackets */
	void (*connecting)(void *context, const char *host, const char *number,
			   const char *port, bool is_v6);
	/* The connection was lost: what follows continues where it ended. */
	void (*retrying)(void *context, unsigned retry);
	/*
	 * Asks for the password of the user. @why: what was wrong with the one before;
	 * NULL: it is the first. @ret_user is borrowed, @ret_password is to be wiped.
	 */
	int (*ask_password)(void *context, const char *why, const char **ret_user,
			    char **ret_password, struct verity_error *err);
	/* Asks whether @key is the one of the server, and remembers that it is. */
	int (*accept_host_key)(void *context, const struct known_hosts_key *key,
			       struct verity_error *err);
	void *context; /* borrowed */
};
