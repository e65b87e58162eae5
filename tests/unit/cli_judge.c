/* SPDX-License-Identifier: MIT */
/* What doctor thinks of each broken setup, and that it leaves the sound ones alone. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "cli/judge.h"
#include "cli/pattern.h"
#include "cli/settings.h"
#include "tests/harness/process.h"

static struct finding rows[FINDINGS_MAX];
static struct findings f;

static void setup(void)
{
	f = (struct findings){.p = rows};
}

TestSuite(cli_judge, .init = setup);

/* One row of this level that says both; "" for either: anything. */
static void expect(enum finding_level level, const char *text, const char *fix)
{
	for (size_t i = 0; i < f.n; i++)
		if (f.p[i].level == level && strstr(f.p[i].text, text) != NULL &&
			strstr(f.p[i].fix, fix) != NULL)
			return;
	for (size_t i = 0; i < f.n; i++)
		fprintf(stderr, "  has: %d %s | %s\n", (int)f.p[i].level, f.p[i].text, f.p[i].fix);
	cr_expect(false, "no row of level %d with \"%s\" and \"%s\"", (int)level, text, fix);
}

static void expect_counts(size_t ok, size_t warn, size_t fail)
{
	for (size_t i = 0; i < f.n; i++)
		fprintf(stderr, "  has: %d %s\n", (int)f.p[i].level, f.p[i].text);
	cr_expect_eq(findings_count(&f, FINDING_OK), ok);
	cr_expect_eq(findings_count(&f, FINDING_WARN), warn);
	cr_expect_eq(findings_count(&f, FINDING_FAIL), fail);
	f.n = 0;
}

/* ---- sources ---- */

static int64_t minute_ago(void *ctx, const char *source)
{
	(void)ctx;
	return strcmp(source, "stripe") == 0 ? 1000 : 0;
}

Test(cli_judge, a_source_and_the_rules_that_wait_for_it_belong_together)
{
	struct source_facts *facts = calloc(1, sizeof(*facts));
	struct conf_table tables[CLI_SETTINGS_TABLES_N];
	struct err err = {.msg = ""};
	struct conf *conf = NULL;
	char dir[128], path[192];
	cr_assert(process_folder(dir));
	cr_assert(process_write(dir, "m.lua",
		"source \"twenty\" { secrets = { \"s\" } }\n"
		"source \"stripe\" { scheme = \"stripe\", secrets = { \"a\", \"b\" } }\n"
		"source \"idle\" { scheme = \"github\", secrets = { \"a\" } }\n"
		"source \"mute\" { scheme = \"token\", secrets = { \"\" } }\n"));
	snprintf(path, sizeof(path), "%s/m.lua", dir);
	cli_settings_tables(tables);
	cr_assert_eq(conf_load_partial(path, tables, CLI_SETTINGS_TABLES_N, NULL, 0, &conf, &err),
		RC_OK, "%s", err.msg);
	*facts = (struct source_facts){.conf = conf,
		.patterns = {{"paid", "hook:stripe"}, {"lost", "hook:strip"}, {"m", "hook:mute"}},
		.patterns_n = 3,
		.last = minute_ago,
		.now_ms = 61000};
	judge_sources(&f, facts);
	expect(FINDING_OK, "source \"stripe\" (stripe, 2 secrets): the last delivery came 60 s ago",
		"");
	expect(FINDING_WARN, "source \"idle\" (github) is there, but no rule is on hook:idle",
		"on = \"hook:idle\"");
	expect(FINDING_FAIL, "source \"mute\": `secrets` has none", "in this shell");
	expect(FINDING_FAIL, "rule \"lost\" is on hook:strip, but the configuration has no such",
		"add source \"strip\"");
	expect_counts(1, 1, 2);
	conf_free(conf);
	free(facts);
	process_folder_remove(dir);
}

/* ---- clocks ---- */

static void clock_of(int64_t least, int64_t most, size_t timed_n, int64_t ahead)
{
	struct clock_facts facts = {.told = least <= most,
		.least_ms = least,
		.most_ms = most,
		.timed_n = timed_n,
		.ahead_ms = ahead,
		.window_ms = 300000};
	judge_clock(&f, &facts);
}

Test(cli_judge, clocks_that_agree_are_told_as_exactly_as_is_known)
{
	clock_of(-300, 650, 0, 0);
	expect(FINDING_OK, "clock skew below 650 ms", "");
	clock_of(-300, 650, 5, -14);
	expect(FINDING_OK, "clock skew 14 ms", "");
	clock_of(2000, 3000, 0, 0);
	expect(FINDING_OK, "clock skew 2.0 s", "");
	expect_counts(3, 0, 0);
	clock_of(1, 0, 0, 0); /* nobody has told anything */
	expect_counts(0, 0, 0);
}

Test(cli_judge, clocks_that_differ_warn_and_fail_near_the_time_window)
{
	clock_of(61000, 62000, 0, 0);
	expect(FINDING_WARN, "Twenty's clock is 61 s ahead of ours; beyond 300 s", "set-ntp");
	expect_counts(0, 1, 0);
	clock_of(-62000, -61000, 0, 0);
	expect(FINDING_WARN, "61 s behind ours", "set-ntp");
	expect_counts(0, 1, 0);
	clock_of(-300, 650, 3, 239000);
	expect(FINDING_WARN, "239 s ahead of ours, as its deliveries say", "");
	expect_counts(0, 1, 0);
	clock_of(-300, 650, 3, 240000);
	expect(FINDING_FAIL, "240 s ahead of ours", "");
	expect_counts(0, 0, 1);
	struct clock_facts narrow = {
		.told = true, .least_ms = 5000, .most_ms = 6000, .window_ms = 6000};
	judge_clock(&f, &narrow);
	expect(FINDING_FAIL, "5.0 s ahead of ours; beyond 6.0 s", "");
	expect_counts(0, 0, 1);
}

Test(cli_judge, deliveries_in_quarantine_for_their_time_are_told)
{
	struct clock_facts facts = {
		.told = true, .least_ms = -500, .most_ms = 500, .window_ms = 300000, .skewed_n = 7};
	judge_clock(&f, &facts);
	expect(FINDING_WARN, "7 of the last deliveries", "moonhook events list state:quarantined");
	expect_counts(1, 1, 0);
}

/* ---- the store ---- */

static const struct queue_health sound = {.there = true,
	.disk_name = "",
	.free_bytes = INT64_C(100) << 30,
	.used_bytes = 1 << 20,
	.sync_us = 1200,
	.journal = "wal",
	.checked = true};

static void store_of_health(struct queue_health h)
{
	judge_store(&f, "var", &h, INT64_C(10) << 30);
}

Test(cli_judge, a_sound_store_is_one_row)
{
	store_of_health(sound);
	expect(FINDING_OK, "store: WAL on a local disk, fsync 1.2 ms, 1.0 MB, whole", "");
	expect_counts(1, 0, 0);
	struct queue_health h = sound;
	h.there = false;
	h.journal[0] = '\0';
	store_of_health(h);
	expect(FINDING_OK, "store: none yet, on a local disk", "");
	expect_counts(1, 0, 0);
}

Test(cli_judge, each_way_a_store_can_lose_something_is_a_row)
{
	struct queue_health h = sound;
	h.disk = QUEUE_DISK_NETWORK, h.disk_name = "nfs";
	store_of_health(h);
	expect(FINDING_FAIL, "not on a local disk (nfs)", "a disk of this machine");
	expect_counts(0, 0, 1);
	h = sound;
	h.disk = QUEUE_DISK_MEMORY, h.disk_name = "tmpfs";
	store_of_health(h);
	expect(FINDING_WARN, "in memory (tmpfs)", "on a disk");
	expect_counts(1, 1, 0);
	h = sound;
	h.sync_us = -1;
	snprintf(h.sync_problem, sizeof(h.sync_problem), "Permission denied");
	store_of_health(h);
	expect(FINDING_FAIL, "nothing can be written to var: Permission denied", "as the user");
	expect_counts(0, 0, 1);
	h = sound;
	h.sync_us = 80000;
	store_of_health(h);
	expect(FINDING_WARN, "takes 80 ms", "faster");
	expect_counts(1, 1, 0);
	h = sound;
	h.free_bytes = 50 << 20;
	store_of_health(h);
	expect(FINDING_FAIL, "is full: 50.0 MB left", "free space");
	expect_counts(0, 0, 1);
	h.free_bytes = 500 << 20;
	store_of_health(h);
	expect(FINDING_WARN, "has 500 MB left", "");
	expect_counts(1, 1, 0);
	h.free_bytes = INT64_C(5) << 30;
	store_of_health(h);
	expect(FINDING_WARN, "may grow to 10.0 GB (retain.size), but its disk has only 5.0 GB", "");
	expect_counts(1, 1, 0);
	h = sound;
	h.used_bytes = INT64_C(9500) << 20;
	store_of_health(h);
	expect(FINDING_WARN, "takes 9.3 GB of 10.0 GB", "retain.size");
	expect_counts(1, 1, 0);
	h = sound;
	snprintf(h.damage, sizeof(h.damage), "work.db: row 3 missing");
	store_of_health(h);
	expect(FINDING_FAIL, "cannot be read: work.db: row 3 missing", "restore a backup");
	expect_counts(0, 0, 1);
	h = sound;
	snprintf(h.journal, sizeof(h.journal), "delete");
	store_of_health(h);
	expect(FINDING_FAIL, "in the mode \"delete\", not WAL", "");
	expect_counts(0, 0, 1);
	h = sound;
	h.open_to_others = true;
	store_of_health(h);
	expect(FINDING_WARN, "others than its owner may read", "chmod -R go= var");
	expect_counts(1, 1, 0);
}

/* ---- the daemon, rules, runs ---- */

static json_t *json_of(const char *text)
{
	json_error_t error;
	json_t *o = json_loads(text, 0, &error);
	cr_assert_not_null(o, "%s: %s", error.text, text);
	return o;
}

Test(cli_judge, a_daemon_that_is_not_there_or_does_not_answer)
{
	struct queue_health h = sound;
	judge_daemon(&f, NULL, &h);
	expect(FINDING_WARN, "the daemon is not running", "moonhook serve");
	expect_counts(0, 1, 0);
	h.runner_pid = 4711;
	judge_daemon(&f, NULL, &h);
	expect(FINDING_FAIL, "process 4711 works on this store, but nobody answers", "control");
	expect_counts(0, 0, 1);
}

Test(cli_judge, what_a_daemon_is_unhappy_with_is_told)
{
	json_t *s = json_of("{\"version\":\"v1\",\"uptime_ms\":7300000,\"workers\":2,\"api\":{}}");
	judge_daemon(&f, s, NULL);
	expect(FINDING_OK, "daemon v1, up 2 h, 2 workers", "");
	expect_counts(1, 0, 0);
	json_decref(s);
	s = json_of(
		"{\"version\":\"v1\",\"uptime_ms\":5,\"workers\":1,\"store_problem\":\"the disk "
		"is full\",\"api\":{\"refused\":true,\"problem\":\"Twenty refuses the API key\"},"
		"\"processes\":[{\"name\":\"receiver\",\"restarts\":0},{\"name\":\"runner\","
		"\"restarts\":3}],\"deliveries\":{\"stored\":9,\"unauthorized\":1,"
		"\"unknown_source\":2,\"unavailable\":4}}");
	judge_daemon(&f, s, NULL);
	expect(FINDING_FAIL, "the daemon says: the disk is full", "");
	expect(FINDING_FAIL, "the daemon says: Twenty refuses the API key", "restart it");
	expect(FINDING_WARN, "its runner has been restarted 3 times", "log");
	expect(FINDING_WARN, "1 delivery was refused since the start: unsigned", "webhook list");
	expect(FINDING_WARN, "2 deliveries were refused since the start: the path", "");
	expect(FINDING_WARN, "4 deliveries were refused with 503", "");
	expect_counts(1, 4, 2);
	json_decref(s);
}

Test(cli_judge, rules_that_do_not_load_and_runs_that_failed_are_told)
{
	json_t *r = json_of("[{\"name\":\"a\",\"file\":\"a.lua\",\"state\":\"live\"},"
			    "{\"name\":\"b\",\"file\":\"b.lua\",\"state\":\"broken\",\"error\":"
			    "\"b.lua:3: x\"},{\"name\":\"\",\"file\":\"c.lua\",\"state\":"
			    "\"broken\",\"error\":\"c.lua:1: y\"}]");
	judge_rules(&f, r);
	expect(FINDING_FAIL, "b.lua does not load: b.lua:3: x (its older version is live)",
		"moonhook reload");
	expect(FINDING_FAIL, "c.lua does not load: c.lua:1: y", "");
	expect_counts(0, 0, 2);
	json_array_remove(r, 2);
	json_array_remove(r, 1);
	judge_rules(&f, r);
	expect(FINDING_OK, "1 rule live", "");
	expect_counts(1, 0, 0);
	json_array_clear(r);
	judge_rules(&f, r);
	expect(FINDING_WARN, "no rule is live", "");
	expect_counts(0, 1, 0);
	json_decref(r);
	json_t *events = json_of("{\"quarantined\":3,\"done\":5}");
	json_t *runs = json_of("{\"dead\":2,\"quarantined\":1}");
	judge_counts(&f, events, runs);
	expect(FINDING_WARN, "3 runs have failed for good", "moonhook runs list state:dead");
	expect(FINDING_WARN, "2 events are in quarantine", "");
	expect_counts(0, 2, 0);
	json_object_clear(runs);
	json_object_clear(events);
	judge_counts(&f, events, runs);
	expect_counts(0, 0, 0);
	json_decref(events);
	json_decref(runs);
}

Test(cli_judge, pauses_issues_and_gaps_are_told)
{
	struct err err;
	struct queue_pause one = {.rule = "enrich", .why = "paused by hand"};
	struct queue_pause all = {.rule = "*", .why = "paused by hand"};
	struct queue_issue issue = {.kind = "loop",
		.about = "enrich",
		.text = "it sets itself off\nline two",
		.count = 3};
	struct queue_issue seen = {.kind = "dead", .about = "x", .text = "y", .acknowledged = true};
	cr_expect_eq(judge_pause(&f, &one, &err), RC_OK);
	cr_expect_eq(judge_pause(&f, &all, &err), RC_OK);
	struct issue_facts issues = {.open_n = 0};
	cr_expect_eq(judge_issue_note(&issues, &seen, &err), RC_OK);
	judge_issues(&f, &issues); /* acknowledged: none */
	cr_expect_eq(judge_issue_note(&issues, &issue, &err), RC_OK);
	judge_issues(&f, &issues);
	expect(FINDING_WARN, "rule \"enrich\" is paused", "moonhook rules resume 'enrich'");
	expect(FINDING_WARN, "all rules are paused", "moonhook rules resume --all");
	expect(FINDING_WARN, "1 issue is open: loop, enrich: it sets itself off", "issues list");
	expect_counts(0, 3, 0);
	struct gap_facts gap = {.running = true, .now_ms = 100 * 3600000};
	struct queue_gap person = {.object = "person", .asked_ms = 99 * 3600000, .problem = ""};
	struct queue_gap company = {
		.object = "company", .asked_ms = 100 * 3600000 - 60000, .problem = ""};
	struct queue_gap odd = {.object = "view", .asked_ms = 1, .problem = "not allowed"};
	cr_expect_eq(judge_gap_note(&gap, &company, &err), RC_OK);
	judge_gap(&f, &gap);
	expect(FINDING_OK, "missed changes of 1 object were looked for 60 s ago at most", "");
	expect_counts(1, 0, 0);
	cr_expect_eq(judge_gap_note(&gap, &person, &err), RC_OK);
	cr_expect_eq(judge_gap_note(&gap, &odd, &err), RC_OK);
	judge_gap(&f, &gap);
	expect(FINDING_WARN, "missed changes of person were last looked for", "reconcile");
	expect(FINDING_WARN, "1 object cannot be looked through for missed changes: view: not", "");
	expect_counts(0, 2, 0);
}

/* ---- webhooks ---- */

#define OURS "https://hooks.acme.io/hooks/twenty"

static struct conf *conf;
static struct here here;
static char dir[128];

static void open_conf(const char *more)
{
	char text[1024], path[192];
	struct err err = {.msg = ""};
	cr_assert(process_folder(dir));
	snprintf(path, sizeof(path), "%s/m.lua", dir);
	snprintf(text, sizeof(text),
		"twenty = { url = \"https://crm.acme.io\", key = \"k\" }\n"
		"source \"twenty\" { scheme = \"twenty\", secrets = { \"ours\", \"older\" } }\n%s",
		more);
	cr_assert(process_write(dir, "m.lua", text));
	struct args args = {.verb = &verb_doctor, .config = path};
	cr_assert_eq(
		cli_settings_read(&args, CLI_SETTINGS_PARTIAL, &conf, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(here_find(conf, NULL, NULL, &here, &err), RC_OK, "%s", err.msg);
}

static void close_conf(void)
{
	conf_free(conf);
	process_folder_remove(dir);
}

static enum address_kind kind_by_name(void *ctx, const char *host)
{
	(void)ctx;
	return strncmp(host, "10.", 3) == 0        ? ADDRESS_PRIVATE
	       : strcmp(host, "localhost") == 0    ? ADDRESS_LOOPBACK
	       : strcmp(host, "gone.acme.io") == 0 ? ADDRESS_UNKNOWN
						   : ADDRESS_PUBLIC;
}

/* hooks: JSON with ' for "; on: what the rule "r" listens to, may be NULL. */
static void judge_hooks(
	const char *hooks, const char *on, const char *twenty_host, const struct arrivals *arrivals)
{
	char text[2048];
	struct webhooks list;
	struct err err;
	snprintf(text, sizeof(text), "%s", hooks);
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	json_t *body = json_of(text);
	json_t *patterns =
		on != NULL ? json_pack("[{s:s, s:s}]", "rule", "r", "on", on) : json_array();
	cr_assert_eq(webhooks_read(body, &list, &err), RC_OK);
	struct webhook_facts facts = {.known = {conf, &here, arrivals},
		.list = &list,
		.patterns = patterns,
		.twenty_host = twenty_host,
		.lookup = kind_by_name,
		.now_ms = 1000000};
	judge_webhooks(&f, &facts);
	webhooks_done(&list);
	json_decref(patterns);
	json_decref(body);
}

#define ID_A "0fe69330-5fa1-46c2-8d14-dba04afe2459"
#define ID_B "b22b54fd-b41b-459d-b2a4-e334a0c9af90"
#define HOOK(id, target, operations, secret)                                                       \
	"{'id':'" id "','targetUrl':'" target "','operations':[" operations "],'secret':'" secret  \
	"'}"

Test(cli_judge, a_webhook_that_works_is_one_row)
{
	open_conf("public = \"https://hooks.acme.io\"\n");
	judge_hooks("[" HOOK(ID_A, OURS, "'person.*'", "ours") "]", "person.created", "crm.acme.io",
		NULL);
	expect(FINDING_OK, "webhook " OURS " sends person.*; no delivery has come yet", "");
	expect_counts(1, 0, 0);
	judge_hooks(
		"[" HOOK(ID_A, OURS "/", "'*.*'", "older") "]", "*.deleted", "crm.acme.io", NULL);
	expect_counts(1, 0, 0);
	struct arrivals came = {.seen = {{.webhook = ID_A, .last_ms = 700000}}, .seen_n = 1};
	judge_hooks("[" HOOK(ID_A, "http://10.0.0.5:8700/hooks/twenty", "'*.*'", "ours") "]", NULL,
		"crm.acme.io", &came);
	expect(FINDING_OK, "the last delivery came 5 min ago", "");
	expect_counts(1, 0, 0);
	close_conf();
}

Test(cli_judge, no_webhook_points_here)
{
	open_conf("public = \"https://hooks.acme.io\"\n");
	judge_hooks("[]", "person.created", "crm.acme.io", NULL);
	expect(FINDING_FAIL, "no webhook of this workspace points here", "moonhook webhook add");
	expect_counts(0, 0, 1);
	judge_hooks("[" HOOK(ID_A, "https://else.acme.io/x", "'*.*'", "theirs") "]", NULL,
		"crm.acme.io", NULL);
	expect_counts(0, 0, 1);
	close_conf();
	open_conf(""); /* nothing says where we are */
	judge_hooks("[]", NULL, "crm.acme.io", NULL);
	expect(FINDING_FAIL, "no webhook", "moonhook webhook add --url");
	expect_counts(0, 0, 1);
	judge_hooks("[" HOOK(ID_A, OURS, "'*.*'", "ours") "]", NULL, "crm.acme.io", NULL);
	expect(FINDING_WARN, "nobody can tell whether a webhook points here", "public =");
	expect_counts(0, 1, 0);
	close_conf();
}

Test(cli_judge, a_private_target_is_a_trap_unless_twenty_is_as_near_or_deliveries_come)
{
	open_conf("public = \"http://10.0.0.5:8700\"\n");
	judge_hooks("[]", NULL, "crm.acme.io", NULL);
	expect(FINDING_FAIL,
		"webhook target http://10.0.0.5:8700/hooks/twenty is private: Twenty drops such "
		"calls without a word",
		"set OUTBOUND_HTTP_SAFE_MODE_ENABLED=false on Twenty's server and worker, or use a "
		"public URL");
	expect(FINDING_FAIL, "no webhook of this workspace points here", "moonhook webhook add");
	expect_counts(0, 0, 2);
	const char *one = "[" HOOK(ID_A, "http://10.0.0.5:8700/hooks/twenty", "'*.*'", "ours") "]";
	judge_hooks(one, NULL, "crm.acme.io", NULL);
	expect(FINDING_FAIL, "is private", "OUTBOUND");
	expect_counts(1, 0, 1);
	judge_hooks(one, NULL, "10.0.0.9", NULL);
	expect(FINDING_WARN, "is private, as Twenty is", "OUTBOUND");
	expect_counts(1, 1, 0);
	struct arrivals came = {.seen = {{.webhook = ID_A, .last_ms = 1}}, .seen_n = 1};
	judge_hooks(one, NULL, "crm.acme.io", &came);
	expect_counts(1, 0, 0);
	close_conf();
}

Test(cli_judge, a_webhook_without_a_secret_or_with_another_one_is_refused_each_time)
{
	open_conf("public = \"https://hooks.acme.io\"\n");
	judge_hooks("[" HOOK(ID_A, OURS, "'*.*'", "") "]", NULL, "crm.acme.io", NULL);
	expect(FINDING_FAIL, "has no secret: Twenty sends it unsigned",
		"moonhook webhook add --replace");
	expect_counts(0, 0, 1);
	judge_hooks("[" HOOK(ID_A, OURS, "'*.*'", "stale") "]", NULL, "crm.acme.io", NULL);
	expect(FINDING_FAIL, "a secret that source \"twenty\" does not have",
		"moonhook webhook add --replace");
	expect(FINDING_FAIL, "", "");
	for (size_t i = 0; i < f.n; i++)
		cr_expect(strstr(f.p[i].text, "stale") == NULL, "secrets are not shown");
	expect_counts(0, 0, 1);
	judge_hooks("[" HOOK(ID_A, OURS, "'*.*'", "********") "]", NULL, "crm.acme.io", NULL);
	expect_counts(1, 0, 0);
	close_conf();
}

Test(cli_judge, what_no_webhook_sends_comes_twice_or_crosses_the_internet_in_the_clear)
{
	open_conf("public = \"https://hooks.acme.io\"\n");
	judge_hooks("[" HOOK(ID_A, OURS, "'company.*'", "ours") "]", "person.created",
		"crm.acme.io", NULL);
	expect(FINDING_FAIL, "rule \"r\" is on person.created, but no webhook sends that",
		"moonhook webhook add --replace");
	expect_counts(1, 0, 1);
	judge_hooks("[" HOOK(ID_A, OURS, "'company.*'", "ours") "," HOOK(
			    ID_B, OURS, "'person.created'", "ours") "]",
		"person.created", "crm.acme.io", NULL);
	expect_counts(2, 0, 0);
	judge_hooks("[" HOOK(ID_A, OURS, "'*.*'", "ours") "," HOOK(
			    ID_B, OURS, "'person.created'", "ours") "]",
		NULL, "crm.acme.io", NULL);
	expect(FINDING_WARN, "0fe69330 and b22b54fd both point here", "moonhook webhook remove ");
	expect_counts(2, 1, 0);
	close_conf();
	open_conf("public = \"http://hooks.acme.io\"\n");
	judge_hooks("[" HOOK(ID_A, "http://hooks.acme.io/hooks/twenty", "'*.*'", "ours") "]", NULL,
		"crm.acme.io", NULL);
	expect(FINDING_WARN, "is not https", "TLS");
	expect_counts(1, 1, 0);
	judge_hooks("[" HOOK(ID_A, "http://gone.acme.io/hooks/twenty", "'*.*'", "ours") "]", NULL,
		"crm.acme.io", NULL);
	expect(FINDING_WARN, "has no address that this machine finds", "");
	close_conf();
}

Test(cli_judge, the_door_answers_405_or_it_is_not_ours)
{
	open_conf("public = \"https://hooks.acme.io\"\n");
	judge_door(&f, &here, "127.0.0.1:8700", RC_OK, "", 405);
	expect(FINDING_OK, OURS " leads to this receiver", "");
	expect_counts(1, 0, 0);
	judge_door(&f, &here, "127.0.0.1:8700", RC_OK, "", 404);
	expect(FINDING_FAIL, "answers 404", "pass /hooks/ on to http://127.0.0.1:8700");
	expect_counts(0, 0, 1);
	judge_door(&f, &here, "127.0.0.1:8700", RC_UNREACHABLE, "it refuses connections", 0);
	expect(FINDING_WARN, "cannot be reached from this machine: it refuses connections", "");
	expect_counts(0, 1, 0);
	close_conf();
}

Test(cli_judge, secrets_that_everybody_may_read_are_told)
{
	char config[192], secret[192];
	open_conf("console = { token = file \"token\" }\n");
	snprintf(config, sizeof(config), "%s/m.lua", dir);
	snprintf(secret, sizeof(secret), "%s/token", dir);
	cr_assert(process_write(dir, "token", "t\n"));
	cr_assert_eq(chmod(config, 0640), 0);
	cr_assert_eq(chmod(secret, 0600), 0);
	judge_files(&f, config, conf);
	expect_counts(0, 0, 0);
	cr_assert_eq(chmod(config, 0644), 0);
	cr_assert_eq(chmod(secret, 0604), 0);
	judge_files(&f, config, conf);
	expect(FINDING_WARN, "may read the secrets in ", "chmod o= ");
	expect(FINDING_WARN, "may read the secret in ", "/token");
	expect_counts(0, 2, 0);
	close_conf();
}

/* ---- patterns ---- */

Test(cli_pattern, a_webhook_is_asked_for_all_of_the_objects_that_rules_listen_to)
{
	char text[200];
	json_t *patterns = json_of("[{\"on\":\"person.created\"},{\"on\":\"person.updated\"},"
				   "{\"on\":\"task.*\"}]");
	json_t *operations = patterns_operations(patterns);
	patterns_format(operations, text, sizeof(text));
	cr_expect_str_eq(text, "person.*, task.*");
	json_decref(operations);
	json_array_append_new(patterns, json_pack("{s:s}", "on", "*.deleted"));
	operations = patterns_operations(patterns);
	patterns_format(operations, text, sizeof(text));
	cr_expect_str_eq(text, "*.*");
	json_decref(operations);
	json_decref(patterns);
	operations = patterns_operations(NULL);
	patterns_format(operations, text, sizeof(text));
	cr_expect_str_eq(text, "*.*");
	json_decref(operations);
}

Test(cli_pattern, operations_are_checked_before_twenty_sees_them)
{
	static const char *const wrong[] = {
		"", ",", "person", "person.creatd", "hook:stripe", "timer", "person.created,foo"};
	struct err err;
	char text[200];
	json_t *operations = NULL;
	for (size_t i = 0; i < ARRAY_N(wrong); i++)
		cr_expect_eq(
			patterns_parse(wrong[i], &operations, &err), RC_INVALID, "%s", wrong[i]);
	cr_assert_eq(patterns_parse("person.*, task.created,person.*", &operations, &err), RC_OK);
	patterns_format(operations, text, sizeof(text));
	cr_expect_str_eq(text, "person.*, task.created");
	json_decref(operations);
}

/* ---- here ---- */

Test(cli_here, our_address_is_what_is_said_or_the_listener_beside_twenty)
{
	struct err err = {.msg = ""};
	struct here h;
	open_conf("public = \"https://hooks.acme.io/moon/\"\nlisten = \"0.0.0.0:8700\"\n");
	cr_expect_str_eq(here.url, "https://hooks.acme.io/moon/hooks/twenty");
	cr_expect_str_eq(here.origin, "public");
	cr_assert_eq(here_find(conf, NULL, "http://b.example:1/hooks/twenty/", &h, &err), RC_OK);
	cr_expect_str_eq(h.url, "http://b.example:1/hooks/twenty");
	cr_expect_str_eq(h.origin, "--url");
	cr_expect_eq(here_find(conf, NULL, "b.example", &h, &err), RC_INVALID);
	cr_expect(strstr(err.msg, "--url is no address") != NULL, "%s", err.msg);
	cr_expect_eq(here_find(conf, "nobody", NULL, &h, &err), RC_NOT_FOUND);
	close_conf();
	open_conf("");
	cr_expect_null(here.origin);
	close_conf();
	open_conf("twenty = { url = \"http://127.0.0.1:3000\", key = \"k\" }\n");
	cr_expect_str_eq(here.url, "http://127.0.0.1:8700/hooks/twenty");
	cr_expect_str_eq(here.origin, "listen");
	close_conf();
}
