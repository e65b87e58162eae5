/* SPDX-License-Identifier: MIT */
/*
 * Durations, sizes and rates as people write them, and the word they probably meant.
 * From: conf_check.c and every room that reads such a text. Fails with -1, false or NULL. Reads no
 * more than the text; of an option it knows the type alone.
 */
#include "base/conf_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64 /* longer words have no neighbours */

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000},
	{"ms", 1}, {"w", 604800000}, {NULL, 0}};
static const struct unit sizes[] = {{"TB", (int64_t)1 << 40}, {"GB", (int64_t)1 << 30},
	{"MB", (int64_t)1 << 20}, {"kB", (int64_t)1 << 10}, {"B", 1}, {"KB", (int64_t)1 << 10},
	{"K", (int64_t)1 << 10}, {"k", (int64_t)1 << 10}, {"M", (int64_t)1 << 20},
	{"G", (int64_t)1 << 30}, {"T", (int64_t)1 << 40}, {NULL, 0}};
static const struct unit rates[] = {{"s", 3600}, {"m", 60}, {"h", 1}, {NULL, 0}};

/* Reads digits; *ret_rest is what follows them. -1 without digits or past 10^15. */
static int64_t read_digits(const char *text, const char **ret_rest)
{
	int64_t n = 0;
	const char *p = text;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > INT64_C(100000000000000))
			return -1;
		n = n * 10 + (*p - '0');
	}
	*ret_rest = p;
	return p == text ? -1 : n;
}

static int64_t read_scaled(const char *text, const struct unit *units, const char *bare)
{
	const char *rest;
	int64_t n = read_digits(text, &rest);
	if (n < 0)
		return -1;
	if (*rest == '\0' && (n == 0 || bare != NULL))
		return n;
	for (const struct unit *u = units; u->name != NULL; u++)
		if (strcmp(rest, u->name) == 0)
			return n > INT64_MAX / u->factor ? -1 : n * u->factor;
	return -1;
}

int64_t conf_parse_duration(const char *text)
{
	return read_scaled(text, durations, NULL);
}

int64_t conf_parse_bytes(const char *text)
{
	return read_scaled(text, sizes, "B");
}

int64_t conf_parse_rate(const char *text)
{
	const char *rest;
	if (strcmp(text, "none") == 0)
		return 0;
	int64_t n = read_digits(text, &rest);
	if (n <= 0 || *rest != '/')
		return -1;
	if (strcmp(rest + 1, "d") == 0)
		return (n + 23) / 24;
	for (const struct unit *u = rates; u->name != NULL; u++)
		if (strcmp(rest + 1, u->name) == 0)
			return n > INT64_MAX / u->factor ? -1 : n * u->factor;
	return -1;
}

static char *format_scaled(int64_t n, const struct unit *units, const char *slash)
{
	char text[48];
	snprintf(text, sizeof(text), "%" PRId64, n);
	for (const struct unit *u = units; n != 0 && u->name != NULL; u++) {
		if (n % u->factor == 0) {
			snprintf(text, sizeof(text), "%" PRId64 "%s%s", n / u->factor, slash,
				u->name);
			break;
		}
	}
	return strdup(text);
}

static const struct scale {
	const struct unit *units;
	const char *slash, *none; /* between number and unit; in place of 0 */
	int64_t (*parse)(const char *text);
} scales[] = {
	[CONF_DURATION] = {durations, "", NULL, conf_parse_duration},
	[CONF_BYTES] = {sizes, "", NULL, conf_parse_bytes},
	[CONF_RATE] = {rates, "/", "none", conf_parse_rate},
};

/* NULL where values of the type have no unit. */
static const struct scale *find_scale(enum conf_type type)
{
	return (size_t)type < ARRAY_N(scales) && scales[type].units != NULL ? &scales[type] : NULL;
}

bool conf_option_parse(const struct conf_option *option, const char *text, int64_t *ret_n)
{
	const struct scale *scale = find_scale(option->type);
	char *end = NULL;
	int64_t n = scale != NULL ? scale->parse(text) : strtoll(text, &end, 10);
	if (scale != NULL ? n < 0 : end == text || *end != '\0' || strlen(text) >= 19)
		return false;
	*ret_n = n;
	return true;
}

char *conf_option_format(const struct conf_option *option, const char *value)
{
	const struct scale *scale = find_scale(option->type);
	int64_t n = strtoll(value, NULL, 10);
	if (scale == NULL)
		return strdup(value);
	return n == 0 && scale->none != NULL ? strdup(scale->none)
					     : format_scaled(n, scale->units, scale->slash);
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* Edit distance with neighbouring letters swapped counting as one. */
static int distance(const char *a, const char *b)
{
	int rows[3][WORD_MAX + 1];
	int an = (int)strlen(a), bn = (int)strlen(b);
	for (int j = 0; j <= bn; j++)
		rows[0][j] = j;
	for (int i = 1; i <= an; i++) {
		int *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
		row[0] = i;
		for (int j = 1; j <= bn; j++) {
			int cost = a[i - 1] != b[j - 1];
			row[j] = least(least(row[j - 1], above[j]) + 1, above[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return rows[an % 3][bn];
}

const char *conf_nearest(const char *word, const char *const *words)
{
	size_t n = strlen(word);
	if (n == 0 || n > WORD_MAX)
		return NULL;
	int best = n <= 3 ? 1 : n <= 6 ? 2 : 3;
	const char *found = NULL;
	for (; *words != NULL; words++) {
		if (strlen(*words) > WORD_MAX)
			continue;
		int d = distance(word, *words);
		if (d < best || (d == best && found == NULL)) {
			best = d;
			found = *words;
		}
	}
	return found;
}
