/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <errno.h>

#include "installer/transfer/ssh_kexinit.h"

#define LISTS 10 /* with the two of languages, which nobody uses */

/* Kex, host keys, cipher of both directions, MAC of both, compression of both */
static const char *const good[LISTS] = {
	"curve25519-sha256,ext-info-c",
	"ssh-ed25519",
	"aes256-ctr,aes128-ctr",
	"aes256-ctr,aes128-ctr",
	"hmac-sha1",
	"hmac-sha1",
	"none,zlib",
	"none,zlib",
	"",
	"",
};

static uint8_t *put_number(uint8_t *at, size_t number)
{
	*at++ = (uint8_t)(number >> 24);
	*at++ = (uint8_t)(number >> 16);
	*at++ = (uint8_t)(number >> 8);
	*at++ = (uint8_t)number;
	return at;
}

/* A greeting and the packet after it; @ret: 4096 bytes. Return: the size of both. */
static size_t make(const char *greeting, const char *const *lists, uint8_t *ret)
{
	uint8_t *head = ret + strlen(greeting), *at = head + 22;

	memset(ret, 0, 4096);
	memcpy(ret, greeting, strlen(greeting));
	for (size_t i = 0; i < LISTS; i++) {
		at = put_number(at, strlen(lists[i]));
		memcpy(at, lists[i], strlen(lists[i]));
		at += strlen(lists[i]);
	}
	at += 5 + 8;
	put_number(head, (size_t)(at - head) - 4);
	head[4] = 8;
	head[5] = 20;
	return (size_t)(at - ret);
}

static void check_list(const struct ssh_kexinit *kexinit, enum ssh_list list,
		       const char *text)
{
	assert_int_equal(kexinit->lists[list].size, strlen(text));
	assert_memory_equal(kexinit->lists[list].text, text, strlen(text));
}

static void test_decode(void **state)
{
	static const char *const greetings[] = {"SSH-2.0-x\r\n", "SSH-2.0-x\n",
						"hello\r\n\r\nSSH\r\nSSH-2.0-x y\r\n"};
	struct ssh_kexinit kexinit;
	uint8_t bytes[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		size_t size = make(greetings[i], good, bytes);

		/* It comes in pieces, of which none is taken for the whole. */
		for (size_t part = 0; part < size; part++)
			assert_int_equal(ssh_kexinit_decode(bytes, part, &kexinit),
					 -EAGAIN);
		assert_int_equal(ssh_kexinit_decode(bytes, size, &kexinit), 0);
		for (enum ssh_list list = 0; list < SSH_LISTS; list++)
			check_list(&kexinit, list, good[list]);
		assert_int_equal(ssh_kexinit_decode(bytes, size + 9, &kexinit), 0);
	}
}

static void test_malformed(void **state)
{
	static const struct {
		size_t at; /* after the greeting */
		uint8_t byte;
	} cases[] = {
		{0, 1},    /* 16 MiB long */
		{2, 0xff}, /* over the limit of a packet */
		{4, 0xff}, /* padding that leaves too little for a list */
		{5, 21},   /* another type */
		{5, 1},    /* "disconnect" */
		{22, 1},   /* a list that is longer than the packet */
		{24, 0x40},
	};
	struct ssh_kexinit kexinit = {.lists[0].size = 7};
	uint8_t bytes[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = make("SSH-2.0-x\r\n", good, bytes);

		bytes[11 + cases[i].at] = cases[i].byte;
		assert_int_equal(ssh_kexinit_decode(bytes, size, &kexinit), -EBADMSG);
		assert_int_equal(kexinit.lists[0].size, 7);
	}
	/* No room for the padding that it says it has */
	make("SSH-2.0-x\r\n", good, bytes);
	put_number(bytes + 11, 20);
	assert_int_equal(ssh_kexinit_decode(bytes, 4096, &kexinit), -EBADMSG);
}

static void test_disagreement(void **state)
{
	static const struct {
		enum ssh_list list;
		const char *names;   /* of the server, in place of those of the device */
		const char *message; /* NULL: they agree */
		enum ssh_list also;
		const char *also_names;
		const char *settings;
	} cases[] = {
		{SSH_KEY_EXCHANGE, "other,curve25519-sha256,more", NULL, 0, NULL, ""},
		{SSH_KEY_EXCHANGE, "ext-info-c,kex-strict-s-v00@openssh.com,other",
		 "no key exchange in common with the server: the server has other, this "
		 "device has curve25519-sha256",
		 0, NULL, "KexAlgorithms"},
		{SSH_KEY_EXCHANGE, "curve25519-sha25,curve25519-sha2561",
		 "no key exchange in common with the server: the server has "
		 "curve25519-sha25, curve25519-sha2561, this device has "
		 "curve25519-sha256",
		 0, NULL, "KexAlgorithms"},
		{SSH_HOST_KEY, "",
		 "no host key type in common with the server: the server has none, this "
		 "device has ssh-ed25519",
		 0, NULL, "HostKeyAlgorithms"},
		{SSH_CIPHER_TO_SERVER, ",,",
		 "no cipher in common with the server: the server has none, this device "
		 "has aes256-ctr, aes128-ctr",
		 SSH_CIPHER_TO_CLIENT, "x", "Ciphers"},
		{SSH_CIPHER_TO_CLIENT, "x",
		 "no cipher in common with the server: the server has x, this device has "
		 "aes256-ctr, aes128-ctr",
		 0, NULL, "Ciphers"},
		{SSH_MAC_TO_CLIENT, "a\x1b[1m,b c,\x7f\x80,d",
		 "no MAC in common with the server: the server has a?[1m, b?c, ??, d, "
		 "this device has hmac-sha1",
		 0, NULL, "MACs"},
		{SSH_COMPRESSION_TO_SERVER, "zlib@openssh.com",
		 "no compression in common with the server: the server has "
		 "zlib@openssh.com, this device has none, zlib",
		 0, NULL, "Compression"},
		{SSH_KEY_EXCHANGE, "k",
		 "no key exchange and no MAC in common with the server: key exchange: "
		 "the server has k, this device has curve25519-sha256; MAC: the server "
		 "has m, this device has hmac-sha1",
		 SSH_MAC_TO_SERVER, "m", "KexAlgorithms, MACs"},
	};
	char text[SSH_DISAGREEMENT_MAX], settings[SSH_SETTINGS_MAX];
	struct ssh_kexinit device, server;
	uint8_t bytes[4096];

	(void)state;
	assert_int_equal(ssh_kexinit_decode(bytes, make("SSH-\n", good, bytes), &device),
			 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *names = cases[i].names, *also = cases[i].also_names;

		server = device;
		server.lists[cases[i].list] = (struct ssh_names){names, strlen(names)};
		if (also)
			server.lists[cases[i].also] =
				(struct ssh_names){also, strlen(also)};
		assert_int_equal(
			ssh_kexinit_disagreement(&device, &server, text, settings),
			cases[i].message != NULL);
		if (!cases[i].message)
			continue;
		assert_string_equal(text, cases[i].message);
		assert_string_equal(settings, cases[i].settings);
	}
}

/* A cipher that is its own MAC, if it is the one that is chosen. */
static void test_own_mac(void **state)
{
	static const struct {
		const char *device, *server;
		bool is_own;
	} cases[] = {
		{"aes128-ctr,aes256-gcm@openssh.com", "aes256-gcm@openssh.com", true},
		{"chacha20-poly1305@openssh.com", "chacha20-poly1305@openssh.com", true},
		{"aes128-ctr,aes256-gcm@openssh.com", "aes256-gcm@openssh.com,aes128-ctr",
		 false},
	};
	char text[SSH_DISAGREEMENT_MAX], settings[SSH_SETTINGS_MAX];
	struct ssh_kexinit device, server;
	uint8_t bytes[4096];

	(void)state;
	assert_int_equal(ssh_kexinit_decode(bytes, make("SSH-\n", good, bytes), &device),
			 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		server = device;
		for (enum ssh_list list = SSH_CIPHER_TO_SERVER;
		     list <= SSH_CIPHER_TO_CLIENT; list++) {
			device.lists[list] = (struct ssh_names){cases[i].device,
								strlen(cases[i].device)};
			server.lists[list] = (struct ssh_names){cases[i].server,
								strlen(cases[i].server)};
			server.lists[list + 2] = (struct ssh_names){"x", 1};
		}
		assert_int_equal(
			ssh_kexinit_disagreement(&device, &server, text, settings),
			!cases[i].is_own);
	}
}

/* All lists at once, of long names: the text ends within its room, between two lists. */
static void test_long(void **state)
{
	char names[1000], text[SSH_DISAGREEMENT_MAX], settings[SSH_SETTINGS_MAX];
	struct ssh_kexinit device, server;

	(void)state;
	for (size_t i = 0; i < sizeof(names); i++)
		names[i] = i % 100 == 99 ? ',' : 'x';
	for (enum ssh_list list = 0; list < SSH_LISTS; list++) {
		device.lists[list] = (struct ssh_names){names, sizeof(names)};
		server.lists[list] = (struct ssh_names){"y,z", 3};
	}
	assert_true(ssh_kexinit_disagreement(&device, &server, text, settings));
	assert_string_equal(
		text,
		"no key exchange, no host key type, no cipher, no MAC and no compression "
		"in common with the server: key exchange: the server has y, z, this "
		"device has xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxx and 9 more");
	assert_string_equal(
		settings, "KexAlgorithms, HostKeyAlgorithms, Ciphers, MACs, Compression");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),       cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_disagreement), cmocka_unit_test(test_own_mac),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
