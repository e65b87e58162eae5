/* SPDX-License-Identifier: MIT */
/*
 * How a pass says what it found.
 * From: the passes. To: finding.c.
 */
#include "runner/check/pass.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/conf.h"

#define TEXT_BYTES 600
#define WORD_BYTES 64

struct check_finding *check_say(const struct check_pass *pass, enum check_kind kind,
	const struct check_node *node, const char *fmt, ...)
{
	char text[TEXT_BYTES];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return check_finding_put(
		pass->findings, &pass->text->source, kind, node->at, node->end, "%s", text);
}

struct check_finding *check_say_at(const struct check_pass *pass, enum check_kind kind, uint32_t at,
	uint32_t end, const char *fmt, ...)
{
	char text[TEXT_BYTES];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return check_finding_put(pass->findings, &pass->text->source, kind, at, end, "%s", text);
}

const char *check_nearest(struct slice word, const char *const *words)
{
	char copy[WORD_BYTES];
	if (word.n == 0 || word.n >= sizeof(copy))
		return NULL;
	memcpy(copy, word.p, word.n);
	copy[word.n] = '\0';
	return conf_nearest(copy, words);
}

void check_suggest_nearest(
	struct check_finding *finding, struct slice word, const char *const *words)
{
	const char *near = check_nearest(word, words);
	if (near != NULL)
		check_suggest(finding, "did you mean '%s'?", near);
}
