/* SPDX-License-Identifier: MIT */
/*
 * The options of a head, read back.
 * From: rules.c, which keeps them in the store for `moonhook rules list`; spend.c. Pure.
 */
#include "runner/manner.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/attr.h"

#define SPAN_N 32
#define WRITES_MAX 1000 /* an hour, by default */
#define HOUR_MS 3600000
#define RETRIES 8 /* by default */

static const struct {
	int64_t ms;
	const char *name;
} units[] = {{86400000, "d"}, {HOUR_MS, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};

static void write_span(int64_t ms, char text[static SPAN_N])
{
	size_t i = 0;
	while (ms % units[i].ms != 0)
		i++;
	snprintf(text, SPAN_N, "%" PRId64 "%s", ms / units[i].ms, units[i].name);
}

void manner_rate(const struct rule *rule, char ret_text[static MANNER_RATE_N])
{
	snprintf(ret_text, MANNER_RATE_N, "%d in %" PRId64 " s", rule->writes_max,
		rule->writes_per_ms / 1000);
	for (size_t i = 0; i < ARRAY_N(units); i++)
		if (units[i].ms == rule->writes_per_ms)
			snprintf(ret_text, MANNER_RATE_N, "%d/%s", rule->writes_max, units[i].name);
}

struct line { /* a comma between two options */
	struct buf *out;
	size_t from;
	enum rc rc;
};

printf_like(2, 3) static void add(struct line *line, const char *format, ...)
{
	va_list args;
	char text[512];
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (line->rc == RC_OK)
		line->rc =
			buf_printf(line->out, "%s%s", line->out->n > line->from ? ", " : "", text);
}

static void add_span(struct line *line, const char *name, int64_t ms)
{
	char text[SPAN_N];
	write_span(ms, text);
	if (ms > 0)
		add(line, "%s %s", name, text);
}

static void add_gathering(struct line *line, const struct rule *rule)
{
	char text[SPAN_N];
	add_span(line, "settle", rule->settle_ms);
	add_span(line, "max_settle", rule->settle_max_ms);
	write_span(rule->batch_ms, text);
	if (rule->batch_ms > 0)
		add(line, "batch %s of %d at most", text, rule->batch_max);
	switch (rule->key) {
	case RULE_KEY_RECORD:
		break;
	case RULE_KEY_FIELD:
		add(line, "key %s", rule->key_field);
		break;
	case RULE_KEY_FUNCTION:
		add(line, "key a function");
		break;
	}
}

static void add_echo(struct line *line, enum rule_echo echo)
{
	switch (echo) {
	case RULE_ECHO_OTHERS:
		break;
	case RULE_ECHO_ALL:
		add(line, "echo true");
		break;
	case RULE_ECHO_PEOPLE:
		add(line, "echo false");
		break;
	}
}

static void add_run(struct line *line, const struct rule *rule)
{
	char rate[MANNER_RATE_N];
	bool clock = rule->every_ms > 0 || rule->cron != NULL;
	if (rule->concurrency > 0)
		add(line, "concurrency %d", rule->concurrency);
	add_span(line, "timeout", rule->timeout_ms);
	add_span(line, "cpu", rule->cpu_ms);
	if (rule->attempts_max != RETRIES + 1)
		add(line, "retry %d", rule->attempts_max - 1);
	add_echo(line, rule->echo);
	if (rule->fresh)
		add(line, "fresh%s", rule->fresh_depth > 0 ? " with depth 1" : "");
	if (rule->background != clock)
		add(line, "lane %s", rule->background ? "background" : "live");
	manner_rate(rule, rate);
	if (rule->writes_max != WRITES_MAX || rule->writes_per_ms != HOUR_MS)
		add(line, "max_writes %s", rate);
	if (rule->shadow)
		add(line, "shadow");
	if (rule->was != NULL)
		add(line, "was \"%s\"", rule->was);
}

enum rc manner_put(const struct rule *rule, struct buf *out)
{
	struct line line = {.out = out, .from = out->n, .rc = RC_OK};
	add_span(&line, "every", rule->every_ms);
	if (rule->cron != NULL)
		add(&line, "cron %s %s", rule->cron, rule->tz != NULL ? rule->tz : "UTC");
	add_gathering(&line, rule);
	add_run(&line, rule);
	return line.rc;
}
