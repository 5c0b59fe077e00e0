/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a transfer in a process without rights and its client say to each other, over two
 * pipes. Pure. Whoever reads does not trust who writes: a stranger may have taken it
 * over.
 *
 * A message is its type (1 byte), the size of its content (3 bytes, little-endian), and
 * the content. Texts in it end with a 0.
 */

#include "installer/request/address.h"
#include "installer/request/job.h"
#include "installer/request/known_hosts.h"
#include "verity/util/error.h"

#define MESSAGE_HEAD        4
#define MESSAGE_BYTES_MAX   ((256U << 10) - MESSAGE_HEAD) /* of the file in one message */
#define MESSAGE_CONTENT_MAX (KNOWN_HOSTS_KEY_MAX + 64)    /* of all other types */
#define MESSAGE_NUMBER_MAX  64   /* bytes of a numeric address, with its zone */
#define MESSAGE_SECRET_MAX  1280 /* bytes of a user name or a password */
#define MESSAGE_URL_MAX     4096
#define MESSAGE_VERSION_MAX 256 /* bytes of what identifies a version of a file */

enum message_type {
	/* from the transfer */
	MESSAGE_BYTES = 1, /* of the file */
	MESSAGE_LENGTH,    /* of the file */
	MESSAGE_ORIGIN,    /* the URL that the bytes come from, after redirects */
	MESSAGE_VERSION,   /* what identifies the file; or it is the one that is known */
	MESSAGE_CONNECTING,
	MESSAGE_RETRYING,
	MESSAGE_WANTS_PASSWORD, /* answered by MESSAGE_LOGIN */
	MESSAGE_WANTS_HOST_KEY, /* answered by MESSAGE_ACCEPTED */
	MESSAGE_WANTS_PART,     /* answered by MESSAGE_PART */
	MESSAGE_DONE,
	MESSAGE_FAILED,
	/* from the client; if it does not accept, it ends the transfer */
	MESSAGE_LOGIN,
	MESSAGE_ACCEPTED,
	MESSAGE_PART,
};

/* Plain data. Which members count depends on the type. */
struct message {
	enum message_type type;
	const uint8_t *bytes; /* BYTES; borrowed */
	size_t size;
	int64_t number; /* LENGTH; RETRYING: which; FAILED: enum verity_code */
	/* CONNECTING: IPv6; WANTS_PASSWORD: there was a wrong one; VERSION: unchanged */
	bool flag;
	union {
		char text[MESSAGE_URL_MAX]; /* ORIGIN, VERSION, FAILED, WANTS_PASSWORD */
		struct {
			char host[ADDRESS_HOST_MAX + 1];
			char number[MESSAGE_NUMBER_MAX];
			char port[ADDRESS_PORT_MAX + 1];
		} address; /* CONNECTING */
		struct {
			char user[MESSAGE_SECRET_MAX], password[MESSAGE_SECRET_MAX];
		} login;                    /* LOGIN */
		struct known_hosts_key key; /* WANTS_HOST_KEY */
		struct part part;           /* PART */
	};
};

/**
 * message_head - decode the head of a message
 *
 * Return: 0; -EBADMSG if there is no such type, or none of this size.
 */
int message_head(const uint8_t head[static MESSAGE_HEAD], enum message_type *ret_type,
		 size_t *ret_size) must_check;

/**
 * message_decode - decode the content of a message
 * @content: of @size bytes, as message_head() has said
 * @ret:     set on success only; refers to @content if it is of type BYTES
 *
 * Return: 0; -EBADMSG.
 */
int message_decode(enum message_type type, const uint8_t *content, size_t size,
		   struct message *ret) must_check;

/**
 * message_encode - all of a message, for BYTES only its head
 * @ret: room for MESSAGE_HEAD + MESSAGE_CONTENT_MAX bytes
 *
 * Return: bytes written to @ret.
 */
size_t message_encode(const struct message *message, uint8_t *ret);
