/* SPDX-License-Identifier: MIT */
/*
 * The table of result codes as data.
 * From: every room. To: the retry policy, logs, metrics. Does not hold state.
 */
#include "base/rc.h"

#include <string.h>

static const struct {
	const char *name;
	enum rc_fate fate;
	const char *text;
} table[] = {
#define X(code, name, fate, text) [code] = {name, fate, text},
	RC_TABLE(X)
#undef X
};

const char *rc_name(enum rc code)
{
	return (unsigned)code < RC_N ? table[code].name : "unknown";
}

const char *rc_text(enum rc code)
{
	return (unsigned)code < RC_N ? table[code].text : "unknown";
}

enum rc_fate rc_fate(enum rc code)
{
	return (unsigned)code < RC_N ? table[code].fate : RC_FATE_DEAD;
}

enum rc rc_find(const char *name)
{
	for (int i = 0; i < RC_N; i++)
		if (strcmp(table[i].name, name) == 0)
			return (enum rc)i;
	return RC_N;
}
