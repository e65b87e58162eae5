/* SPDX-License-Identifier: MIT */
/* What doctor thinks of a database: each flaw is found, and a sound one is left alone. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/judge.h"

static struct finding rows[FINDINGS_MAX];
static struct findings f;
static struct queue_server s;

static void setup(void)
{
	f = (struct findings){.p = rows};
	s = (struct queue_server){.name = "PostgreSQL at db/crm",
		.version = "15.6 (Debian 15.6-0)",
		.major = 15,
		.user = "hook",
		.schema = "moonhook",
		.schema_version = 1,
		.schema_newest = 1,
		.synchronous_commit = "on",
		.fsync = true,
		.pages = true,
		.encoding = "UTF8",
		.tls = "TLSv1.3",
		.vacuum = true,
		.connections_n = 20,
		.connections_max = 97,
		.round_us = 400,
		.commit_us = 1200,
		.used_bytes = 12000000};
}

TestSuite(cli_judge_server, .init = setup);

/* The one row that is not well says both. */
static void expect(enum finding_level level, const char *text, const char *fix)
{
	const struct finding *found = NULL;
	f.n = 0;
	judge_server(&f, &s);
	size_t n = findings_count(&f, FINDING_WARN) + findings_count(&f, FINDING_FAIL);
	for (size_t i = 0; i < f.n; i++) {
		if (f.p[i].level == level && found == NULL)
			found = &f.p[i];
		fprintf(stderr, "  has: %d %s | %s\n", (int)f.p[i].level, f.p[i].text, f.p[i].fix);
	}
	cr_expect_eq(n, 1, "for \"%s\"", text);
	cr_assert_not_null(found, "for \"%s\"", text);
	cr_expect(strstr(found->text, text) != NULL, "no \"%s\"", text);
	cr_expect(strstr(found->fix, fix) != NULL, "no \"%s\"", fix);
	cr_expect_eq(findings_count(&f, FINDING_OK), level == FINDING_FAIL ? 0 : 1);
	setup();
}

Test(cli_judge_server, a_sound_one_is_one_row_that_says_what_it_is)
{
	judge_server(&f, &s);
	cr_assert_eq(f.n, 1);
	cr_expect_eq(f.p[0].level, FINDING_OK);
	cr_expect_str_eq(f.p[0].text, "store: PostgreSQL at db/crm, version 15.6, schema moonhook, "
				      "12.0 MB, TLSv1.3, 0.4 ms "
				      "away, a commit takes 1.2 ms");
	f.n = 0;
	s.near = true;
	s.tls[0] = '\0';
	judge_server(&f, &s);
	cr_expect_eq(findings_count(&f, FINDING_OK), 1, "nobody listens on the same machine");
}

Test(cli_judge_server, what_may_lose_deliveries_fails_and_is_a_warning_where_it_is_allowed)
{
	s.fsync = false;
	expect(FINDING_FAIL, "has fsync = off: what it confirms may be lost", "relaxed");
	s.pages = false;
	expect(FINDING_FAIL, "has full_page_writes = off", "turn it on");
	static const char *const weak[] = {"off", "local", "remote_write"};
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		snprintf(s.synchronous_commit, sizeof(s.synchronous_commit), "%s", weak[i]);
		expect(FINDING_FAIL, "has synchronous_commit = ", "turn it on");
	}
	snprintf(s.synchronous_commit, sizeof(s.synchronous_commit), "off");
	s.relaxed = true;
	expect(FINDING_WARN, "database.durability allows that", "turn it on");
	snprintf(s.synchronous_commit, sizeof(s.synchronous_commit), "remote_apply");
	judge_server(&f, &s);
	cr_expect_eq(findings_count(&f, FINDING_FAIL), 0, "more than the disk");
}

Test(cli_judge_server, several_hosts_of_which_none_waits_for_another_are_a_warning)
{
	s.several = true;
	expect(FINDING_WARN, "a failover loses what had not arrived there", "ANY 1 (*)");
	s.several = true;
	snprintf(s.standbys, sizeof(s.standbys), "standby");
	judge_server(&f, &s);
	cr_expect_eq(f.n, 1, "one that is synchronous is sound");
}

Test(cli_judge_server, a_user_of_one_part_alone_is_named_so)
{
	s.part = "receiver";
	judge_server(&f, &s);
	cr_assert_eq(f.n, 2);
	cr_expect_eq(f.p[1].level, FINDING_OK);
	cr_expect_not_null(strstr(f.p[1].text, "may do what a receiver needs, and no more"), "%s",
		f.p[1].text);
}

Test(cli_judge_server, what_cannot_be_worked_with_fails)
{
	s.major = 12;
	snprintf(s.version, sizeof(s.version), "12.17");
	expect(FINDING_FAIL, "is of version 12.17; at least PostgreSQL 13 is needed", "");
	snprintf(s.encoding, sizeof(s.encoding), "LATIN1");
	expect(FINDING_FAIL, "is LATIN1, not UTF8", "");
	s.schema_version = 2;
	expect(FINDING_FAIL, "was written by a newer Moonhook (version 2, this one knows 1)", "");
	snprintf(s.lacks, sizeof(s.lacks), "USAGE on schema moonhook");
	expect(FINDING_FAIL, "user \"hook\" of PostgreSQL at db/crm lacks USAGE on schema moonhook",
		"");
	s.replica = true;
	expect(FINDING_FAIL, "it is a replica; `store` has to name the primary", "");
	s.read_only = true;
	expect(FINDING_FAIL, "it is set read-only", "");
	s.connections_n = 97;
	expect(FINDING_FAIL, "has 0 of 97 connections left", "max_connections");
}

Test(cli_judge_server, what_makes_it_slow_or_risky_is_a_warning)
{
	s.schema_version = 1;
	s.schema_newest = 2;
	expect(FINDING_WARN, "is of an older Moonhook (version 1", "next start");
	s.tls[0] = '\0';
	expect(FINDING_WARN, "is not encrypted", "verify-full");
	s.round_us = 20000;
	expect(FINDING_WARN, "is 20.0 ms away", "same place");
	s.commit_us = 80000;
	expect(FINDING_WARN, "takes 80 ms to make something durable", "faster disk");
	s.commit_us = -1;
	snprintf(s.commit_problem, sizeof(s.commit_problem), "it does not know the function");
	expect(FINDING_WARN, "it does not know the function", "");
	s.connections_n = 90;
	expect(FINDING_WARN, "has 7 of 97 connections left", "max_connections");
	s.vacuum = false;
	expect(FINDING_WARN, "autovacuum of PostgreSQL at db/crm is off", "turn it on");
	snprintf(s.unvacuumed, sizeof(s.unvacuumed), "run");
	expect(FINDING_WARN, "autovacuum of the table moonhook.run is off",
		"ALTER TABLE moonhook.run RESET (autovacuum_enabled)");
	snprintf(s.worst, sizeof(s.worst), "hold");
	s.worst_dead_n = 500000;
	s.worst_rows_n = 10;
	expect(FINDING_WARN, "of the table moonhook.hold 500000 rows are dead",
		"VACUUM moonhook.hold");
}

Test(cli_judge_server, a_clock_is_judged_by_what_is_certain_about_it)
{
	s.ahead_ms = 5000;
	s.ahead_off_ms = 10;
	expect(FINDING_WARN, "is 5.0 s ahead of that of this machine", "set-ntp");
	s.ahead_ms = -5000;
	s.ahead_off_ms = 10;
	expect(FINDING_WARN, "is 5.0 s behind that of this machine", "set-ntp");
	s.ahead_ms = 5000;
	s.ahead_off_ms = 4500;
	judge_server(&f, &s);
	cr_expect_eq(findings_count(&f, FINDING_WARN), 0, "it took that long to answer");
}

Test(cli_judge_server, runners_are_counted_and_one_has_to_lead)
{
	struct peer_facts facts = {.runners_n = 0};
	struct err err;
	judge_peers(&f, &facts);
	cr_expect(strstr(f.p[0].text, "no runner works on the store") != NULL);
	cr_assert_eq(judge_peer_note(&facts, &(struct queue_peer){.name = "a:1"}, &err), RC_OK);
	f.n = 0;
	judge_peers(&f, &facts);
	cr_expect(strstr(f.p[0].text, "no runner leads") != NULL);
	cr_assert_eq(
		judge_peer_note(&facts, &(struct queue_peer){.name = "b:2", .leads = true}, &err),
		RC_OK);
	f.n = 0;
	judge_peers(&f, &facts);
	cr_expect_eq(f.n, 1);
	cr_expect_str_eq(f.p[0].text, "2 runners on the store, b:2 leads");
	cr_assert_eq(judge_peer_note(
			     &facts, &(struct queue_peer){.name = "c:3", .quiet_ms = 9000}, &err),
		RC_OK);
	f.n = 0;
	judge_peers(&f, &facts);
	cr_expect(strstr(f.p[0].text, "runner c:3 gives no sign of life") != NULL);
}
