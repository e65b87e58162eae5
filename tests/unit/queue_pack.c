/* SPDX-License-Identifier: MIT */
/* Compressed texts: small, whole, and safe to open whatever their bytes are. */
#include "queue/pack.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "queue/copy.h"
#include "tests/conformance/queue_suite.h"

static const char record[] =
	"{\"amount\":{\"amountMicros\":2500000000,\"currencyCode\":\"USD\"},\"closeDate\":"
	"\"2026-12-24T00:00:00.000Z\",\"companyId\":\"5e1136e4-bffe-4185-bd75-df785d72e798\","
	"\"createdAt\":\"2026-11-23T18:25:01.227Z\",\"createdBy\":{\"context\":{},\"name\":\"rec\","
	"\"source\":\"API\",\"workspaceMemberId\":null},\"deletedAt\":null,\"id\":"
	"\"ea3cacbf-d741-4a02-8704-f74ab11dafff\",\"name\":\"Big deal\",\"ownerId\":null,"
	"\"pointOfContactId\":\"e42b76f7-a00a-4658-951e-2e713ebc63ce\",\"position\":0,"
	"\"searchVector\":\"'big':1 'deal':2\",\"stage\":\"PROPOSAL\",\"updatedAt\":"
	"\"2026-11-23T18:25:02.057Z\",\"updatedBy\":{\"context\":{},\"name\":\"recorder\","
	"\"source\":\"API\",\"workspaceMemberId\":null}}";

static struct pack *pack;
static struct buf packed, text;
static struct err err;

static void setup(void)
{
	buf_init(&packed, 2 * PACK_TEXT_MAX);
	buf_init(&text, PACK_TEXT_MAX);
	cr_assert_eq(pack_new(&pack, &err), RC_OK, "%s", err.msg);
}

static void teardown(void)
{
	pack_free(pack);
	buf_done(&packed);
	buf_done(&text);
}

TestSuite(queue_pack, .init = setup, .fini = teardown);

Test(queue_pack, a_record_of_twenty_takes_less_than_half_its_bytes)
{
	struct slice whole = slice_of(record);
	cr_assert_eq(pack_put(pack, whole, &packed, &err), RC_OK);
	cr_expect_lt(packed.n, whole.n / 2, "%zu of %zu", packed.n, whole.n);
	cr_assert_eq(pack_open(pack, buf_slice(&packed), &text, &err), RC_OK, "%s", err.msg);
	cr_assert(slice_equal(buf_slice(&text), whole));
	cr_assert_eq(text.p[text.n], '\0');
}

Test(queue_pack, what_was_packed_by_the_first_version_can_still_be_opened)
{
	static const unsigned char first[] = {
		0x01,
		0x28,
		0xb5,
		0x2f,
		0xfd,
		0x24,
		0x3c,
		0xbd,
		0x00,
		0x00,
		0x50,
		0x7b,
		0x31,
		0x41,
		0x6e,
		0x6e,
		0x78,
		0x22,
		0x3a,
		0x31,
		0x7d,
		0x03,
		0x00,
		0x2e,
		0xe7,
		0x39,
		0x71,
		0x67,
		0xf8,
		0x04,
		0x55,
		0x43,
		0x36,
		0x1f,
		0xca,
		0x8f,
		0xed,
	};
	struct slice bytes = {(const char *)first, sizeof(first)};
	cr_assert_eq(pack_open(pack, bytes, &text, &err), RC_OK, "%s", err.msg);
	cr_assert_str_eq(text.p, "{\"deletedAt\":null,\"id\":\"1\",\"name\":\"Ann\","
				 "\"stage\":\"NEW\",\"x\":1}");
}

Test(queue_pack, nothing_packs_to_nothing)
{
	cr_assert_eq(pack_put(pack, (struct slice){0}, &packed, &err), RC_OK);
	cr_assert_eq(packed.n, 0u);
	cr_assert_eq(pack_open(pack, (struct slice){0}, &text, &err), RC_OK);
	cr_assert_eq(text.n, 0u);
}

/* Every bit of it: the answer is the text, or a sentence. Nothing is made up. */
Test(queue_pack, a_damaged_text_is_found_out)
{
	size_t refused = 0, bits = 0;
	cr_assert_eq(pack_put(pack, slice_of(record), &packed, &err), RC_OK);
	for (size_t i = 1; i < packed.n; i++) {
		for (int bit = 0; bit < 8; bit++, bits++) {
			packed.p[i] ^= (char)(1 << bit);
			enum rc rc = pack_open(pack, buf_slice(&packed), &text, &err);
			packed.p[i] ^= (char)(1 << bit);
			cr_assert(rc == RC_OK || rc == RC_PARSE);
			refused += rc == RC_PARSE;
			if (rc == RC_OK)
				cr_assert(slice_equal(buf_slice(&text), slice_of(record)));
		}
	}
	cr_expect_gt(refused, bits * 9 / 10);
	for (size_t n = 1; n < packed.n; n++)
		cr_assert_eq(pack_open(pack, (struct slice){packed.p, n}, &text, &err), RC_PARSE);
	packed.p[0] = 77;
	cr_assert_eq(pack_open(pack, buf_slice(&packed), &text, &err), RC_PARSE);
	cr_expect_str_eq(err.msg, "method 77 is not known");
}

Test(queue_pack, a_size_that_is_only_claimed_costs_no_memory)
{
	/* magic, single segment with 8 bytes of size, 1 TiB, an empty last block */
	static const char bomb[] = "\x01\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\1\0\0\x01\0\0";
	struct slice bytes = {bomb, sizeof(bomb) - 1};
	cr_assert_eq(pack_open(pack, bytes, &text, &err), RC_PARSE);
	cr_expect_str_eq(err.msg, "it claims to hold 1099511627776 bytes");
	cr_assert_eq(text.cap, 0u);
}

Test(queue_pack, a_buffer_that_one_long_text_made_is_given_back)
{
	char *large = calloc(1, 3u << 20);
	cr_assert_not_null(large);
	memset(large, 'x', (3u << 20) - 1);
	cr_assert_eq(pack_put(pack, slice_of(large), &packed, &err), RC_OK);
	cr_assert_eq(pack_open(pack, buf_slice(&packed), &text, &err), RC_OK);
	cr_assert_eq(text.n, (3u << 20) - 1);
	cr_assert_eq(pack_put(pack, slice_of(record), &packed, &err), RC_OK);
	cr_assert_eq(pack_open(pack, buf_slice(&packed), &text, &err), RC_OK);
	cr_expect_lt(text.cap, 1u << 20);
	free(large);
}

/* --- in the store ----------------------------------------------------------------------------- */

static void put(struct suite *s, const char *id, int64_t updated_ms)
{
	struct queue_copy copy = {.object = "opportunity",
		.record = id,
		.updated_ms = updated_ms,
		.text = slice_of(record)};
	suite_ok(s, queue_copy_put(s->runner, &copy, &s->err));
}

static void execute(struct suite *s, const char *sql)
{
	sqlite3 *db;
	char path[128];
	snprintf(path, sizeof(path), "%s/work.db", s->folder);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

Test(queue_pack, a_damaged_copy_names_its_record_and_the_next_one_heals_it)
{
	struct suite s;
	struct queue_copy copy = {0};
	suite_start(&s, NULL);
	put(&s, "7", 1);
	put(&s, "8", 1);
	suite_commit(&s);
	execute(&s, "UPDATE copy SET text = x'0128b52ffd00' WHERE record = '7'");
	cr_assert_eq(queue_copy_find(s.runner, "opportunity", "7", &copy, &s.err), RC_PARSE);
	cr_assert_not_null(
		strstr(s.err.msg, "the copy of opportunity 7 is damaged: "), "%s", s.err.msg);
	suite_ok(&s, queue_copy_find(s.runner, "opportunity", "8", &copy, &s.err));
	put(&s, "7", 2);
	suite_ok(&s, queue_copy_find(s.runner, "opportunity", "7", &copy, &s.err));
	cr_assert(slice_equal(copy.text, slice_of(record)));
	suite_end(&s);
}

static size_t prune(struct suite *s, int64_t size_bytes)
{
	struct queue_retention keep = {.size_bytes = size_bytes};
	size_t n = 0;
	suite_ok(s, queue_prune(s->runner, &keep, SUITE_NOW_MS, 100, &n, &s->err));
	suite_commit(s);
	return n;
}

static off_t size_of(const struct suite *s)
{
	char path[128];
	struct stat at;
	snprintf(path, sizeof(path), "%s/work.db", s->folder);
	cr_assert_eq(stat(path, &at), 0);
	return at.st_size;
}

/* Put in an order that has nothing to do with their ids, as records come, and twice each. */
Test(queue_pack, the_size_that_retention_looks_at_leaves_copies_out)
{
	enum { N = 4000 };
	struct suite s;
	char id[40];
	size_t erased;
	suite_start(&s, NULL);
	for (unsigned i = 0; i < 2 * N; i++) {
		unsigned place = i * 2654435761u % N;
		snprintf(id, sizeof(id), "%08x-0000-4000-8000-%012x", place * 2654435761u, place);
		put(&s, id, (int64_t)i);
	}
	suite_event(&s, "rule", "a", 1);
	suite_finish(&s, &s.runs[0], QUEUE_DONE);
	suite_commit(&s);
	suite_ok(&s, queue_checkpoint(s.runner, &s.err));
	cr_expect_gt(size_of(&s), 1000000, "the copies are most of it");
	cr_expect_eq(prune(&s, 600000), 0u, "all that could go fits well");
	queue_close(s.runner);
	suite_ok(&s, queue_open(s.store, QUEUE_RUNNER, &s.runner, &s.err));
	cr_expect_eq(prune(&s, 600000), 0u, "a successor counts on");
	cr_expect_gt(prune(&s, 1000), 0u, "what is no copy is still looked at");
	suite_ok(&s, queue_copy_erase(s.runner, id, &erased, &s.err));
	cr_expect_eq(erased, 1u);
	suite_end(&s);
}

Test(queue_pack, a_past_that_is_damaged_is_no_json_and_holds_up_nobody)
{
	struct suite s;
	struct queue_raw raw;
	struct queue_run_new run = {.rule = "rule", .source_hash = "hash", .attempts_max = 8};
	size_t n = 0;
	suite_start(&s, NULL);
	suite_put(&s, NULL, "{}");
	suite_ok(&s, queue_inbox_next(s.runner, 1, &raw, &n, &s.err));
	struct queue_routing routing = {.event = {.seq = raw.seq,
						.id = raw.id,
						.via = "hook",
						.past = slice_of("{\"fields\":[]}")},
		.runs = &run,
		.runs_n = 1};
	suite_ok(&s, queue_route(s.runner, &routing, 1, 0, s.runs, &n, &s.err));
	suite_commit(&s);
	execute(&s, "UPDATE event SET past = x'0128b52ffd00'");
	suite_event(&s, "other", "b", 0);
	suite_commit(&s);
	cr_assert_eq(suite_claim(&s, SUITE_NOW_MS, 9), 2u);
	cr_expect_str_eq(s.runs[0].past, "?");
	cr_expect_null(s.runs[1].past);
	suite_end(&s);
}
