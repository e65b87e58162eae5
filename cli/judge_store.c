/* SPDX-License-Identifier: MIT */
/*
 * Does the store keep what it is given?
 * From: doctor.c, with what queue_health_read has seen.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/judge.h"

#define SLOW_US 50000
#define FREE_FAIL (INT64_C(100) << 20)
#define FREE_WARN (INT64_C(1) << 30)

/* "3.2 GB" */
static void amount(int64_t bytes, char ret_text[static 24])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double n = (double)bytes;
	size_t u = 0;
	for (; n >= 1024 && u + 1 < ARRAY_N(units); u++)
		n /= 1024;
	snprintf(ret_text, 24, u == 0 || n >= 100 ? "%.0f %s" : "%.1f %s", n, units[u]);
}

static void judge_disk(struct findings *f, const char *store, const struct queue_health *h)
{
	struct finding *row;
	switch (h->disk) {
	case QUEUE_DISK_LOCAL:
		break;
	case QUEUE_DISK_MEMORY:
		row = finding_put(f, "store", FINDING_WARN,
			"the store %s is in memory (%s): it is gone when this machine restarts",
			store, h->disk_name);
		finding_fix(row, "set `store` to a folder on a disk");
		break;
	case QUEUE_DISK_NETWORK:
		row = finding_put(f, "store", FINDING_FAIL,
			"the store %s is not on a local disk (%s): locks do not hold there, and it "
			"can be damaged",
			store, h->disk_name);
		finding_fix(row, "set `store` to a folder on a disk of this machine");
		break;
	}
	if (h->sync_us < 0) {
		row = finding_put(f, "store", FINDING_FAIL, "nothing can be written to %s: %s",
			store, h->sync_problem);
		finding_fix(row,
			"run this as the user of the daemon, whom the folder has to belong "
			"to");
	} else if (h->sync_us > SLOW_US) {
		row = finding_put(f, "store", FINDING_WARN,
			"the disk of %s takes %.0f ms to make something durable, and each delivery "
			"waits for that",
			store, (double)h->sync_us / 1000);
		finding_fix(row, "set `store` to a folder on a faster disk");
	}
}

static void judge_room(
	struct findings *f, const char *store, const struct queue_health *h, int64_t limit)
{
	char has[24], used[24], most[24];
	struct finding *row = NULL;
	amount(h->free_bytes, has);
	amount(h->used_bytes, used);
	amount(limit, most);
	if (h->free_bytes < FREE_FAIL)
		row = finding_put(f, "store", FINDING_FAIL,
			"the disk of %s is full: %s left; deliveries are refused without room",
			store, has);
	else if (h->free_bytes < FREE_WARN)
		row = finding_put(
			f, "store", FINDING_WARN, "the disk of %s has %s left", store, has);
	else if (limit > 0 && h->used_bytes < limit && limit - h->used_bytes > h->free_bytes)
		row = finding_put(f, "store", FINDING_WARN,
			"the store may grow to %s (retain.size), but its disk has only %s left "
			"(it takes %s now)",
			most, has, used);
	if (row != NULL)
		finding_fix(row, "free space, or set retain.size to less");
	if (limit > 0 && h->used_bytes > limit / 10 * 9) {
		row = finding_put(f, "store", FINDING_WARN,
			"the store takes %s of %s (retain.size): the oldest that has ended goes "
			"first",
			used, most);
		finding_fix(
			row, "set retain.size to more, or retain.events and retain.runs to less");
	}
}

static void judge_contents(struct findings *f, const char *store, const struct queue_health *h)
{
	struct finding *row;
	if (h->damage[0] != '\0') {
		row = finding_put(
			f, "store", FINDING_FAIL, "the store cannot be read: %s", h->damage);
		finding_fix(row,
			"where it is damaged: stop the daemon, move %s away or restore a "
			"backup",
			store);
	} else if (h->there && strcmp(h->journal, "wal") != 0) {
		row = finding_put(f, "store", FINDING_FAIL,
			"the files of %s are in the mode \"%s\", not WAL: another program has "
			"changed "
			"them",
			store, h->journal);
		finding_fix(row,
			"let no other program write there; a restart of moonhook serve sets "
			"it right");
	}
	if (h->open_to_others) {
		row = finding_put(f, "store", FINDING_WARN,
			"others than its owner may read the store %s, and it holds customers' data",
			store);
		finding_fix(row, "chmod -R go= %s", store);
	}
}

void judge_store(struct findings *findings, const char *store, const struct queue_health *h,
	int64_t limit_bytes)
{
	size_t before = findings->n;
	judge_disk(findings, store, h);
	judge_room(findings, store, h, limit_bytes);
	judge_contents(findings, store, h);
	bool bad = false;
	for (size_t i = before; i < findings->n; i++)
		bad = bad || findings->p[i].level == FINDING_FAIL;
	if (bad)
		return;
	char used[24];
	amount(h->used_bytes, used);
	const char *place = h->disk == QUEUE_DISK_LOCAL ? "on a local disk" : "in memory";
	struct finding *row = finding_put(findings, "store", FINDING_OK,
		h->there ? "store: WAL %s, fsync %.1f ms, %s%s"
			 : "store: none yet, %s, fsync %.1f ms%s%s",
		place, (double)h->sync_us / 1000, h->there ? used : "",
		h->checked ? ", whole" : "");
	row->brief = true;
}
