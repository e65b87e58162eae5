/* SPDX-License-Identifier: MIT */
/*
 * Where the store is: from the configuration to the backend.
 * From: whoever opens the store. To: the backends' open. Holds nothing.
 */
#include "queue/place.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "queue/backend.h"

#define OPEN_AGAIN_MS 20

void queue_place_of(const struct conf *conf, struct queue_place *ret_place)
{
	const char *store = conf_text(conf, "store");
	const char *durability = conf_text(conf, "database.durability");
	bool relaxed = durability != NULL && strcmp(durability, "relaxed") == 0;
	*ret_place = (struct queue_place){.store = store != NULL ? store : "",
		.password = conf_text(conf, "database.password"),
		.durability = relaxed ? QUEUE_RELAXED : QUEUE_DURABLE};
}

bool queue_place_away(const struct queue_place *place)
{
	return strncmp(place->store, "postgres://", 11) == 0 ||
	       strncmp(place->store, "postgresql://", 13) == 0;
}

static enum rc open_backend(const struct queue_place *place, enum queue_side side,
	struct queue **ret_queue, struct err *err)
{
	const char *store = place->store, *colon = strchr(store, ':');
	if (store[0] == '\0')
		return err_set(err, RC_INVALID, "the store needs a folder: store = \"var\"");
	if (strncmp(store, "memory:", 7) == 0)
		return memory_open(store + 7, side, ret_queue, err);
	if (queue_place_away(place))
		return postgres_open(place, side, ret_queue, err);
	if (colon != NULL && memchr(store, '/', (size_t)(colon - store)) == NULL)
		return err_set(err, RC_UNSUPPORTED,
			"store \"%.*s:\" is not supported by this build; use a folder: store = "
			"\"var\"",
			(int)(colon - store), store);
	return sqlite_open(store, side, ret_queue, err);
}

/* Nobody works on what is an unfinished copy, or has moved. */
static enum rc open_once(const struct queue_place *place, enum queue_side side,
	struct queue **ret_queue, struct err *err)
{
	struct queue *q = NULL;
	struct queue_mark mark;
	enum rc rc = open_backend(place, side, &q, err);
	if (rc == RC_OK && side != QUEUE_READER) {
		rc = queue_mark_read(q, &mark, err);
		if (rc == RC_OK)
			rc = queue_mark_judge(&mark, err);
	}
	if (rc == RC_OK)
		*ret_queue = q;
	else
		queue_close(q);
	return rc;
}

enum rc queue_place_open(const struct queue_place *place, enum queue_side side, int64_t wait_ms,
	struct queue **ret_queue, struct err *err)
{
	struct timespec pause = {0, OPEN_AGAIN_MS * 1000000};
	for (int64_t end = clock_mono_ms() + wait_ms;;) {
		enum rc rc = open_once(place, side, ret_queue, err);
		if (rc != RC_BUSY || clock_mono_ms() >= end)
			return rc;
		(void)nanosleep(&pause, NULL);
	}
}

void queue_patience(struct queue *q, int64_t ms)
{
	if (q->backend->patience != NULL)
		q->backend->patience(q, ms);
}

bool queue_failed(struct queue *q, struct err *ret_why)
{
	if (!atomic_load(&q->broken))
		return false;
	(void)err_set(ret_why, RC_IO, "%s", q->why);
	return true;
}

void queue_abandon(struct queue *q)
{
	struct err ignored;
	(void)queue_break(q, &ignored, "nobody waits for the store any more");
}

enum rc queue_open(
	const char *store, enum queue_side side, struct queue **ret_queue, struct err *err)
{
	return queue_place_open(&(struct queue_place){.store = store}, side, 0, ret_queue, err);
}

enum rc queue_open_after(const char *store, enum queue_side side, int64_t wait_ms,
	struct queue **ret_queue, struct err *err)
{
	return queue_place_open(
		&(struct queue_place){.store = store}, side, wait_ms, ret_queue, err);
}
