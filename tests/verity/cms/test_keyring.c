/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/verity/certs.h"
#include "verity/cms/keyring_private.h"
#include "verity/util/cleanup.h"

#define FOLDER "/tmp/wmopkg-test-keyring.XXXXXX"

static struct cert one, two;
static char *one_pem, *two_pem;

struct file {
	const char *name, *first, *second; /* texts, one after the other */
};

static void place(char *ret, size_t size, const char *folder, const char *name)
{
	assert_true((size_t)snprintf(ret, size, "%s/%s", folder, name) < size);
}

/* Up to the file without a name. */
static int load(const struct file *files, char folder[static sizeof(FOLDER)],
		struct verity_keyring **ret, struct verity_error *err)
{
	char path[512];
	int r;

	strcpy(folder, FOLDER);
	assert_non_null(mkdtemp(folder));
	for (const struct file *f = files; f->name; f++) {
		FILE *file;

		place(path, sizeof(path), folder, f->name);
		file = fopen(path, "we");
		assert_non_null(file);
		fputs(f->first ?: "", file);
		fputs(f->second ?: "", file);
		assert_int_equal(fclose(file), 0);
	}
	r = verity_keyring_load(folder, ret, err);
	for (const struct file *f = files; f->name; f++) {
		place(path, sizeof(path), folder, f->name);
		unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
	return r;
}

static void test_files(void **state)
{
	const struct {
		struct file files[4];
		size_t count;
		const char *message; /* after "key ring FOLDER: "; NULL: it is read */
	} table[] = {
		{{{0}}, 0, NULL},
		{{{"a.pem", one_pem, NULL}}, 1, NULL},
		{{{"a.crt", one_pem, two_pem}, {"b.pem", one_pem, NULL}}, 3, NULL},
		{{{"a.pem", "a comment\n", one_pem}}, 1, NULL},
		{{{"a.pem", one_pem, "and a comment\n"}}, 1, NULL},
		/* other names are not looked at */
		{{{"README", "x", NULL}, {".a.pem", "x", NULL}, {".pem", "x", NULL}},
		 0,
		 NULL},
		{{{"a.pem~", "x", NULL}, {"a.PEM", "x", NULL}, {"apem", "x", NULL}},
		 0,
		 NULL},
		/* one that is unreadable makes the ring unreadable, not smaller */
		{{{"a.pem", one_pem, NULL}, {"b.pem", NULL, NULL}},
		 0,
		 "b.pem: no readable PEM certificate: no start line"},
		{{{"a.pem", "not a certificate\n", NULL}},
		 0,
		 "a.pem: no readable PEM certificate: no start line"},
		{{{"a.pem", one_pem,
		   "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}},
		 0,
		 "a.pem: no readable PEM certificate: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		cleanup_with(verity_keyring_free_p) struct verity_keyring *ring = NULL;
		char folder[sizeof(FOLDER)], expected[256];
		struct verity_error err;
		int r = load(table[i].files, folder, &ring, &err);

		if (!table[i].message) {
			check_ok(r, &err);
			assert_int_equal(verity_keyring_count(ring), table[i].count);
			continue;
		}
		assert_null(ring);
		snprintf(expected, sizeof(expected), "key ring %s: %s", folder,
			 table[i].message);
		assert_int_equal(err.code, VERITY_E_KEYRING);
		if (strncmp(err.message, expected, strlen(expected)) != 0)
			fail_msg("%s", err.message);
	}
}

/* Of one certificate in two files, the first by name; not as the disk has them. */
static void test_names(void **state)
{
	const struct file files[] = {{"c.pem", one_pem, NULL},
				     {"b.pem", two_pem, one_pem},
				     {"d.pem", two_pem, NULL},
				     {0}};
	cleanup_with(verity_keyring_free_p) struct verity_keyring *ring = NULL;
	char folder[sizeof(FOLDER)];
	struct verity_error err;
	struct cert stranger;

	(void)state;
	check_ok(load(files, folder, &ring, &err), &err);
	assert_int_equal(verity_keyring_count(ring), 4);
	assert_string_equal(verity_keyring_file(ring, one.x509), "b.pem");
	assert_string_equal(verity_keyring_file(ring, two.x509), "b.pem");
	cert_make(&(struct cert_spec){.name = "stranger"}, &stranger);
	assert_null(verity_keyring_file(ring, stranger.x509));
	cert_free(&stranger);
}

static void test_too_many(void **state)
{
	static char names[VERITY_KEYRING_MAX + 1][8];
	struct file files[VERITY_KEYRING_MAX + 2] = {{0}};
	struct verity_keyring *ring = NULL;
	char folder[sizeof(FOLDER)], expected[128];
	struct verity_error err;

	(void)state;
	for (int i = 0; i <= VERITY_KEYRING_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "%02d.pem", i);
		files[i] = (struct file){names[i], i % 2 ? two_pem : one_pem, NULL};
	}
	assert_int_equal(load(files, folder, &ring, &err), -EINVAL);
	assert_null(ring);
	snprintf(expected, sizeof(expected), "key ring %s: 64.pem: over 64 certificates",
		 folder);
	check_error(&err, VERITY_E_KEYRING, expected);
	files[VERITY_KEYRING_MAX].name = NULL;
	check_ok(load(files, folder, &ring, &err), &err);
	assert_int_equal(verity_keyring_count(ring), VERITY_KEYRING_MAX);
	verity_keyring_free(ring);
}

static void test_folder(void **state)
{
	struct verity_keyring *ring = NULL;
	struct verity_error err;

	(void)state;
	check_ok(verity_keyring_load("/nonexistent", &ring, &err), &err);
	assert_int_equal(verity_keyring_count(ring), 0);
	verity_keyring_free(ring);
	ring = NULL;
	assert_int_equal(verity_keyring_load("/dev/null", &ring, &err), -ENOTDIR);
	check_error(&err, VERITY_E_IO, "key ring /dev/null: Not a directory");
	assert_null(ring);
}

static char *pem_of(const struct cert *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *ret;
	long size;

	assert_true(PEM_write_bio_X509(bio, cert->x509));
	size = BIO_get_mem_data(bio, &data);
	ret = strndup(data, (size_t)size);
	BIO_free_all(bio);
	return ret;
}

static int setup(void **state)
{
	(void)state;
	cert_make(&(struct cert_spec){.name = "one", .ca = true}, &one);
	cert_make(&(struct cert_spec){.name = "two", .ca = true}, &two);
	one_pem = pem_of(&one);
	two_pem = pem_of(&two);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(one_pem);
	free(two_pem);
	cert_free(&one);
	cert_free(&two);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
