/* SPDX-License-Identifier: MIT */
/*
 * The verb `doctor`: is everything as it has to be for events to arrive, be kept, and run?
 * From: main.c. To: the configuration, Twenty (workspace.c), the store (health.h), the daemon
 * (control.c), our own door (door.c); judge_*.c say what it means. Each question has its own bound
 * of time, and the failure of one leaves the others: a Twenty that is silent costs 5 s. Changes
 * nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/control.h"
#include "cli/judge.h"
#include "cli/pattern.h"
#include "cli/settings.h"
#include "cli/slot.h"
#include "client/door.h"
#include "queue/place.h"

#define TWENTY_MS 5000
#define DOOR_MS 3000
#define LOOKUP_MS 3000
#define STATUS_S 5
#define HOSTS_N 8
#define HEARD_MS 3600000 /* a delivery of so long ago shows that they come */
#define EXPIRES_MS (INT64_C(86400000) * 14)

struct doctor {
	const struct args *args;
	struct findings findings;
	struct conf *conf;
	enum cli_exit worst; /* of what has an exit status of its own */
	struct here here;
	bool has_here;
	struct workspace *workspace;
	struct webhooks list;
	bool has_list;
	struct arrivals arrivals;
	json_t *status;      /* of the daemon; NULL: nobody answers */
	json_t *patterns;    /* of the live rules */
	struct queue *queue; /* NULL: there is none, or it cannot be read */
	struct queue_health health;
	bool has_health;
	bool away; /* the store is a database */
	struct {
		char host[256];
		enum address_kind kind;
	} hosts[HOSTS_N]; /* looked up already */
	size_t hosts_n;
};

static void note_exit(struct doctor *d, enum cli_exit status)
{
	static const enum cli_exit order[] = {CLI_CONFIG, CLI_KEY, CLI_TWENTY};
	for (size_t i = 0; i < ARRAY_N(order); i++) {
		if (d->worst == order[i])
			return;
		if (status == order[i])
			d->worst = status;
	}
}

/* ---- the configuration ---- */

/* Is it the file of its secret that is missing, which `webhook add` makes? */
static bool lacks_secret(const struct doctor *d)
{
	struct slot slot;
	const char *source = here_source(d->conf, args_flag(d->args, "source"));
	if (source == NULL)
		return false;
	slot_find(d->conf, source, &slot);
	return slot.kind == SLOT_FILE && slot.secret == NULL && !slot.was_there;
}

/* Nothing of Twenty, and a store that others share: what a machine with receivers alone has. */
static bool is_of_receivers(const struct doctor *d)
{
	struct queue_place place;
	queue_place_of(d->conf, &place);
	return queue_place_away(&place) && conf_text(d->conf, "twenty.url") == NULL &&
	       conf_text(d->conf, "twenty.key") == NULL && !lacks_secret(d);
}

static bool find_here(struct doctor *d)
{
	struct err err = {.msg = ""};
	enum rc rc = here_find(
		d->conf, args_flag(d->args, "source"), args_flag(d->args, "url"), &d->here, &err);
	d->has_here = rc == RC_OK;
	if (rc != RC_OK) {
		finding_put(&d->findings, "config", FINDING_FAIL, "%s", err.msg);
		note_exit(d, CLI_CONFIG);
	}
	return true;
}

/* False: nothing can be read at all. */
static bool read_conf(struct doctor *d)
{
	struct err err = {.msg = ""}, again;
	if (cli_settings_read(d->args, CLI_SETTINGS_WHOLE, &d->conf, &err) != RC_OK) {
		enum rc rc = cli_settings_read(d->args, CLI_SETTINGS_PARTIAL, &d->conf, &again);
		if (rc == RC_OK &&
			strstr(err.msg, "`twenty.url` is required and missing") != NULL &&
			is_of_receivers(d))
			return find_here(d);
		struct finding *f =
			finding_put(&d->findings, "config", FINDING_FAIL, "%s", err.msg);
		note_exit(d, CLI_CONFIG);
		if (rc == RC_IO)
			finding_fix(f,
				"name another with --config FILE, or begin one: moonhook init "
				"--config %s",
				d->args->config);
		else if (rc != RC_OK && strcmp(err.msg, again.msg) != 0)
			finding_put(&d->findings, "config", FINDING_FAIL, "%s", again.msg);
		if (rc != RC_OK)
			return false;
		finding_fix(f, lacks_secret(d) ? "moonhook webhook add"
					       : "correct it; what is not set in this shell may be "
						 "where the daemon runs");
	}
	return find_here(d);
}

/* ---- Twenty ---- */

/* Without a user name or password in it. */
static void twenty_text(const struct doctor *d, char ret_text[static TARGET_TEXT_N])
{
	struct target t;
	const char *url = conf_text(d->conf, "twenty.url");
	if (url != NULL && target_parse(url, &t))
		target_format(&t, ret_text);
	else
		snprintf(ret_text, TARGET_TEXT_N, "twenty.url");
}

static void check_key(struct doctor *d, const char *url, const char *dialect)
{
	struct workspace_key key;
	char name[160] = "", end[CLOCK_TEXT_N];
	workspace_key(d->workspace, &key);
	if (key.name[0] != '\0')
		snprintf(name, sizeof(name), ", key \"%s\"", key.name);
	finding_put(&d->findings, "twenty", FINDING_OK, "Twenty at %s (%s dialect)%s", url, dialect,
		name);
	if (key.expires_ms == 0 || key.expires_ms - clock_wall_ms() > EXPIRES_MS)
		return;
	clock_format(key.expires_ms, end);
	struct finding *f = finding_put(&d->findings, "key", FINDING_WARN,
		"the key ends on %.10s: nothing works after that", end);
	finding_fix(f, "make another in Twenty (Settings, APIs & Webhooks) for twenty.key");
}

static void blame_twenty(struct doctor *d, const char *url, enum rc rc, const char *why)
{
	bool of_twenty = strncmp(why, "Twenty ", 7) == 0;
	struct finding *f =
		finding_put(&d->findings, "twenty", rc == RC_LIMITED ? FINDING_WARN : FINDING_FAIL,
			"Twenty at %s%s %s", url, of_twenty ? "" : ":", of_twenty ? why + 7 : why);
	note_exit(d, rc == RC_AUTH ? CLI_KEY : rc == RC_LIMITED ? CLI_OK : CLI_TWENTY);
	if (rc == RC_UNREACHABLE || rc == RC_TIMEOUT)
		finding_fix(f, "is it up, and is twenty.url its address?");
	else if (rc == RC_UPSTREAM)
		finding_fix(f, "is twenty.url the address of Twenty itself?");
}

static void read_webhooks(struct doctor *d)
{
	struct err err = {.msg = ""};
	enum rc rc = workspace_webhooks(d->workspace, &d->list, &err);
	d->has_list = rc == RC_OK;
	if (rc != RC_OK)
		finding_put(&d->findings, "webhook", FINDING_WARN,
			"the webhooks of the workspace cannot be seen: %s", err.msg);
}

static void check_twenty(struct doctor *d)
{
	struct err err = {.msg = ""};
	char url[TARGET_TEXT_N];
	const char *dialect = "";
	twenty_text(d, url);
	if (conf_text(d->conf, "twenty.url") == NULL && d->worst == CLI_OK) {
		finding_put(&d->findings, "twenty", FINDING_OK,
			"no twenty.url: right for `serve --only receiver`; a runner needs it");
		return;
	}
	enum rc rc = workspace_open(d->conf, TWENTY_MS, &d->workspace, &err);
	if (rc != RC_OK)
		return; /* the configuration is at fault, and it was said */
	rc = workspace_greet(d->workspace, &dialect, &err);
	if (rc == RC_OK)
		check_key(d, url, dialect);
	else
		blame_twenty(d, url, rc, err.msg);
	if (rc == RC_OK || rc == RC_LIMITED)
		read_webhooks(d);
}

/* ---- here ---- */

static enum rc add_rule(void *ctx, const struct queue_rule *rule, struct err *err)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "name", rule->name, "file", rule->file,
		"state", rule->state, "error", rule->error);
	if (row == NULL || json_array_append_new(ctx, row) != 0)
		return err_set(err, RC_NOMEM, "no memory for the rules");
	return RC_OK;
}

static json_t *states_of(const int64_t counts[static QUEUE_STATE_N])
{
	json_t *o = json_object();
	for (int i = 0; i < QUEUE_STATE_N; i++)
		json_object_set_new(o, queue_state_name((enum queue_state)i),
			json_integer((json_int_t)counts[i]));
	return o;
}

/* The newest deliveries and the rules: what the clocks and the webhooks are judged by. What cannot
 * be read says nothing. */
static void read_store(struct doctor *d)
{
	struct err err;
	struct queue_place place;
	queue_place_of(d->conf, &place);
	if (queue_place_open(&place, QUEUE_READER, 0, &d->queue, &err) != RC_OK) {
		d->queue = NULL;
		return;
	}
	if (d->has_here && arrivals_read(d->queue, d->here.source, clock_wall_ms(), &d->arrivals,
				   &err) != RC_OK)
		d->arrivals = (struct arrivals){.seen_n = 0};
	if (patterns_read(d->queue, &d->patterns, &err) != RC_OK)
		d->patterns = NULL;
}

/* A database: what it says of itself, and who works there. */
static void look_at_database(struct doctor *d, const struct queue_place *place)
{
	struct err err = {.msg = ""};
	struct queue_server server;
	struct peer_facts peers = {.runners_n = 0};
	if (queue_server_read(place, QUEUE_SERVER_CLOSE, &server, &err) != RC_OK) {
		struct finding *f = finding_put(&d->findings, "store", FINDING_FAIL, "%s", err.msg);
		finding_fix(f, "receivers keep what comes in their spool meanwhile; runners wait");
		return;
	}
	judge_server(&d->findings, &server);
	if (server.schema_version != server.schema_newest)
		return;
	read_store(d);
	if (d->queue != NULL && queue_peer_each(d->queue, judge_peer_note, &peers, &err) == RC_OK)
		judge_peers(&d->findings, &peers);
}

static void look_at_store(struct doctor *d)
{
	struct err err = {.msg = ""};
	enum queue_look look =
		args_flag(d->args, "deep") != NULL ? QUEUE_LOOK_DEEP : QUEUE_LOOK_QUICK;
	struct queue_place place;
	queue_place_of(d->conf, &place);
	d->away = queue_place_away(&place);
	if (d->away) {
		look_at_database(d, &place);
		return;
	}
	enum rc rc = queue_health_read(conf_text(d->conf, "store"), look, &d->health, &err);
	d->has_health = rc == RC_OK;
	if (rc != RC_OK)
		finding_put(&d->findings, "store", FINDING_FAIL, "%s", err.msg);
	else if (d->health.there && d->health.damage[0] == '\0')
		read_store(d);
}

static struct gap_facts gap_facts_of(const struct doctor *d)
{
	const json_t *gap = json_object_get(d->status, "gap");
	int64_t now_ms = clock_wall_ms();
	return (struct gap_facts){.running = d->status != NULL,
		.now_ms = now_ms,
		.missed_n = (int64_t)(json_integer_value(json_object_get(gap, "running")) -
				      json_integer_value(json_object_get(gap, "late"))),
		.heard = d->arrivals.newest_ms != 0 && now_ms - d->arrivals.newest_ms < HEARD_MS};
}

/* What the store tells of rules and runs, whether or not a daemon runs. */
static void check_rules(struct doctor *d)
{
	struct err err;
	struct queue_counts counts;
	struct gap_facts gap = gap_facts_of(d);
	struct issue_facts issues = {.open_n = 0};
	json_t *rules = json_array();
	if (queue_rule_each(d->queue, add_rule, rules, &err) == RC_OK)
		judge_rules(&d->findings, rules);
	json_decref(rules);
	if (queue_pause_each(d->queue, judge_pause, &d->findings, &err) != RC_OK ||
		queue_issue_each(d->queue, judge_issue_note, &issues, &err) != RC_OK ||
		queue_gap_each(d->queue, judge_gap_note, &gap, &err) != RC_OK ||
		queue_count(d->queue, &counts, &err) != RC_OK)
		return;
	judge_issues(&d->findings, &issues);
	judge_gap(&d->findings, &gap);
	json_t *events = states_of(counts.events), *runs = states_of(counts.runs);
	judge_counts(&d->findings, events, runs);
	json_decref(events);
	json_decref(runs);
}

static void check_clock(struct doctor *d)
{
	char key[192];
	struct clock_facts facts = {.timed_n = d->arrivals.timed_n,
		.ahead_ms = d->arrivals.ahead_ms,
		.skewed_n = d->arrivals.skewed_n,
		.window_ms = 300000};
	if (d->has_here) {
		snprintf(key, sizeof(key), "source.%s.window", d->here.source);
		facts.window_ms = conf_int(d->conf, key);
	}
	if (d->workspace != NULL)
		facts.told = workspace_skew(d->workspace, &facts.least_ms, &facts.most_ms);
	judge_clock(&d->findings, &facts);
}

static void ask_daemon(struct doctor *d)
{
	struct err err;
	if (control_try(d->conf, "status", STATUS_S, &d->status, &err) != RC_OK)
		d->status = NULL;
}

/* ---- webhooks ---- */

static enum address_kind look_up(void *ctx, const char *host)
{
	struct doctor *d = ctx;
	char text[ADDRESS_TEXT_N];
	for (size_t i = 0; i < d->hosts_n; i++)
		if (strcmp(d->hosts[i].host, host) == 0)
			return d->hosts[i].kind;
	if (d->hosts_n == HOSTS_N)
		return ADDRESS_UNKNOWN;
	enum address_kind kind = address_find(host, LOOKUP_MS, text);
	snprintf(d->hosts[d->hosts_n].host, sizeof(d->hosts[0].host), "%s", host);
	d->hosts[d->hosts_n++].kind = kind;
	return kind;
}

static void check_webhooks(struct doctor *d)
{
	struct target twenty;
	const char *url = conf_text(d->conf, "twenty.url");
	if (!d->has_list || !d->has_here || url == NULL || !target_parse(url, &twenty))
		return;
	struct webhook_facts facts = {
		.known = {.conf = d->conf, .here = &d->here, .arrivals = &d->arrivals},
		.list = &d->list,
		.patterns = d->patterns,
		.twenty_host = twenty.host,
		.lookup = look_up,
		.lookup_ctx = d,
		.now_ms = clock_wall_ms()};
	judge_webhooks(&d->findings, &facts);
}

static void check_door(struct doctor *d)
{
	struct err err = {.msg = ""};
	int status = 0;
	if (d->status == NULL || !d->has_here || d->here.origin == NULL)
		return;
	enum rc rc =
		door_knock(d->here.url, conf_text(d->conf, "twenty.ca"), DOOR_MS, &status, &err);
	judge_door(&d->findings, &d->here, conf_text(d->conf, "listen"), rc, err.msg, status);
}

/* ---- other sources ---- */

static enum rc note_last(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)err;
	*(int64_t *)ctx = row->received_ms;
	return RC_OK;
}

static int64_t last_of_source(void *ctx, const char *source)
{
	struct doctor *d = ctx;
	struct err err;
	int64_t last_ms = 0;
	struct queue_filter filter = {.source = source, .limit = 1};
	return queue_event_each(d->queue, &filter, note_last, &last_ms, &err) == RC_OK ? last_ms
										       : 0;
}

/* The words of `on` that begin with "hook:". */
static enum rc note_pattern(void *ctx, const struct queue_rule *rule, struct err *err)
{
	struct source_facts *facts = ctx;
	(void)err;
	for (const char *p = rule->on; *p != '\0';) {
		size_t n = strcspn(p, ", \t");
		if (strncmp(p, "hook:", 5) == 0 && facts->patterns_n < SOURCE_PATTERNS_MAX &&
			n < sizeof(facts->patterns[0].on)) {
			snprintf(facts->patterns[facts->patterns_n].rule,
				sizeof(facts->patterns[0].rule), "%s", rule->name);
			snprintf(facts->patterns[facts->patterns_n++].on,
				sizeof(facts->patterns[0].on), "%.*s", (int)n, p);
		}
		p += n;
		p += strspn(p, ", \t");
	}
	return RC_OK;
}

static void check_sources(struct doctor *d)
{
	struct err err;
	struct source_facts *facts = calloc(1, sizeof(*facts));
	if (facts == NULL)
		return;
	facts->conf = d->conf;
	facts->last = last_of_source;
	facts->last_ctx = d;
	facts->now_ms = clock_wall_ms();
	if (queue_rule_each(d->queue, note_pattern, facts, &err) == RC_OK)
		judge_sources(&d->findings, facts);
	free(facts);
}

/* ---- all of it ---- */

static void examine(struct doctor *d)
{
	check_twenty(d);
	look_at_store(d);
	ask_daemon(d);
	check_clock(d);
	if (d->has_health)
		judge_store(&d->findings, conf_text(d->conf, "store"), &d->health,
			conf_int(d->conf, "retain.size"));
	if (d->status != NULL || !d->away)
		judge_daemon(&d->findings, d->status, d->has_health ? &d->health : NULL);
	else
		finding_put(&d->findings, "daemon", FINDING_OK, "no daemon works on this machine");
	if (d->queue != NULL)
		check_rules(d);
	if (d->queue != NULL)
		check_sources(d);
	check_webhooks(d);
	check_door(d);
	judge_files(&d->findings, d->args->config, d->conf);
}

static void doctor_done(struct doctor *d)
{
	webhooks_done(&d->list);
	workspace_close(d->workspace);
	queue_close(d->queue);
	json_decref(d->status);
	json_decref(d->patterns);
	conf_free(d->conf);
	free(d->findings.p);
}

static int run_doctor(const struct args *args)
{
	struct doctor d = {
		.args = args, .findings = {.p = calloc(FINDINGS_MAX, sizeof(struct finding))}};
	if (d.findings.p == NULL)
		return args_fail(CLI_FAILED, "no memory");
	if (read_conf(&d))
		examine(&d);
	bool shown = findings_show(&d.findings, args->output);
	enum cli_exit status = d.worst;
	if (status == CLI_OK && findings_count(&d.findings, FINDING_FAIL) != 0)
		status = CLI_FAILED;
	doctor_done(&d);
	return shown ? (int)status : args_fail(CLI_FAILED, "no memory");
}

static const struct verb_flag flags[] = {
	{"url", "URL", "where the world reaches this Moonhook; else `public` of the configuration"},
	{"source", "NAME",
		"the source that Twenty sends to; else the first with the scheme twenty"},
	{"deep", NULL, "look through a large store, too, however long that takes"},
};

const struct verb verb_doctor = {
	.name = "doctor",
	.operands = "",
	.summary = "what keeps events from arriving, being kept, or running",
	.text = "Looks at the configuration, Twenty and the key, both clocks, the store and its "
		"disk\n(or its database), the daemon, rules and runs, and the webhooks of the "
		"workspace: are they "
		"there,\nsigned, for what the rules listen to, and can Twenty reach them? What is "
		"wrong comes\nwith what to do. It changes nothing, and what fails leaves the other "
		"checks.\n\n"
		"Ends with 0 where nothing has failed (a warning is no failure); else with 78, 4 "
		"or "
		"6\nwhere the configuration, the key or the way to Twenty is at fault, in this "
		"order;\nelse with 1.\n\n"
		"With -o json: a list of name, level (\"ok\", \"warn\", \"fail\"), text and fix.",
	.examples = {"moonhook doctor", "moonhook doctor --url https://hooks.acme.io",
		"moonhook doctor -o json | jq -r '.[] | select(.level == \"fail\").text'"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_KEY, CLI_TWENTY, CLI_CONFIG},
	.run = run_doctor,
};
