/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A known_hosts file as OpenSSH writes it, sshd(8); pure. libcurl matches names and keys;
 * this chooses the lines that it is given, because libssh2 ignores markers and patterns
 * and takes the first line that it cannot read for the end of the file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KNOWN_HOSTS_BYTES_MAX (1U << 20) /* of a file */
#define KNOWN_HOSTS_LINE_MAX  4000U      /* libssh2 reads lines of 4091 bytes */
#define KNOWN_HOSTS_KEY_MAX   8192U      /* bytes of a key */
#define KNOWN_HOSTS_TYPE_MAX  64U        /* bytes of the name of its type */
#define KNOWN_HOSTS_NAME_MAX  280U       /* "[HOST]:PORT" */

/* "SHA256:", 43 characters of base64, 0 */
#define KNOWN_HOSTS_FINGERPRINT_BYTES 51

/* A public key as it is sent (RFC 4253, 6.6). Plain data. */
struct known_hosts_key {
	size_t size;
	uint8_t bytes[KNOWN_HOSTS_KEY_MAX];
};

/* The message where known_hosts_name() fails */
#define KNOWN_HOSTS_NO_NAME "a host of this name cannot be used with ssh"

/* Which lines libcurl is given. */
struct known_hosts_filter {
	bool has_port; /* the port is not 22: names without a port are left out */
	bool has_rsa;  /* an RSA key can be asked for */
	/*
	 * NULL: lines of types that can be asked for. Otherwise all lines, with this type
	 * in place of their own: so it is found whether a host has a key of another type.
	 */
	const char *type;
};

/**
 * known_hosts_name - the name of a host in such a file
 * @host: an IPv6 address with or without brackets
 *
 * Return: false if it is too long, or cannot be written there.
 */
bool known_hosts_name(const char *host, unsigned port,
		      char ret[static KNOWN_HOSTS_NAME_MAX]);

/**
 * known_hosts_key_take - copy a key
 * @bytes: of @size bytes; if @size is 0, base64 with an ending 0
 *
 * Return: false if it is none, or too long.
 */
bool known_hosts_key_take(const char *bytes, size_t size, struct known_hosts_key *ret);

/**
 * known_hosts_key_type - "ssh-ed25519" and the like
 * @key: from known_hosts_key_take()
 */
void known_hosts_key_type(const struct known_hosts_key *key,
			  char ret[static KNOWN_HOSTS_TYPE_MAX + 1]);

/**
 * known_hosts_type_name - "ED25519", "ECDSA", "RSA"; "unknown" for other types
 */
const char *known_hosts_type_name(const char *type);

/**
 * known_hosts_fingerprint - "SHA256:…" as ssh prints it
 */
void known_hosts_fingerprint(const struct known_hosts_key *key,
			     char ret[static KNOWN_HOSTS_FINGERPRINT_BYTES]);

/**
 * known_hosts_filtered - the lines for libcurl
 * @ret_unclear: number of the first line that may mean any host: with a pattern, an
 * unknown marker, or malformed; 0: none. Set on success only
 *
 * Lines @cert-authority and @revoked are left out, see known_hosts_find() for the latter.
 *
 * Return: to be freed; NULL if there is no memory.
 */
char *known_hosts_filtered(const char *text, size_t size,
			   const struct known_hosts_filter *filter, size_t *ret_unclear);

/**
 * known_hosts_find - the number of a line with @key; 0: none
 * @name: the first line that may mean this host; NULL: the first that revokes the key,
 * for whatever host
 */
size_t known_hosts_find(const char *text, size_t size, const struct known_hosts_key *key,
			const char *name);

/**
 * known_hosts_line - the line that makes @key known for @name, with its end
 *
 * Return: to be freed; NULL if there is no memory.
 */
char *known_hosts_line(const char *name, const struct known_hosts_key *key);

/**
 * known_hosts_list - call @take for each line that makes a key known
 * @take: @hosts: @size bytes, as they stand there; borrowed, like @key
 */
void known_hosts_list(const char *text, size_t size,
		      void (*take)(void *context, const char *hosts, size_t hosts_size,
				   const struct known_hosts_key *key),
		      void *context);

/**
 * known_hosts_without - the text without the lines that make a key of a host known
 * @name:      from known_hosts_name(), or as it stands there
 * @ret_count: how many lines these are, also of several hosts
 *
 * Lines that revoke a key stay, and so do those that cannot be read.
 *
 * Return: to be freed; NULL if there is no memory.
 */
char *known_hosts_without(const char *text, size_t size, const char *name,
			  size_t *ret_count);
