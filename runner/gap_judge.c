/* SPDX-License-Identifier: MIT */
/*
 * Verdicts on listed records.
 * From: gap_page.c, gap_sweep.c. To: nobody; pure. A record whose copy is as new is known, whatever
 * stands in it: two changes within one millisecond, of which only the first one's webhook came, are
 * not told apart. What was changed and changed back is not seen either.
 */
#include "runner/gap_judge.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "runner/event.h"

static int64_t time_at(const json_t *record, const char *field)
{
	const char *text = json_string_value(json_object_get(record, field));
	int64_t ms = text != NULL ? clock_parse(text) : 0;
	return ms > 0 ? ms : 0;
}

/* Did anything change but deletedAt? */
static bool changed(const json_t *names)
{
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name)
	{
		if (strcmp(json_string_value(name), "deletedAt") != 0)
			return true;
	}
	return names == NULL;
}

static enum gap_verdict judge_unseen(const struct gap_case *c, int64_t floor_ms)
{
	if (time_at(c->record, "deletedAt") != 0)
		return GAP_DELETED;
	return time_at(c->record, "createdAt") >= floor_ms ? GAP_CREATED : GAP_UPDATED;
}

enum gap_verdict gap_judge(const struct gap_case *c, const struct gap_bounds *bounds)
{
	int64_t updated_ms = event_updated_ms(c->record);
	int64_t floor_ms = bounds->first_ms - GAP_LATE_MS;
	bool deleted = time_at(c->record, "deletedAt") != 0;
	if (c->copy != NULL && c->copy->updated_ms >= updated_ms)
		return GAP_KNOWN; /* destroyed, too: the list is older than that */
	if (updated_ms > bounds->settled_ms)
		return GAP_YOUNG;
	if (updated_ms < floor_ms) /* nobody listened then, whatever was seen before that */
		return GAP_BEFORE;
	if (c->copy == NULL || c->copy->state == QUEUE_COPY_GONE)
		return judge_unseen(c, floor_ms);
	bool was_deleted = c->copy->state == QUEUE_COPY_DELETED;
	if (deleted && !was_deleted)
		return GAP_DELETED;
	if (!deleted && was_deleted)
		return GAP_RESTORED;
	return changed(c->names) ? GAP_UPDATED : GAP_TOUCHED;
}

const char *gap_action(enum gap_verdict verdict)
{
	switch (verdict) {
	case GAP_CREATED:
		return "created";
	case GAP_UPDATED:
		return "updated";
	case GAP_DELETED:
		return "deleted";
	case GAP_RESTORED:
		return "restored";
	case GAP_KNOWN:
	case GAP_YOUNG:
	case GAP_BEFORE:
	case GAP_TOUCHED:
		break;
	}
	return NULL;
}
