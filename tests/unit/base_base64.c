/* SPDX-License-Identifier: MIT */
/* Base64: the vectors of RFC 4648, and nothing but the one text of each bytes. */
#include "base/base64.h"

#include <criterion/criterion.h>

Test(base_base64, the_vectors_of_rfc_4648_go_both_ways)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "+//+"}};
	for (size_t i = 0; i < ARRAY_N(pairs); i++) {
		char text[32];
		struct buf bytes;
		size_t n = strlen(pairs[i][0]);
		buf_init(&bytes, 16);
		base64_format((const uint8_t *)pairs[i][0], n, text);
		cr_expect_str_eq(text, pairs[i][1]);
		cr_expect_eq(base64_parse(slice_of(text), &bytes), RC_OK);
		cr_expect(slice_equal(buf_slice(&bytes), slice_of(pairs[i][0])));
		buf_done(&bytes);
	}
}

Test(base_base64, another_text_of_the_same_bytes_is_none)
{
	static const char *const none[] = {"Zg",
		"Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zm 9v", "Zm9v\n",
		"Zm9v=", "Zg==Zg==", "Zm-_", "Z\0g=", "\xc3\xa4=="};
	for (size_t i = 0; i < ARRAY_N(none); i++) {
		struct buf bytes;
		buf_init(&bytes, 16);
		cr_expect_eq(base64_parse((struct slice){none[i], strlen(none[i])}, &bytes),
			RC_PARSE, "%s", none[i]);
		buf_done(&bytes);
	}
}
