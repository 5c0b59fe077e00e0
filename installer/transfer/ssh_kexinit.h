/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What one side of an ssh connection offers, and what two sides have not in common; pure.
 * Both say it in clear, first of all (RFC 4253, 4.2 and 7.1).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of what a side may send until then: lines, its greeting, the packet. */
#define SSH_KEXINIT_ROOM (64U << 10)

#define SSH_DISAGREEMENT_MAX 304 /* bytes of a message, with the ending 0 */
#define SSH_SETTINGS_MAX     72  /* bytes of all names of settings, likewise */

/* In the order of the packet */
enum ssh_list {
	SSH_KEY_EXCHANGE,
	SSH_HOST_KEY,
	SSH_CIPHER_TO_SERVER,
	SSH_CIPHER_TO_CLIENT,
	SSH_MAC_TO_SERVER,
	SSH_MAC_TO_CLIENT,
	SSH_COMPRESSION_TO_SERVER,
	SSH_COMPRESSION_TO_CLIENT,
	SSH_LISTS,
};

/* Names with commas between them, best first; as they were sent: not to be printed. */
struct ssh_kexinit {
	struct ssh_names {
		const char *text; /* borrowed; not 0-terminated */
		size_t size;
	} lists[SSH_LISTS];
};

/**
 * ssh_kexinit_decode - find the lists in what a side has sent since the connection began
 * @ret: set on success only; borrows from @bytes
 *
 * Return: 0; -EAGAIN if more has to come; -EBADMSG if it is something else.
 */
int ssh_kexinit_decode(const uint8_t *bytes, size_t size, struct ssh_kexinit *ret);

/**
 * ssh_kexinit_disagreement - name the lists in which the two have nothing in common
 * @ret:          "no cipher in common with the server: the server has A, B, this device
 *                has C, D", safe to print; long lists are cut
 * @ret_settings: of OpenSSH for these lists: "Ciphers"
 *
 * Return: false if there is no such list.
 */
bool ssh_kexinit_disagreement(const struct ssh_kexinit *device,
			      const struct ssh_kexinit *server,
			      char ret[static SSH_DISAGREEMENT_MAX],
			      char ret_settings[static SSH_SETTINGS_MAX]);
