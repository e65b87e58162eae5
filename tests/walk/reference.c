/* SPDX-License-Identifier: MIT */
/*
 * Every example of scripts/README.md does what it says: whole rules as they stand, modules beside
 * them, pieces in a rule of their own; one house for all. An example that nothing ran is a failure.
 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "tests/harness/house.h"

#define PAGE "scripts/README.md"
#define RULES_MAX 128
#define SETTINGS                                                                                   \
	"source \"stripe\" { scheme = \"stripe\", secrets = { \"whsec_page\" } }\n"                \
	"secrets = { CRM_KEY = \"" HOUSE_KEY "\" }\n"

struct expected { /* of one rule: a run of it ends so */
	char name[128];
	const char *state;
};

static struct house h;
static struct expected rules[RULES_MAX];
static size_t rules_n, blocks_n, tests_n;

/*
 * What the clock would bring in days comes within a second here. `moonhook check` has looked at the
 * line as it stands.
 */
static char *hurry(const char *block)
{
	const char *cron = strstr(block, "\n  cron = \""), *tz = strstr(block, "\n  tz ");
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	for (const char *p = block; *p != '\0';) {
		if (p == cron)
			fputs("\n  every = \"1s\",", out);
		if (p == cron || p == tz)
			p += 1 + strcspn(p + 1, "\n");
		else
			fputc(*p++, out);
	}
	fclose(out);
	return text;
}

/* The next ```lua block; *at goes behind it. GIVES (free); NULL: there is none. */
static char *next_block(const char **at)
{
	static const char fence[] = "\n```lua\n";
	const char *from = strstr(*at, fence);
	if (from == NULL)
		return NULL;
	from += sizeof(fence) - 1;
	const char *to = strstr(from, "\n```\n");
	cr_assert(to != NULL, "a block does not end");
	*at = to + 4;
	return strndup(from, (size_t)(to + 1 - from));
}

static void expect_rule(const char *name, size_t n, const char *state)
{
	cr_assert_lt(rules_n, RULES_MAX);
	snprintf(rules[rules_n].name, sizeof(rules[0].name), "%.*s", (int)n, name);
	rules[rules_n++].state = state;
}

/* What the page says of the addresses of others is true of the twin's. */
static void put_text(FILE *out, const char *p, size_t n)
{
	static const char theirs[] = "https://api.example.com";
	while (n != 0) {
		size_t k = sizeof(theirs) - 1;
		if (n >= k && strncmp(p, theirs, k) == 0) {
			fprintf(out, "%s/rest", h.twin_url);
		} else {
			k = 1;
			fputc(*p, out);
		}
		p += k;
		n -= k;
	}
}

/* "expression --> value" asks; any other line stands as it is. */
static void put_line(FILE *out, const char *line, size_t n)
{
	const char *arrow = memmem(line, n, "-->", 3);
	if (arrow == NULL) {
		put_text(out, line, n);
		fputc('\n', out);
		return;
	}
	fputs("same(", out);
	put_text(out, line, (size_t)(arrow - line));
	fputs(")(", out);
	put_text(out, arrow + 3, n - (size_t)(arrow + 3 - line));
	fputs(")\n", out);
}

/* The same block as a rule; its lines are one further down. GIVES (free). */
static char *wrap(const char *block, int number)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	fprintf(out,
		"local function say(...) local t = {} for i = 1, select('#', ...) do t[i] = "
		"json.encode((select(i, ...))) end return table.concat(t, ', ') end local function "
		"same(...) local is = say(...) return function(...) local wanted = say(...) if is "
		"~= wanted then error(is .. ' is not ' .. wanted, 2) end end end rule \"example "
		"%d\" { on = \"person.created\", when = is { email = \"ann@acme.example\" }, run = "
		"function(event)\n",
		number);
	for (const char *p = block; *p != '\0';) {
		size_t k = strcspn(p, "\n");
		put_line(out, p, k);
		p += k + (p[k] == '\n');
	}
	fputs("end }\n", out);
	fclose(out);
	return text;
}

static void take_rules(const char *block)
{
	const char *state = "done";
	if (strstr(block, "function(event) skip \"") != NULL)
		state = "skipped";
	if (strstr(block, "function(event) reject \"") != NULL)
		state = "dead";
	for (const char *p = block; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, "rule \"", 6) == 0)
			expect_rule(p + 6, strcspn(p + 6, "\""), state);
	}
}

/* `moonhook check` has nothing against the rules as they stand. */
static void check_all(void)
{
	char path[256];
	int status = -1;
	snprintf(path, sizeof(path), "%s/asis", h.dir);
	const char *args[] = {"check", path, "--schema",
		"tests/data/twenty/rest/metadata-objects-all.body", NULL};
	char *out = house_command(&h, args, &status);
	cr_expect_eq(status, 0, "%s", out);
	free(out);
}

static void take_block(const char *block)
{
	char name[64], module[49], dir[256];
	int number = (int)++blocks_n;
	snprintf(name, sizeof(name), "example_%d.lua", number);
	char rule_file[49] = "";
	if (sscanf(block, "-- scripts/rules/%48[a-z_].lua", rule_file) == 1) {
		snprintf(name, sizeof(name), "%s.lua", rule_file);
		snprintf(dir, sizeof(dir), "%s/tried", h.dir);
		mkdir(dir, 0700);
		cr_assert(process_write(dir, name, block));
	}
	if (strstr(rule_file, "_test") != NULL) {
		tests_n++;
	} else if (sscanf(block, "-- scripts/lib/%48[a-z_].lua", module) == 1) {
		snprintf(name, sizeof(name), "%s.lua", module);
		snprintf(dir, sizeof(dir), "%s/lib", h.dir);
		mkdir(dir, 0700);
		cr_assert(process_write(dir, name, block));
	} else if (strstr(block, "rule \"") == block || strstr(block, "\nrule \"") != NULL) {
		char *text = hurry(block);
		snprintf(dir, sizeof(dir), "%s/asis", h.dir);
		mkdir(dir, 0700);
		if (strstr(block, "use \"") == NULL)
			cr_assert(process_write(dir, name, block));
		cr_assert(house_rule(&h, name, text));
		take_rules(block);
		free(text);
	} else {
		char *text = wrap(block, number), rule[32];
		snprintf(rule, sizeof(rule), "example %d", number);
		cr_assert(house_rule(&h, name, text));
		expect_rule(rule, strlen(rule), "done");
		free(text);
	}
}

/* --- what happens ----------------------------------------------------------------------------- */

static void make(const char *method, const char *path, const char *body, char ret_id[static 64])
{
	int status = 0;
	json_t *answer = house_api(&h, method, path, body, &status);
	json_t *record = json_object_iter_value(json_object_iter(json_object_get(answer, "data")));
	const char *id = json_string_value(json_object_get(record, "id"));
	cr_assert(status / 100 == 2 && id != NULL, "%s %s: %d", method, path, status);
	snprintf(ret_id, 64, "%s", id);
	json_decref(answer);
}

static void happen(void)
{
	char company[64], id[64], path[256], body[512];
	make("POST", "/rest/companies", "{\"name\":\"Acme\"}", company);
	static const char *const deals[] = {"Big", "Small"};
	for (size_t i = 0; i < ARRAY_N(deals); i++) {
		snprintf(body, sizeof(body),
			"{\"name\":\"%s\",\"stage\":\"NEW\",\"companyId\":\"%s\",\"amount\":{"
			"\"amountMicros\":%s,\"currencyCode\":\"EUR\"}}",
			deals[i], company, i == 0 ? "60000000000" : "1000000000");
		make("POST", "/rest/opportunities", body, id);
	}
	make("POST", "/rest/opportunities", "{\"name\":\"Mover\",\"stage\":\"NEW\"}", id);
	snprintf(path, sizeof(path), "/rest/opportunities/%s", id);
	make("PATCH", path, "{\"stage\":\"MEETING\"}", id);
	snprintf(body, sizeof(body),
		"{\"name\":{\"firstName\":\"Ann\",\"lastName\":\"Lee\"},\"jobTitle\":\"CEO\","
		"\"emails\":{\"primaryEmail\":\"ann@acme.example\"},\"companyId\":\"%s\"}",
		company);
	make("POST", "/rest/people", body, id);
	cr_assert(process_write(h.dir, "payment.json",
		"{\"id\":\"evt_1\",\"type\":\"payment_intent.succeeded\",\"data\":{\"object\":{"
		"\"id\":\"pi_1\",\"amount\":125000,\"currency\":\"eur\"}}}"));
	snprintf(path, sizeof(path), "%s/payment.json", h.dir);
	const char *trigger[] = {"trigger", "hook:stripe", "--file", path, NULL};
	int status = -1;
	free(house_command(&h, trigger, &status));
	cr_assert_eq(status, 0);
}

/* Has the rule a run that ended so? */
static bool has_run(const json_t *runs, const struct expected *e)
{
	size_t i;
	json_t *run;
	json_array_foreach((json_t *)(uintptr_t)runs, i, run)
	{
		const char *rule = json_string_value(json_object_get(run, "rule"));
		const char *state = json_string_value(json_object_get(run, "state"));
		if (strcmp(rule, e->name) == 0 && strcmp(state, e->state) == 0)
			return true;
	}
	return false;
}

static bool all_ran(void *ctx)
{
	json_t *runs = house_runs(&h);
	size_t n = 0;
	(void)ctx;
	for (size_t i = 0; i < rules_n; i++)
		n += has_run(runs, &rules[i]);
	json_decref(runs);
	return n == rules_n;
}

static void expect_no_error(void)
{
	json_t *runs = house_runs(&h), *run;
	size_t i;
	for (i = 0; i < rules_n; i++)
		cr_expect(has_run(runs, &rules[i]), "no run of \"%s\" is %s", rules[i].name,
			rules[i].state);
	json_array_foreach(runs, i, run)
	{
		const char *rule = json_string_value(json_object_get(run, "rule"));
		const char *error = json_string_value(json_object_get(run, "error"));
		const char *state = json_string_value(json_object_get(run, "state"));
		cr_expect(strcmp(state, "dead") != 0 || strcmp(rule, "never") == 0, "%s: %s", rule,
			error);
	}
	json_decref(runs);
}

/* The twin's address is known only now. */
static void allow_twin(void)
{
	char *was = process_read(h.config), *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	fprintf(out, "%shttp = { allow = { \"%s\" } }\n", was, h.twin_url);
	fclose(out);
	cr_assert(process_write(h.dir, "moonhook.lua", text));
	free(text);
	free(was);
}

static void teardown(void)
{
	house_close(&h);
}

TestSuite(walk_reference, .fini = teardown, .timeout = 120);

Test(walk_reference, every_example_of_the_reference_does_what_it_says)
{
	char *page = process_read(PAGE), *block;
	const char *at = page;
	cr_assert(page != NULL && house_folder(&h));
	/* The addresses of the twin stand in the rules, so it is there first. */
	cr_assert(house_open(&h, &(struct house_conf){.twin_args = "--budget none",
					 .budget = "none",
					 .no_daemon = true,
					 .settings = SETTINGS}));
	allow_twin();
	while ((block = next_block(&at)) != NULL) {
		take_block(block);
		free(block);
	}
	free(page);
	cr_assert_gt(blocks_n, 30, "the page has %zu examples", blocks_n);
	check_all();
	cr_assert(house_start(&h));
	happen();
	char tried[256];
	snprintf(tried, sizeof(tried), "%s/tried", h.dir);
	const char *test[] = {"test", tried, NULL};
	int status = -1;
	char *out = house_command(&h, test, &status);
	cr_expect(tests_n > 0 && status == 0, "%s", out);
	free(out);
	process_await(all_ran, NULL, 40000);
	expect_no_error();
}
