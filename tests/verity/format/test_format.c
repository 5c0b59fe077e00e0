/* SPDX-License-Identifier: MIT */
#include "tests/check.h"
#include "verity/format/format.h"

static const struct {
	uint8_t bytes[VERITY_HEAD_BYTES + 1];
	enum verity_code code;
	const char *message;
} heads[] = {
	{"WMOPKG01\x02\0\0\0\0\0\0\0", VERITY_OK, ""},
	{"WMOPKG01\0\0\x01\0\0\0\x01\0", VERITY_OK, ""}, /* both at their limit */
	{"WMOPKG02\x02\0\0\0\0\0\0\0", VERITY_E_BAD_MAGIC,
	 "not a package: it does not begin with WMOPKG01"},
	{"VMOPKG01\x02\0\0\0\0\0\0\0", VERITY_E_BAD_MAGIC,
	 "not a package: it does not begin with WMOPKG01"},
	{"WMOSTM01\x02\0\0\0\0\0\0\0", VERITY_E_WRONG_TYPE,
	 "it is a signed statement, not a package"},
	{"WMOPKG01\x01\0\0\0\0\0\0\0", VERITY_E_BAD_SIZES,
	 "the manifest's size of 1 bytes is outside 2 to 65536"},
	{"WMOPKG01\0\0\0\0\0\0\0\0", VERITY_E_BAD_SIZES,
	 "the manifest's size of 0 bytes is outside 2 to 65536"},
	{"WMOPKG01\x01\0\x01\0\0\0\0\0", VERITY_E_BAD_SIZES,
	 "the manifest's size of 65537 bytes is outside 2 to 65536"},
	{"WMOPKG01\xff\xff\xff\xff\0\0\0\0", VERITY_E_BAD_SIZES,
	 "the manifest's size of 4294967295 bytes is outside 2 to 65536"},
	{"WMOPKG01\x02\0\0\0\x01\0\x01\0", VERITY_E_BAD_SIZES,
	 "the signature's size of 65537 bytes is over the limit of 65536"},
	{"WMOPKG01\x02\0\0\0\xff\xff\xff\xff", VERITY_E_BAD_SIZES,
	 "the signature's size of 4294967295 bytes is over the limit of 65536"},
};

static void test_head(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct verity_head head = {77, 77};
		struct verity_error err = {0};
		uint8_t again[VERITY_HEAD_BYTES];
		int r = verity_head_decode(heads[i].bytes, &head, &err);

		check_error(&err, heads[i].code, heads[i].message);
		if (heads[i].code == VERITY_OK) {
			assert_int_equal(r, 0);
			verity_head_encode(&head, again);
			assert_memory_equal(again, heads[i].bytes, sizeof(again));
		} else {
			assert_true(r < 0);
			assert_int_equal(head.manifest_bytes, 77);
		}
	}
}

static void test_layout(void **state)
{
	static const struct {
		struct verity_head head;
		uint64_t image_bytes;
		struct verity_layout layout;
	} cases[] = {
		/* One block: no tree. The front just fills its block. */
		{{4080, 0}, 1, {16, 4096, 4096, 4096, 0, 4096, 4096, 8192}},
		/* One byte more of front: a second block of it. */
		{{4080, 1}, 4096, {16, 4096, 4097, 8192, 0, 8192, 4096, 12288}},
		/* Two blocks: one hash block. */
		{{2, 0}, 4097, {16, 18, 18, 4096, 4096, 8192, 8192, 16384}},
		/* 128 blocks: still one level; 129: two. */
		{{2, 0}, 524288, {16, 18, 18, 4096, 4096, 8192, 524288, 532480}},
		{{2, 0}, 524289, {16, 18, 18, 4096, 12288, 16384, 528384, 544768}},
	};
	struct verity_layout layout;
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_ok(verity_layout_compute(&cases[i].head, cases[i].image_bytes,
					       &layout, &err),
			 &err);
		assert_memory_equal(&layout, &cases[i].layout, sizeof(layout));
	}
}

static void test_layout_limits(void **state)
{
	const struct verity_head head = {65536, 65536};
	struct verity_layout layout;
	struct verity_error err;

	(void)state;
	assert_true(verity_layout_compute(&head, 0, &layout, &err) < 0);
	check_error(&err, VERITY_E_BAD_MANIFEST,
		    "image.bytes of 0 is outside 1 to 68719476736");
	assert_true(verity_layout_compute(&head, VERITY_IMAGE_MAX + 1, &layout, &err) <
		    0);
	assert_true(verity_layout_compute(&head, UINT64_MAX, &layout, &err) < 0);
	assert_int_equal(verity_layout_compute(&head, VERITY_IMAGE_MAX, &layout, &err),
			 0);
	assert_true(layout.file_bytes > VERITY_IMAGE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_layout_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
