/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "tests/check.h"
#include "verity/sign/pkcs11_uri.h"

static void test_parts(void **state)
{
	static const struct {
		const char *text, *object, *module, *pin_file;
	} cases[] = {
		{"pkcs11:token=a;object=b", "pkcs11:token=a;object=b", "", ""},
		{"PKCS11:object=b", "pkcs11:object=b", "", ""},
		{"pkcs11:object=b?module-path=/x/y.so", "pkcs11:object=b", "/x/y.so", ""},
		{"pkcs11:object=b?pin-source=file:pin", "pkcs11:object=b", "", "pin"},
		{"pkcs11:object=b?pin-source=file:///p%20q%3B&module-path=%2fm",
		 "pkcs11:object=b", "/m", "/p q;"},
		{"pkcs11:pin-source=file:/p;id=%01%ff", "pkcs11:id=%01%ff", "", "/p"},
		{"pkcs11:object=b?x-vendor=1", "pkcs11:object=b;x-vendor=1", "", ""},
		{"pkcs11:;;object=b;", "pkcs11:object=b", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_pkcs11_uri uri;
		struct verity_error err;

		assert_true(verity_pkcs11_uri_is(cases[i].text));
		check_ok(verity_pkcs11_uri_parse(cases[i].text, &uri, &err), &err);
		assert_string_equal(uri.object, cases[i].object);
		assert_string_equal(uri.module, cases[i].module);
		assert_string_equal(uri.pin_file, cases[i].pin_file);
	}
	assert_false(verity_pkcs11_uri_is("pkcs11.pem"));
	assert_false(verity_pkcs11_uri_is(""));
}

static void test_refused(void **state)
{
	static const char pin[] =
		"a PIN does not belong on the command line (use --pin-file)";
	static const char digits[] = "pkcs11: URI: '%' is not followed by two "
				     "hexadecimal digits";
	static const char source[] =
		"pkcs11: URI: pin-source is not a file (pin-source=file:PATH)";
	static const char nothing[] =
		"pkcs11: URI: it names no object (pkcs11:token=LABEL;object=NAME)";
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"pkcs11:object=b?pin-value=1", pin},
		{"pkcs11:object=b;PIN-VALUE=1", pin},
		{"pkcs11:object=b?x=y&pin-value=1", pin},
		{"pkcs11:pin-value=", pin},
		{"pkcs11:object=b?pin-source=|cat", source},
		{"pkcs11:object=b?pin-source=pin", source},
		{"pkcs11:object=b?pin-source=file:",
		 "pkcs11: URI: a path in it is empty"},
		{"pkcs11:object=b?module-path=%", digits},
		{"pkcs11:object=b?module-path=a%0", digits},
		{"pkcs11:object=b?module-path=a%0g", digits},
		{"pkcs11:object=b?module-path=a%00b", digits},
		{"pkcs11:", nothing},
		{"pkcs11:?pin-source=file:p", nothing},
	};
	struct verity_pkcs11_uri uri;
	struct verity_error err;
	char large[VERITY_PKCS11_URI_MAX + 8] = "pkcs11:";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(verity_pkcs11_uri_parse(cases[i].text, &uri, &err),
				 -EINVAL);
		assert_string_equal(err.message, cases[i].message);
	}
	memset(large + 7, 'a', VERITY_PKCS11_URI_MAX - 7);
	assert_int_equal(verity_pkcs11_uri_parse(large, &uri, &err), -EINVAL);
	assert_string_equal(err.message, "pkcs11: URI: longer than 1023 bytes");
	large[VERITY_PKCS11_URI_MAX - 1] = '\0';
	check_ok(verity_pkcs11_uri_parse(large, &uri, &err), &err);
	assert_string_equal(uri.object, large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
