/* SPDX-License-Identifier: MIT */
/* Decoding and comparing the lists of methods that the sides of ssh offer. */
#include "installer/transfer/ssh_kexinit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "verity/util/text.h"

#define GREETING     "SSH-"
#define PACKET_MAX   35000U /* bytes, RFC 4253, 6.1 */
#define PACKET_HEAD  5U     /* its length, and that of its padding */
#define TYPE_KEXINIT 20
#define COOKIE_BYTES 16U

#define NAME_BYTES  64U  /* that are shown of a name: RFC 4251, 6 */
#define NAMES_BYTES 200U /* of all names in one message, about */

static const struct {
	const char *what, *setting; /* of OpenSSH */
} kinds[] = {
	[SSH_KEY_EXCHANGE] = {"key exchange", "KexAlgorithms"},
	[SSH_HOST_KEY] = {"host key type", "HostKeyAlgorithms"},
	[SSH_CIPHER_TO_SERVER] = {"cipher", "Ciphers"},
	[SSH_CIPHER_TO_CLIENT] = {"cipher", "Ciphers"},
	[SSH_MAC_TO_SERVER] = {"MAC", "MACs"},
	[SSH_MAC_TO_CLIENT] = {"MAC", "MACs"},
	[SSH_COMPRESSION_TO_SERVER] = {"compression", "Compression"},
	[SSH_COMPRESSION_TO_CLIENT] = {"compression", "Compression"},
};

static uint32_t number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	       at[3];
}

static int decode_lists(const uint8_t *at, size_t left, struct ssh_kexinit *ret)
{
	struct ssh_kexinit found;

	for (size_t i = 0; i < SSH_LISTS; i++) {
		size_t size;

		if (left < 4)
			return -EBADMSG;
		size = number(at);
		at += 4;
		left -= 4;
		if (size > left)
			return -EBADMSG;
		found.lists[i] = (struct ssh_names){(const char *)at, size};
		at += size;
		left -= size;
	}
	*ret = found;
	return 0;
}

int ssh_kexinit_decode(const uint8_t *bytes, size_t size, struct ssh_kexinit *ret)
{
	bool is_greeting = false;
	uint32_t packet;

	/* A server may say something to people first. */
	while (!is_greeting) {
		const uint8_t *end = size ? memchr(bytes, '\n', size) : NULL;
		size_t line = end ? (size_t)(end - bytes) + 1 : 0;

		if (!end)
			return -EAGAIN;
		is_greeting = line > strlen(GREETING) &&
			      memcmp(bytes, GREETING, strlen(GREETING)) == 0;
		bytes += line;
		size -= line;
	}
	if (size < PACKET_HEAD + 1)
		return -EAGAIN;
	packet = number(bytes);
	if (packet > PACKET_MAX || packet < 2U + bytes[4] + COOKIE_BYTES ||
	    bytes[PACKET_HEAD] != TYPE_KEXINIT)
		return -EBADMSG;
	if (size - 4 < packet)
		return -EAGAIN;
	return decode_lists(bytes + PACKET_HEAD + 1 + COOKIE_BYTES,
			    packet - 2 - bytes[4] - COOKIE_BYTES, ret);
}

/* The first name of @names, and the rest in it; false if there is none. */
static bool next_name(struct ssh_names *names, struct ssh_names *ret)
{
	while (names->size > 0) {
		const char *comma = memchr(names->text, ',', names->size);
		size_t size = comma ? (size_t)(comma - names->text) : names->size;

		*ret = (struct ssh_names){names->text, size};
		names->text += comma ? size + 1 : size;
		names->size -= comma ? size + 1 : size;
		if (size > 0)
			return true;
	}
	return false;
}

static bool begins(const struct ssh_names *name, const char *with)
{
	return name->size >= strlen(with) && memcmp(name->text, with, strlen(with)) == 0;
}

/* Signals of an extension that stand among the key exchanges (RFC 8308, strict KEX). */
static bool is_signal(const struct ssh_names *name)
{
	return begins(name, "ext-info-") || begins(name, "kex-strict-");
}

/* The choice is the first of the client that the server has, too. */
static bool choose(const struct ssh_kexinit *device, const struct ssh_kexinit *server,
		   enum ssh_list list, struct ssh_names *ret)
{
	struct ssh_names ours = device->lists[list], name;

	while (next_name(&ours, &name)) {
		struct ssh_names theirs = server->lists[list], other;

		while (!is_signal(&name) && next_name(&theirs, &other))
			if (name.size == other.size &&
			    memcmp(name.text, other.text, name.size) == 0) {
				*ret = name;
				return true;
			}
	}
	return false;
}

/* Some ciphers are their own MAC. */
static bool is_common(const struct ssh_kexinit *device, const struct ssh_kexinit *server,
		      enum ssh_list list)
{
	enum ssh_list cipher_list = list == SSH_MAC_TO_SERVER   ? SSH_CIPHER_TO_SERVER
				    : list == SSH_MAC_TO_CLIENT ? SSH_CIPHER_TO_CLIENT
								: list;
	struct ssh_names unused, cipher;

	return choose(device, server, list, &unused) ||
	       (cipher_list != list && choose(device, server, cipher_list, &cipher) &&
		(memmem(cipher.text, cipher.size, "gcm@", 4) ||
		 begins(&cipher, "chacha20-poly1305")));
}

/* The first name in any case, others in up to @room bytes, and how many are left out. */
static void put_names(struct ssh_names names, size_t room,
		      char ret[static SSH_DISAGREEMENT_MAX])
{
	size_t begin = strlen(ret), left_out = 0;
	struct ssh_names name;

	while (next_name(&names, &name)) {
		size_t used = strlen(ret) - begin;
		size_t size = name.size < NAME_BYTES ? name.size : NAME_BYTES;
		char text[NAME_BYTES + 1];

		if (is_signal(&name))
			continue;
		/* Not snprintf(), which ends at a 0. */
		for (size_t i = 0; i < size; i++) {
			text[i] = '?';
			if (name.text[i] > ' ' && name.text[i] < 0x7f)
				text[i] = name.text[i];
		}
		text[size] = '\0';
		if (left_out > 0 || (used > 0 && used + 2 + size > room))
			left_out++;
		else
			verity_text_append(ret, SSH_DISAGREEMENT_MAX, "%s%s",
					   used ? ", " : "", text);
	}
	if (strlen(ret) == begin)
		verity_text_append(ret, SSH_DISAGREEMENT_MAX, "none");
	if (left_out > 0)
		verity_text_append(ret, SSH_DISAGREEMENT_MAX, " and %zu more", left_out);
}

/* Each list of @failed, as far as there is room for a whole one. */
static void put_lists(const struct ssh_kexinit *device, const struct ssh_kexinit *server,
		      const enum ssh_list *failed, size_t count,
		      char ret[static SSH_DISAGREEMENT_MAX])
{
	for (size_t i = 0; i < count; i++) {
		size_t room = NAMES_BYTES / (2 * count);
		char text[SSH_DISAGREEMENT_MAX] = "";

		if (count > 1)
			verity_text_append(text, sizeof(text), "%s%s: ", i ? "; " : "",
					   kinds[failed[i]].what);
		verity_text_append(text, sizeof(text), "the server has ");
		put_names(server->lists[failed[i]], room, text);
		verity_text_append(text, sizeof(text), ", this device has ");
		put_names(device->lists[failed[i]], room, text);
		if (i > 0 && strlen(ret) + strlen(text) >= SSH_DISAGREEMENT_MAX)
			return;
		verity_text_append(ret, SSH_DISAGREEMENT_MAX, "%s", text);
	}
}

bool ssh_kexinit_disagreement(const struct ssh_kexinit *device,
			      const struct ssh_kexinit *server,
			      char ret[static SSH_DISAGREEMENT_MAX],
			      char ret_settings[static SSH_SETTINGS_MAX])
{
	enum ssh_list failed[SSH_LISTS] = {0};
	size_t count = 0;

	for (enum ssh_list list = 0; list < SSH_LISTS; list++) {
		/* Both directions are one setting. */
		bool is_named = count > 0 && strcmp(kinds[failed[count - 1]].setting,
						    kinds[list].setting) == 0;

		if (!is_named && !is_common(device, server, list))
			failed[count++] = list;
	}
	if (count == 0)
		return false;
	ret[0] = ret_settings[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		verity_text_append(ret, SSH_DISAGREEMENT_MAX, "%sno %s",
				   i == 0           ? ""
				   : i == count - 1 ? " and "
						    : ", ",
				   kinds[failed[i]].what);
		verity_text_append(ret_settings, SSH_SETTINGS_MAX, "%s%s", i ? ", " : "",
				   kinds[failed[i]].setting);
	}
	verity_text_append(ret, SSH_DISAGREEMENT_MAX, " in common with the server: ");
	put_lists(device, server, failed, count, ret);
	return true;
}
