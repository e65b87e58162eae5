/* SPDX-License-Identifier: MIT */
/*
 * Parses --fault and decides about each request.
 * From: main.c, control.c (at run time), app.c. Fails with RC_INVALID and a sentence.
 * Does not do the harm itself: app.c and serve.c do.
 */
#include "tests/twin/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "10%", "3" (the next three) or "" (always) */
static bool rate_parse(const char *text, struct fault *f)
{
	f->count = -1;
	f->chance = 1;
	if (*text == '\0')
		return true;
	char *end;
	double v = strtod(text, &end);
	if (end == text || v < 0)
		return false;
	if (strcmp(end, "%") == 0) {
		f->chance = v / 100;
		return v <= 100;
	}
	f->count = (int64_t)v;
	return *end == '\0' && (double)f->count == v;
}

/* Splits "503:10%" into its number and the rest; "ms" behind the number is skipped. */
static bool value_parse(const char *text, bool ms, int64_t *ret, const char **rest)
{
	char *end;
	long long v = strtoll(text, &end, 10);
	if (end == text || v < 0 || v > 3600000)
		return false;
	if (ms && strncmp(end, "ms", 2) == 0)
		end += 2;
	if (*end != '\0' && *end != ':')
		return false;
	*ret = v;
	*rest = *end == ':' ? end + 1 : end;
	return true;
}

static bool fault_add(struct faults *fs, const struct fault *f)
{
	if (fs->n == FAULT_MAX)
		return false;
	fs->list[fs->n++] = *f;
	return true;
}

static bool word_parse(struct faults *fs, const char *key, const char *value)
{
	struct fault f = {0};
	const char *rest = value;
	if (strcmp(key, "status") == 0) {
		f.kind = FAULT_STATUS;
		return value_parse(value, false, &f.value, &rest) && f.value >= 200 &&
		       f.value <= 599 && rate_parse(rest, &f) && fault_add(fs, &f);
	}
	if (strcmp(key, "slow") == 0 || strcmp(key, "late") == 0) {
		f.kind = key[0] == 's' ? FAULT_SLOW : FAULT_LATE;
		return value_parse(value, true, &f.value, &rest) && rate_parse(rest, &f) &&
		       fault_add(fs, &f);
	}
	if (strcmp(key, "retry-after") == 0)
		return value_parse(value, false, &fs->retry_after_s, &rest) && *rest == '\0';
	if (strcmp(key, "match") == 0) {
		snprintf(fs->match, sizeof(fs->match), "%s", value);
		return strlen(value) < sizeof(fs->match);
	}
	static const struct {
		const char *key;
		enum fault_kind kind;
	} plain[] = {{"hang", FAULT_HANG}, {"cut", FAULT_CUT}, {"reset", FAULT_RESET}};
	for (size_t i = 0; i < ARRAY_N(plain); i++) {
		if (strcmp(key, plain[i].key) != 0)
			continue;
		f.kind = plain[i].kind;
		return rate_parse(value, &f) && fault_add(fs, &f);
	}
	return false;
}

enum rc faults_parse(struct faults *faults, const char *spec, struct err *err)
{
	struct faults next = {.retry_after_s = -1, .seed = faults->seed, .hits = faults->hits};
	if (strcmp(spec, "none") == 0)
		spec = "";
	while (*spec != '\0') {
		char word[300];
		size_t n = strcspn(spec, ",");
		snprintf(word, sizeof(word), "%.*s", (int)(n < 299 ? n : 299), spec);
		char *eq = strchr(word, '=');
		if (eq != NULL)
			*eq = '\0';
		if (!word_parse(&next, word, eq != NULL ? eq + 1 : ""))
			return err_set(err, RC_INVALID,
				"unknown fault \"%.*s\"; known: status=503:10%%, status=500:3, "
				"hang=2%%, cut=1%%, slow=200ms:5%%, late=300, reset=1%%, "
				"retry-after=1, match=PATCH /rest/people",
				(int)n, spec);
		spec += n + (spec[n] == ',');
	}
	*faults = next;
	return RC_OK;
}

static double dice(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0;
}

static bool fault_strikes(struct faults *fs, struct fault *f)
{
	if (f->count < 0)
		return f->chance >= 1 || dice(&fs->seed) < f->chance;
	if (f->count == 0)
		return false;
	f->count--;
	return true;
}

struct fault_hit faults_draw(struct faults *faults, const char *method, const char *target)
{
	struct fault_hit hit = {0};
	if (faults->n == 0)
		return hit;
	char line[300];
	snprintf(line, sizeof(line), "%s %s", method, target);
	if (strncmp(line, faults->match, strlen(faults->match)) != 0)
		return hit;
	for (unsigned i = 0; i < faults->n; i++) {
		struct fault *f = &faults->list[i];
		if (!fault_strikes(faults, f))
			continue;
		faults->hits++;
		switch (f->kind) {
		case FAULT_STATUS:
			hit.status = (int)f->value;
			break;
		case FAULT_HANG:
			hit.hang = true;
			break;
		case FAULT_CUT:
			hit.cut = true;
			break;
		case FAULT_RESET:
			hit.reset = true;
			break;
		case FAULT_SLOW:
		case FAULT_LATE:
			hit.delay_ms += f->value;
			break;
		}
	}
	return hit;
}
