/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files that speak ssh share. */

#include "installer/fetch/known_hosts_file.h"
#include "installer/fetch/ssh.h"

#define SOURCE_SSH_METHODS_MAX    128
#define SOURCE_SSH_IDENTITIES_MAX 3

/* Of one transfer; lives in @transfer->private. */
struct source_ssh {
	/* What the server is called where known hosts are. */
	char name[KNOWN_HOSTS_NAME_MAX];
	char *known; /* the file's text; owned */
	size_t known_size;
	/* libcurl asks for a key of the type that is known; this is where it reads it. */
	int type_fd;      /* -1: none */
	bool is_any_type; /* it has no such key any more */
	bool is_shown;    /* a key has been, in this try: */
	struct known_hosts_key key;
	enum known_hosts_verdict verdict;
	struct known_hosts_entry entry; /* that the verdict is from */
	bool is_accepted;               /* a person has: */
	struct known_hosts_key accepted;

	/* Private keys that are tried, one in each try; owned. */
	char *identities[SOURCE_SSH_IDENTITIES_MAX];
	size_t identity_count, identity;
	char methods[SOURCE_SSH_METHODS_MAX]; /* of login, as the server says; "": not yet
					       */
};

static inline struct source_ssh *source_ssh_of(const struct source_transfer *transfer)
{
	return transfer->private;
}

/**
 * source_ssh_host_prepare - have the server's key checked in this try
 */
int source_ssh_host_prepare(struct source_transfer *transfer,
			    struct verity_error *err) must_check;

/**
 * source_ssh_host_explain - why a try ended, if it was for the server's key
 *
 * Return: 0 where it was not; -ECOMM (HOST_KEY).
 */
int source_ssh_host_explain(const struct source_transfer *transfer,
			    struct verity_error *err) must_check;

/**
 * source_ssh_host_amend - ask whether a key that nobody knows is the right one
 *
 * Return: see struct source_protocol.
 */
int source_ssh_host_amend(struct source_transfer *transfer,
			  struct verity_error *err) must_check;

/**
 * source_ssh_login_find - find the keys of who runs this
 */
int source_ssh_login_find(struct source_ssh *ssh, struct verity_error *err) must_check;

/**
 * source_ssh_login_prepare - have them tried, then a password if there is one
 */
int source_ssh_login_prepare(struct source_transfer *transfer,
			     struct verity_error *err) must_check;

/**
 * source_ssh_login_explain - say that nobody was let in
 *
 * Return: -ECOMM (LOGIN).
 */
int source_ssh_login_explain(struct source_transfer *transfer,
			     struct verity_error *err) must_check;
