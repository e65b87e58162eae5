/* SPDX-License-Identifier: MIT */
/*
 * What a cron line says, as sets of bits.
 * From: the worker, which checks a rule's head, and the runner, which looks for the next tick.
 * Pure; fails with a sentence. Knows nothing of clocks and time zones.
 */
#include "runner/cron.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/conf.h"

#define FIELDS_N 5
#define PART_MAX 40 /* bytes of one member of a list */

struct field { /* of a line */
	const char *name;
	int min, max;
	const char *const *words; /* of min, min + 1, ..; NULL: it has none */
	const char *also;         /* how a sentence names them */
};

static const char *const months[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field fields[FIELDS_N] = {
	{"minute", 0, 59, NULL, ""},
	{"hour", 0, 23, NULL, ""},
	{"day", 1, 31, NULL, ""},
	{"month", 1, 12, months, ", jan to dec"},
	{"weekday", 0, 7, weekdays, ", sun to sat"},
};

static const struct {
	const char *nick, *line;
} nicks[] = {{"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"}, {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"}};

/* --- one field -------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum rc wrong_word(const struct field *f, const char *word, struct err *err)
{
	char lower[PART_MAX + 1];
	size_t n = strlen(word);
	for (size_t i = 0; i <= n; i++)
		lower[i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] - 'A' + 'a' : word[i]);
	if (n > 3)
		lower[3] = '\0'; /* monday */
	const char *near = f->words != NULL ? conf_nearest(lower, f->words) : NULL;
	if (near != NULL)
		return err_set(err, RC_INVALID, "\"%s\" is no %s, did you mean \"%s\"?", word,
			f->name, near);
	return err_set(err, RC_INVALID, "\"%s\" is no %s: it is a number from %d to %d%s, or *",
		word, f->name, f->min, f->max, f->also);
}

/* One number or name. */
static enum rc read_value(const struct field *f, const char *word, int *ret_value, struct err *err)
{
	int value = 0;
	size_t n = strlen(word);
	for (int i = 0; f->words != NULL && f->words[i] != NULL; i++) {
		if (strcasecmp(word, f->words[i]) == 0) {
			*ret_value = f->min + i;
			return RC_OK;
		}
	}
	if (n == 0 || n > 4 || strspn(word, "0123456789") != n)
		return wrong_word(f, word, err);
	for (size_t i = 0; i < n; i++)
		value = value * 10 + (word[i] - '0');
	if (value < f->min || value > f->max)
		return err_set(err, RC_INVALID, "the %s %d is not one of %d to %d", f->name, value,
			f->min, f->max);
	*ret_value = value;
	return RC_OK;
}

/* The step behind a slash; cuts it off. 1 where there is none. */
static enum rc read_step(const struct field *f, char *part, int *ret_step, struct err *err)
{
	char *slash = strchr(part, '/');
	int step = 0;
	*ret_step = 1;
	if (slash == NULL)
		return RC_OK;
	*slash = '\0';
	size_t n = strlen(slash + 1);
	for (size_t i = 1; i <= n && n <= 2 && is_digit(slash[i]); i++)
		step = step * 10 + (slash[i] - '0');
	if (step < 1 || step > f->max || slash[1 + strspn(slash + 1, "0123456789")] != '\0')
		return err_set(err, RC_INVALID,
			"the step \"/%s\" of the %s is a number from 1 to %d", slash + 1, f->name,
			f->max);
	if (*part == '\0')
		return err_set(err, RC_INVALID, "%s /%d: write */%d", f->name, step, step);
	if (strcmp(part, "*") != 0 && strchr(part, '-') == NULL)
		return err_set(err, RC_INVALID,
			"%s %s/%d: a step follows * or a range, write %s-%d/%d", f->name, part,
			step, part, f->max, step);
	*ret_step = step;
	return RC_OK;
}

/* "*", "5", "mon-fri", "*" and "9-17" with a step. */
static enum rc read_part(const struct field *f, char *part, uint64_t *set, struct err *err)
{
	int first = f->min, last = f->max, step;
	enum rc rc = read_step(f, part, &step, err);
	char *dash = strchr(part, '-');
	if (rc != RC_OK)
		return rc;
	if (dash != NULL) {
		*dash = '\0';
		rc = read_value(f, part, &first, err);
		if (rc == RC_OK)
			rc = read_value(f, dash + 1, &last, err);
	} else if (strcmp(part, "*") != 0) {
		rc = read_value(f, part, &first, err);
		last = first;
	}
	if (rc == RC_OK && first > last && f->max == 7 && last == 0)
		last = 7; /* fri-sun */
	if (rc == RC_OK && first > last)
		return err_set(err, RC_INVALID, "the %s %s-%s goes backwards, write %s-%d,%d-%s",
			f->name, part, dash + 1, part, f->max == 7 ? 6 : f->max, f->min, dash + 1);
	for (int i = first; rc == RC_OK && i <= last; i += step)
		*set |= UINT64_C(1) << i;
	return rc;
}

static enum rc read_field(
	const struct field *f, struct slice text, uint64_t *ret_set, struct err *err)
{
	uint64_t set = 0;
	char part[PART_MAX + 1];
	for (size_t at = 0; at <= text.n;) {
		size_t n = 0;
		while (at + n < text.n && text.p[at + n] != ',')
			n++;
		if (n == 0)
			return err_set(err, RC_INVALID, "the %s \"%.*s\" has an empty member",
				f->name, (int)text.n, text.p);
		if (n > PART_MAX)
			return err_set(err, RC_INVALID, "the %s is too long", f->name);
		snprintf(part, sizeof(part), "%.*s", (int)n, text.p + at);
		enum rc rc = read_part(f, part, &set, err);
		if (rc != RC_OK)
			return rc;
		at += n + 1;
	}
	*ret_set = set;
	return RC_OK;
}

/* --- the line --------------------------------------------------------------------------------- */

static enum rc wrong_count(const char *text, size_t n, struct err *err)
{
	for (size_t i = 0; i < ARRAY_N(nicks); i++)
		if (strcasecmp(nicks[i].nick, text) == 0)
			return err_set(
				err, RC_INVALID, "\"%s\" is written \"%s\"", text, nicks[i].line);
	return err_set(err, RC_INVALID,
		"\"%.60s\" has %s%zu fields, there are five: minute, hour, day, month, weekday, as "
		"in \"0 9 * * 1-5\"",
		text, n > FIELDS_N ? "at least " : "", n);
}

/* The fields of a line; answers how many there are, at most one too many. */
static size_t split(const char *text, struct slice ret_words[FIELDS_N + 1])
{
	size_t n = 0;
	text += strspn(text, " \t");
	while (*text != '\0' && n <= FIELDS_N) {
		ret_words[n++] = (struct slice){text, strcspn(text, " \t")};
		text += ret_words[n - 1].n;
		text += strspn(text, " \t");
	}
	return n;
}

/* 30 February, 31 April: no weekday helps where the day's field must fit. */
static bool comes(const struct cron *cron)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (!cron->day_any && !cron->weekday_any)
		return true;
	for (int month = 1; month <= 12; month++)
		for (int day = 1; day <= lengths[month - 1]; day++)
			if ((cron->months >> month & 1) != 0 && (cron->days >> day & 1) != 0)
				return true;
	return false;
}

enum rc cron_parse(const char *text, struct cron *ret_cron, struct err *err)
{
	struct slice words[FIELDS_N + 1];
	uint64_t sets[FIELDS_N] = {0};
	if (strlen(text) > CRON_TEXT_MAX)
		return err_set(err, RC_INVALID, "it has more than %d bytes", CRON_TEXT_MAX);
	size_t n = split(text, words);
	if (n != FIELDS_N)
		return wrong_count(text, n, err);
	for (size_t i = 0; i < FIELDS_N; i++) {
		enum rc rc = read_field(&fields[i], words[i], &sets[i], err);
		if (rc != RC_OK)
			return rc;
	}
	struct cron cron = {
		.minutes = sets[0],
		.hours = (uint32_t)sets[1],
		.days = (uint32_t)sets[2],
		.months = (uint16_t)sets[3],
		.weekdays = (uint8_t)((sets[4] | sets[4] >> 7) & 0x7f),
		.day_any = words[2].p[0] == '*',
		.weekday_any = words[4].p[0] == '*',
	};
	if (!comes(&cron))
		return err_set(
			err, RC_INVALID, "\"%.60s\" never comes: no such month has that day", text);
	*ret_cron = cron;
	return RC_OK;
}

bool cron_day(const struct cron *cron, int month, int day, int weekday)
{
	bool of_month = (cron->days >> day & 1) != 0;
	bool of_week = (cron->weekdays >> weekday & 1) != 0;
	if ((cron->months >> month & 1) == 0)
		return false;
	return cron->day_any || cron->weekday_any ? of_month && of_week : of_month || of_week;
}
