/* SPDX-License-Identifier: MIT */
/*
 * The test double: rules that have got another name.
 * From: queue_rename.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/memory/memory.h"

/* Where it is in the list of what was done; the list's end: it is not. */
static size_t find_note(const struct mem_store *m, const char *from, const char *to)
{
	size_t i = 0;
	while (i < m->renamed.n &&
		(strcmp(m->renamed.p[i].was, from) != 0 || strcmp(m->renamed.p[i].name, to) != 0))
		i++;
	return i;
}

void mem_renamed_done(struct mem_renamed *r)
{
	free(r->was);
	free(r->name);
}

static void drop_note(struct mem_store *m, size_t i)
{
	mem_renamed_done(&m->renamed.p[i]);
	m->renamed.p[i] = m->renamed.p[--m->renamed.n];
}

static bool rename_run(struct mem_run *r, const char *to)
{
	return (r->born != NULL || mem_keep(&r->born, r->rule)) && mem_keep(&r->rule, to);
}

/* "name: code" or "name" -> the same of the new one. */
static bool rename_issue(struct mem_issue *issue, const char *from, const char *to)
{
	static const char *const kinds[] = {"dead", "quarantined", "loop"};
	size_t n = strlen(from);
	bool ours = false;
	for (size_t i = 0; i < ARRAY_N(kinds); i++)
		ours = ours || strcmp(issue->kind, kinds[i]) == 0;
	bool whole = strcmp(issue->about, from) == 0;
	if (!ours || strncmp(issue->about, from, n) != 0 ||
		(!whole && strncmp(issue->about + n, ": ", 2) != 0))
		return true;
	size_t rest = strlen(issue->about + n), m = strlen(to);
	char *about = malloc(m + rest + 1);
	if (about == NULL)
		return false;
	memcpy(about, to, m);
	memcpy(about + m, issue->about + n, rest + 1);
	free(issue->about);
	issue->about = about;
	return true;
}

/* What was counted under the old name counts under the new one. */
static bool move_spends(struct mem_store *m, const char *from, const char *to)
{
	size_t i = 0;
	while (i < m->spends.n) {
		struct mem_spend one = m->spends.p[i];
		if (strcmp(one.rule, from) != 0) {
			i++;
			continue;
		}
		m->spends.n--;
		memmove(&m->spends.p[i], &m->spends.p[i + 1], (m->spends.n - i) * sizeof(one));
		bool kept = mem_spend_keep(m, to, one.slot_ms, one.n);
		mem_spend_done(&one);
		if (!kept)
			return false;
		i = 0;
	}
	return true;
}

static bool note(struct mem_store *m, const char *from, const char *to)
{
	size_t back = find_note(m, to, from);
	if (back < m->renamed.n)
		drop_note(m, back);
	if (!mem_more(&m->renamed, sizeof(*m->renamed.p)))
		return false;
	struct mem_renamed *one = &m->renamed.p[m->renamed.n++];
	return mem_keep(&one->was, from) && mem_keep(&one->name, to);
}

enum rc mem_rename(
	struct queue *q, const char *from, const char *to, bool *ret_moved, struct err *err)
{
	struct mem_store *m = mem_of(q);
	bool kept = true;
	mem_lock(q);
	*ret_moved = find_note(m, from, to) == m->renamed.n;
	for (size_t i = 0; *ret_moved && kept && i < m->runs.n; i++)
		if (strcmp(m->runs.p[i].rule, from) == 0)
			kept = rename_run(&m->runs.p[i], to);
	for (size_t i = 0; *ret_moved && kept && i < m->writes.n; i++)
		if (strcmp(m->writes.p[i].rule, from) == 0)
			kept = mem_keep(&m->writes.p[i].rule, to);
	for (size_t i = 0; *ret_moved && kept && i < m->issues.n; i++)
		kept = rename_issue(&m->issues.p[i], from, to);
	if (*ret_moved && kept)
		kept = move_spends(m, from, to);
	if (*ret_moved && kept)
		kept = note(m, from, to);
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for a rule's name");
}
