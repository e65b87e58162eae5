/* SPDX-License-Identifier: MIT */
/* The small nouns of base: buffers, errors, codes, files, ids, times, digests, UTF-8. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/id.h"
#include "base/utf8.h"
#include "base/uuid.h"

Test(base_buf, a_buffer_never_grows_past_its_maximum)
{
	struct buf b;
	buf_init(&b, 10);
	cr_expect_eq(buf_put(&b, "12345", 5), RC_OK);
	cr_expect_eq(buf_put(&b, "678901", 6), RC_TOO_LARGE);
	cr_expect_eq(buf_printf(&b, "%d", 123456), RC_TOO_LARGE);
	cr_expect_null(buf_reserve(&b, 6));
	cr_expect_str_eq(b.p, "12345");
	cr_expect_eq(buf_printf(&b, "%d", 67890), RC_OK);
	cr_expect_str_eq(b.p, "1234567890");
	buf_shift(&b, 4);
	cr_expect_str_eq(b.p, "567890");
	buf_shift(&b, 99);
	cr_expect_eq(b.n, 0);
	buf_done(&b);
	buf_done(&b);
	cr_expect_eq(b.max, 10);
}

Test(base_err, a_sentence_is_cut_not_overrun)
{
	struct err err;
	char longer[600];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	cr_expect_eq(err_set(&err, RC_BUSY, "%s", longer), RC_BUSY);
	cr_expect_eq(strlen(err.msg), sizeof(err.msg) - 1);
	cr_expect_eq(err_wrap(&err, "while %s", longer), RC_BUSY);
	cr_expect_eq(strlen(err.msg), sizeof(err.msg) - 1);
	err_set_errno(&err, RC_IO, 2, "cannot open %s", "x");
	cr_expect_str_eq(err.msg, "cannot open x: No such file or directory");
	err_wrap(&err, "the store");
	cr_expect_str_eq(err.msg, "the store: cannot open x: No such file or directory");
	cr_expect_eq(err_set(NULL, RC_IO, "nobody asks"), RC_IO);
}

Test(base_rc, every_code_has_a_name_that_finds_it)
{
	for (int i = 0; i < RC_N; i++) {
		cr_expect_eq(rc_find(rc_name((enum rc)i)), (enum rc)i);
		cr_expect(rc_text((enum rc)i)[0] != '\0');
	}
	cr_expect_eq(rc_find("nonsense"), RC_N);
	cr_expect_str_eq(rc_name(RC_N), "unknown");
	cr_expect_eq(rc_fate(RC_N), RC_FATE_DEAD, "what nobody knows is not tried again");
}

Test(base_file, only_regular_files_within_the_limit_are_read)
{
	char dir[] = "/tmp/moonhook-file-XXXXXX";
	struct buf b;
	struct err err;
	cr_assert(mkdtemp(dir) != NULL);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file = openat(fd, "a", O_WRONLY | O_CREAT, 0600);
	cr_assert(write(file, "hello", 5) == 5);
	close(file);
	cr_assert(mkfifoat(fd, "fifo", 0600) == 0 && symlinkat("a", fd, "link") == 0);
	buf_init(&b, 5);
	cr_expect_eq(file_read(fd, "a", FILE_LINKS_REFUSED, &b, &err), RC_OK);
	cr_expect_str_eq(b.p, "hello");
	buf_clear(&b);
	cr_expect_eq(file_read(fd, "link", FILE_LINKS_REFUSED, &b, &err), RC_DENIED);
	cr_expect_eq(file_read(fd, "link", FILE_LINKS_FOLLOWED, &b, &err), RC_OK);
	buf_clear(&b);
	cr_expect_eq(file_read(fd, "fifo", FILE_LINKS_FOLLOWED, &b, &err), RC_DENIED);
	cr_expect_eq(file_read(fd, ".", FILE_LINKS_FOLLOWED, &b, &err), RC_DENIED);
	cr_expect_eq(file_read(fd, "none", FILE_LINKS_FOLLOWED, &b, &err), RC_NOT_FOUND);
	b.max = 4;
	cr_expect_eq(file_read(fd, "a", FILE_LINKS_FOLLOWED, &b, &err), RC_TOO_LARGE);
	buf_done(&b);
	unlinkat(fd, "a", 0);
	unlinkat(fd, "fifo", 0);
	unlinkat(fd, "link", 0);
	close(fd);
	rmdir(dir);
}

Test(base_id, ids_sort_by_time_and_never_repeat)
{
	struct id last = {""}, now;
	struct err err;
	for (int i = 0; i < 10000; i++) {
		cr_assert_eq(id_new(1000 + i / 100, &now, &err), RC_OK);
		cr_assert(id_valid(now.text));
		cr_assert(strcmp(last.text, now.text) < 0, "%s %s", last.text, now.text);
		last = now;
	}
	cr_assert_eq(id_new(5, &now, &err), RC_OK);
	cr_expect(strcmp(last.text, now.text) < 0, "a clock that goes back changes nothing");
	cr_expect_not(id_valid(""));
	cr_expect_not(id_valid("01kavq"));
	cr_expect_not(id_valid("01KAVQ00000000000000000000"));
	cr_expect_not(id_valid("0100000000000000000000000u"));
}

Test(base_uuid, a_name_gives_one_uuid_and_only_uuids_are_valid)
{
	struct uuid a, b, c;
	cr_assert_eq(uuid_derive(slice_of("event/rule/1"), &a), RC_OK);
	cr_assert_eq(uuid_derive(slice_of("event/rule/1"), &b), RC_OK);
	cr_assert_eq(uuid_derive(slice_of("event/rule/2"), &c), RC_OK);
	cr_expect_str_eq(a.text, b.text);
	cr_expect_str_neq(a.text, c.text);
	cr_expect(uuid_valid(a.text));
	static const char *const none[] = {"", "../../metadata",
		"20202020-1c25-4d02-bf25-6aeccf7ea41", "20202020-1c25-4d02-bf25-6aeccf7ea4190",
		"20202020_1c25-4d02-bf25-6aeccf7ea419", "2020202g-1c25-4d02-bf25-6aeccf7ea419",
		"%2e%2e"};
	for (size_t i = 0; i < ARRAY_N(none); i++)
		cr_expect_not(uuid_valid(none[i]), "%s", none[i]);
	cr_expect(uuid_valid("20202020-1C25-4d02-bf25-6aeccf7ea419"));
}

Test(base_clock, times_are_written_and_read_back)
{
	char text[CLOCK_TEXT_N];
	clock_format(1795458757556, text);
	cr_expect_str_eq(text, "2026-11-23T18:32:37.556Z");
	cr_expect_eq(clock_parse(text), 1795458757556);
	cr_expect_eq(clock_parse("2026-11-23T18:32:37Z"), 1795458757000);
	cr_expect_eq(clock_parse("2026-11-23T18:32:37.5Z"), 1795458757500);
	cr_expect_eq(clock_parse("2026-11-23T18:32:37.556789Z"), 1795458757556);
	static const char *const none[] = {"", "yesterday", "2026-11-23", "2026-11-23T18:32:37",
		"2026-11-23T18:32:37+01:00", "2026-11-23T18:32:37.556Zx"};
	for (size_t i = 0; i < ARRAY_N(none); i++)
		cr_expect_eq(clock_parse(none[i]), -1, "%s", none[i]);
}

Test(base_clock, tests_can_stop_and_skip_time)
{
	clock_set_wall_ms(5);
	cr_expect_eq(clock_wall_ms(), 5);
	clock_set_wall_ms(0);
	cr_expect_gt(clock_wall_ms(), 1700000000000);
	int64_t before = clock_mono_ms();
	clock_skip_mono_ms(3600000);
	cr_expect_geq(clock_mono_ms() - before, 3600000);
}

Test(base_digest, known_answers)
{
	/* FIPS 180-4 "abc"; RFC 4231 test case 2. */
	struct slice abc[] = {slice_of("a"), slice_of("bc")};
	struct slice what[] = {slice_of("what do ya want "), slice_of("for nothing?")};
	uint8_t sum[DIGEST_N], other[DIGEST_N];
	char hex[DIGEST_HEX_N];
	cr_assert_eq(digest_sha256(abc, 2, sum), RC_OK);
	digest_format(sum, hex);
	cr_expect_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct digest_key *key = digest_key_new(slice_of("Jefe"));
	for (int i = 0; i < 2; i++) { /* a key is used many times */
		cr_assert_eq(digest_hmac(key, what, 2, sum), RC_OK);
		digest_format(sum, hex);
		cr_expect_str_eq(
			hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	}
	digest_key_free(key);
	cr_expect(digest_parse(slice_of(hex), other) && digest_equal(sum, other));
	other[31] ^= 1;
	cr_expect_not(digest_equal(sum, other));
	hex[0] = 'A';
	cr_expect_not(digest_parse(slice_of(hex), other), "lower case only");
	cr_expect_not(digest_parse(slice_of("5bdc"), other));
}

Test(base_utf8, characters_are_told_from_rubbish)
{
	static const struct {
		const char *text;
		size_t n;
	} cases[] = {{"a", 1}, {"\u00e9", 2}, {"\u20ac", 3}, {"\U0001f600", 4}, {"\x80", 0},
		{"\xc0\x80", 0}, {"\xe0\x80\x80", 0}, {"\xed\xa0\x80", 0}, {"\xf5\x80\x80\x80", 0},
		{"\xf4\x90\x80\x80", 0}, {"\xc3", 0}, {"\xc3(", 0}, {"\xff", 0}, {"", 0}};
	for (size_t i = 0; i < ARRAY_N(cases); i++)
		cr_expect_eq(utf8_length(cases[i].text, strlen(cases[i].text)), cases[i].n,
			"case %zu", i);
	cr_expect(utf8_obeyed("\033", 1) && utf8_obeyed("\xc2\x9b", 2) && utf8_obeyed("\u202e", 3));
	cr_expect_not(utf8_obeyed("a", 1) || utf8_obeyed("\u00e9", 2) || utf8_obeyed("\u20ac", 3));
}
