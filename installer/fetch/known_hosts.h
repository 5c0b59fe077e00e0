/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which ssh host keys are known: the format of OpenSSH's known_hosts, sshd(8). Pure: text
 * in, a verdict out. Lines that cannot be read, those of certificate authorities, and
 * those of more than KNOWN_HOSTS_LINE_MAX bytes know nobody.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KNOWN_HOSTS_BYTES_MAX (1U << 20) /* of a file */
#define KNOWN_HOSTS_LINE_MAX  16384U
#define KNOWN_HOSTS_KEY_MAX   8192U /* bytes of a key */
#define KNOWN_HOSTS_TYPE_MAX  64U   /* bytes of the name of its type */
#define KNOWN_HOSTS_NAME_MAX  280U  /* "[HOST]:PORT" */

/* "SHA256:", 43 characters of base64, 0 */
#define KNOWN_HOSTS_FINGERPRINT_BYTES 51

/* A public key as it goes over the wire (RFC 4253, 6.6). */
struct known_hosts_key {
	size_t size;
	uint8_t bytes[KNOWN_HOSTS_KEY_MAX];
};

/* A line that speaks of the host that was asked about. */
struct known_hosts_entry {
	size_t line; /* 1 is the first */
	bool is_revoked;
	struct known_hosts_key key;
};

enum known_hosts_verdict {
	KNOWN_HOSTS_UNKNOWN, /* no line speaks of the host */
	KNOWN_HOSTS_SAME,
	KNOWN_HOSTS_OTHER, /* the host is known, with another key */
	KNOWN_HOSTS_REVOKED,
};

/**
 * known_hosts_name - what a host is called in such a file
 * @host: without brackets
 *
 * Return: whether it fits, and can be written there.
 */
bool known_hosts_name(const char *host, unsigned port,
		      char ret[static KNOWN_HOSTS_NAME_MAX]);

/**
 * known_hosts_key_take - copy a key that a server has shown
 *
 * Return: whether it is one, of a size that is.
 */
bool known_hosts_key_take(const void *bytes, size_t size, struct known_hosts_key *ret);

/**
 * known_hosts_key_type - "ssh-ed25519" and the like
 * @key: from known_hosts_key_take() or an entry
 */
void known_hosts_key_type(const struct known_hosts_key *key,
			  char ret[static KNOWN_HOSTS_TYPE_MAX + 1]);

/**
 * known_hosts_key_kind - the same as people know it: "ED25519", "ECDSA", "RSA"
 *
 * Return: a constant; "unknown" for others.
 */
const char *known_hosts_key_kind(const struct known_hosts_key *key);

bool known_hosts_same_type(const struct known_hosts_key *one,
			   const struct known_hosts_key *other);

/**
 * known_hosts_fingerprint - "SHA256:…" as ssh prints it
 */
void known_hosts_fingerprint(const struct known_hosts_key *key,
			     char ret[static KNOWN_HOSTS_FINGERPRINT_BYTES]);

/**
 * known_hosts_next - the next entry for @name
 * @place: where to go on in @text, 0 at first; moved
 * @line:  lines gone by, 0 at first; moved
 * @name:  from known_hosts_name()
 * @ret:   set on success alone
 *
 * Return: whether there is one.
 */
bool known_hosts_next(const char *text, size_t size, const char *name, size_t *place,
		      size_t *line, struct known_hosts_entry *ret);

/**
 * known_hosts_judge - whether @name is known, and with this key
 * @ret: the line that says so; set unless KNOWN_HOSTS_UNKNOWN is returned. Of several
 * other keys the first of the same type, else the first.
 */
enum known_hosts_verdict known_hosts_judge(const char *text, size_t size,
					   const char *name,
					   const struct known_hosts_key *key,
					   struct known_hosts_entry *ret);

/**
 * known_hosts_line - the line that makes @name known, with its end
 *
 * Return: the caller's to free(); NULL where there is no memory.
 */
char *known_hosts_line(const char *name, const struct known_hosts_key *key);
