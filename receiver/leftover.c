/* SPDX-License-Identifier: MIT */
/*
 * Deliveries that were acknowledged for a store in a database, and go to a folder.
 *
 * From: commit.c, where the store is no database. To: queue_inbox_put, out of queue/spool.h. A
 * store that was copied back to a folder has all that had reached it, but not what waited for it in
 * the spools of receivers. Fails as the spool or the store does: who cannot bring them in must not
 * take new ones ahead of them.
 */
#include "receiver/leftover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/spool.h"

#define CARRY_MAX 512 /* deliveries in one step */

static bool is_there(const char *folder)
{
	char path[4200];
	snprintf(path, sizeof(path), "%s/spool.db", folder);
	if (access(path, F_OK) == 0)
		return true;
	if (errno != ENOENT && errno != ENOTDIR)
		log_warn(NULL, "whether deliveries wait in %s, `spool.folder`, is not known: %s",
			folder, strerror(errno));
	return false;
}

static enum rc open_after(
	const char *folder, int64_t wait_ms, struct spool **ret_spool, struct err *err)
{
	struct timespec pause = {0, 20000000};
	for (int64_t end = clock_mono_ms() + wait_ms;;) {
		enum rc rc = spool_open(folder, 0, ret_spool, err);
		if (rc == RC_OK)
			return rc;
		if (rc != RC_BUSY || clock_mono_ms() >= end)
			return err_wrap(err, "`spool.folder`");
		(void)nanosleep(&pause, NULL);
	}
}

/* A step is dropped when the store has confirmed it. */
static enum rc carry(struct spool *spool, struct queue *to, struct err *err)
{
	int64_t last = 0, before;
	size_t n = 0;
	enum rc rc = RC_OK;
	struct queue_delivery *batch = calloc(CARRY_MAX, sizeof(*batch));
	if (batch == NULL)
		return err_set(err, RC_NOMEM, "no memory for what waits in the spool");
	do {
		before = last;
		rc = spool_next(spool, last, CARRY_MAX, batch, &n, &last, err);
		if (rc == RC_OK && n > 0)
			rc = queue_inbox_put(to, batch, n, err);
		if (rc == RC_OK && n > 0)
			rc = spool_drop(spool, last, err);
	} while (rc == RC_OK && (n > 0 || last > before));
	free(batch);
	return rc;
}

enum rc leftover_carry(const char *folder, int64_t wait_ms, struct queue *to, struct err *err)
{
	struct spool *spool = NULL;
	if (folder == NULL || !is_there(folder))
		return RC_OK;
	enum rc rc = open_after(folder, wait_ms, &spool, err);
	if (rc != RC_OK)
		return rc;
	int64_t n = spool_sum(spool).n;
	if (n > 0)
		rc = carry(spool, to, err);
	int64_t left = spool_sum(spool).n;
	spool_close(spool);
	if (rc != RC_OK)
		return err_wrap(err,
			"%" PRId64 " deliveries wait in %.60s for a store that was a database, and "
			"cannot be taken to this one",
			left, folder);
	if (n > 0)
		log_info(NULL,
			"%" PRId64 " deliveries waited in the spool for a store that was a "
			"database; they are in this one now",
			n);
	return RC_OK;
}
