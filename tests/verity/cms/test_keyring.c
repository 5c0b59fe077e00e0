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
	static const char damaged[] =
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	static const char private_key[] =
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
	const struct {
		struct file files[4];
		size_t count, stamps; /* for signers, for timestamps */
		size_t skipped;
		const char *message; /* of the first skipped, after "key ring FOLDER: " */
	} table[] = {
		{{{0}}, 0, 0, 0, NULL},
		{{{"a.pem", one_pem, NULL}}, 1, 1, 0, NULL},
		{{{"a.crt", one_pem, two_pem}, {"b.pem", one_pem, NULL}}, 3, 3, 0, NULL},
		{{{"a.pem", "a comment\n", one_pem}}, 1, 1, 0, NULL},
		{{{"a.pem", one_pem, "and a comment\n"}}, 1, 1, 0, NULL},
		{{{"a.PEM", one_pem, NULL},
		  {"b.cer", two_pem, NULL},
		  {"c.Der", one_pem, NULL}},
		 3,
		 3,
		 0,
		 NULL},
		{{{"a.tsa.pem", one_pem, NULL}, {"b.TSA.CER", two_pem, NULL}},
		 0,
		 2,
		 0,
		 NULL},
		{{{"a.tsa.x.pem", one_pem, NULL}, {"tsa.pem", one_pem, NULL}},
		 2,
		 2,
		 0,
		 NULL},
		/* other names are not looked at */
		{{{"README", "x", NULL}, {".a.pem", "x", NULL}, {".pem", "x", NULL}},
		 0,
		 0,
		 0,
		 NULL},
		{{{"a.pem~", "x", NULL}, {"a.p7b", "x", NULL}, {"apem", "x", NULL}},
		 0,
		 0,
		 0,
		 NULL},
		/* one that is no certificate costs only itself */
		{{{"a.pem", one_pem, NULL}, {"b.pem", NULL, NULL}},
		 1,
		 1,
		 1,
		 "b.pem: no certificate in PEM or DER"},
		{{{"a.pem", "not a certificate\n", NULL}, {"b.pem", one_pem, NULL}},
		 1,
		 1,
		 1,
		 "a.pem: no certificate in PEM or DER"},
		{{{"a.pem", private_key, NULL}, {"b.der", "0\x82", NULL}},
		 0,
		 0,
		 2,
		 "a.pem: no certificate in PEM or DER"},
		{{{"a.pem", damaged, one_pem}},
		 0,
		 0,
		 1,
		 "a.pem: no certificate in PEM or DER"},
		{{{"a.pem", one_pem, damaged}, {"b.pem", two_pem, NULL}},
		 2,
		 2,
		 1,
		 "a.pem: damaged after certificate number 1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		cleanup_with(verity_keyring_free_p) struct verity_keyring *ring = NULL;
		const struct verity_error *why;
		char folder[sizeof(FOLDER)], expected[256];
		struct verity_error err;
		size_t skipped;

		check_ok(load(table[i].files, folder, &ring, &err), &err);
		assert_int_equal(verity_keyring_count(ring), table[i].count);
		assert_int_equal(verity_keyring_count(ring->timestamps), table[i].stamps);
		why = verity_keyring_skipped(ring, &skipped);
		assert_int_equal(skipped, table[i].skipped);
		if (skipped == 0)
			continue;
		snprintf(expected, sizeof(expected), "key ring %s: %s", folder,
			 table[i].message);
		check_error(why, VERITY_E_KEYRING, expected);
	}
}

/* What is no file of PEM: a certificate in DER, links, a folder, a pipe, a large file. */
static void test_kinds(void **state)
{
	static const char *const skipped[] = {"dangling.pem", "folder.crt", "pipe.pem",
					      "large.pem"};
	cleanup_with(verity_keyring_free_p) struct verity_keyring *ring = NULL;
	char folder[] = FOLDER, path[512], to[512];
	unsigned char *der = NULL;
	struct verity_error err;
	size_t count;
	FILE *file;
	int size = i2d_X509(one.x509, &der);

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_true(size > 0);
	place(path, sizeof(path), folder, "a.cer");
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(der, 1, (size_t)size, file), size);
	assert_int_equal(fclose(file), 0);
	place(to, sizeof(to), folder, "link.der");
	assert_int_equal(symlink("a.cer", to), 0);
	for (size_t i = 0; i < 4; i++) {
		place(path, sizeof(path), folder, skipped[i]);
		if (i == 0)
			assert_int_equal(symlink("nowhere", path), 0);
		else if (i == 1)
			assert_int_equal(mkdir(path, 0755), 0);
		else if (i == 2)
			assert_int_equal(mkfifo(path, 0600), 0);
		else {
			file = fopen(path, "we");
			assert_non_null(file);
			assert_int_equal(
				ftruncate(fileno(file), VERITY_KEYRING_FILE_MAX + 1), 0);
			assert_int_equal(fclose(file), 0);
		}
	}
	check_ok(verity_keyring_load(folder, &ring, &err), &err);
	assert_int_equal(verity_keyring_count(ring), 2);
	(void)verity_keyring_skipped(ring, &count);
	assert_int_equal(count, 4);
	OPENSSL_free(der);
	for (size_t i = 0; i < 4; i++) {
		place(path, sizeof(path), folder, skipped[i]);
		assert_int_equal(remove(path), 0);
	}
	assert_int_equal(unlink(to), 0);
	place(path, sizeof(path), folder, "a.cer");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
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
	size_t skipped;

	(void)state;
	for (int i = 0; i <= VERITY_KEYRING_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "%02d.pem", i);
		files[i] = (struct file){names[i], i % 2 ? two_pem : one_pem, NULL};
	}
	check_ok(load(files, folder, &ring, &err), &err);
	assert_int_equal(verity_keyring_count(ring), VERITY_KEYRING_MAX);
	snprintf(expected, sizeof(expected), "key ring %s: 64.pem: over 64 certificates",
		 folder);
	check_error(verity_keyring_skipped(ring, &skipped), VERITY_E_KEYRING, expected);
	assert_int_equal(skipped, 1);
	verity_keyring_free(ring);
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
		cmocka_unit_test(test_files),  cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_names),  cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
