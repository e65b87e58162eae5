/* SPDX-License-Identifier: MIT */
/* The options of a head, read back. From: heads as workers say them. */
#include "runner/manner.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"

static struct versions versions;

static void expect(const char *options, const char *wanted)
{
	char text[600], hash[DIGEST_HEX_N];
	struct err err = {.msg = ""};
	struct version *version = NULL;
	struct rulefile *file = NULL;
	struct buf out;
	memset(hash, 'a', sizeof(hash) - 1);
	hash[sizeof(hash) - 1] = '\0';
	cr_assert_eq(version_add(&versions, hash, "a.lua", slice_of("rule"), &version, &err), RC_OK,
		"%s", err.msg);
	snprintf(text, sizeof(text), "{\"rules\":[{\"name\":\"r\",\"line\":1,%s}]}", options);
	json_t *head = json_loads(text, 0, NULL);
	cr_assert_not_null(head, "%s", text);
	cr_assert_eq(rulefile_new("a.lua", version, head, &file, &err), RC_OK, "%s", err.msg);
	buf_init(&out, 1000);
	cr_assert_eq(buf_put_text(&out, "x"), RC_OK);
	cr_assert_eq(manner_put(&file->rules[0], &out), RC_OK);
	cr_expect_str_eq(out.p + 1, wanted, "%s: %s", options, out.p + 1);
	buf_done(&out);
	json_decref(head);
	rulefile_unref(file);
}

#define ON "\"on\":[\"person.created\"]"

Test(runner_manner, what_is_not_as_by_default_is_told_as_one_would_write_it)
{
	static const struct {
		const char *options, *wanted;
	} rows[] = {
		{ON, ""},
		{ON ",\"settle_ms\":20000", "settle 20s, max_settle 5m"},
		{ON ",\"settle_ms\":1500,\"max_settle_ms\":7200000",
			"settle 1500ms, max_settle 2h"},
		{ON ",\"batch\":{\"every_ms\":600000,\"max\":200}", "batch 10m of 200 at most"},
		{ON ",\"key\":\"companyId\",\"concurrency\":3", "key companyId, concurrency 3"},
		{ON ",\"key\":true", "key a function"},
		{ON ",\"timeout_ms\":120000,\"cpu_ms\":250,\"retry_max\":3",
			"timeout 2m, cpu 250ms, retry 3"},
		{ON ",\"retry_max\":8,\"lane\":\"live\"", ""},
		{ON ",\"echo\":true,\"fresh\":{\"depth\":1}", "echo true, fresh with depth 1"},
		{ON ",\"echo\":false,\"fresh\":{\"depth\":0}", "echo false, fresh"},
		{ON ",\"lane\":\"background\",\"max_writes\":{\"n\":5,\"per_ms\":86400000}",
			"lane background, max_writes 5/d"},
		{ON ",\"max_writes\":{\"n\":1000,\"per_ms\":3600000}", ""},
		{ON ",\"shadow\":true,\"was\":\"old name\"", "shadow, was \"old name\""},
		{"\"on\":[],\"every_ms\":86400000", "every 1d"},
		{"\"on\":[],\"cron\":\"0 9 * * 1-5\",\"tz\":\"Europe/Paris\",\"lane\":\"live\"",
			"cron 0 9 * * 1-5 Europe/Paris, lane live"},
		{"\"on\":[],\"cron\":\"0 9 * * *\",\"lane\":\"background\"", "cron 0 9 * * * UTC"},
	};
	for (size_t i = 0; i < ARRAY_N(rows); i++)
		expect(rows[i].options, rows[i].wanted);
}
