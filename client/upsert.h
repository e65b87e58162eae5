/* SPDX-License-Identifier: MIT */
/*
 * Different changes of many records as one request: the batch upsert of a core server. It is fast
 * and it is dangerous: it revives what was deleted a moment before, inserts what was destroyed, and
 * finds rows by their unique values as well as by id. So it is used only
 *   - while calls wait for budget, and for UPSERT_LEAST records or more;
 *   - for objects and fields that the workspace's schema knows, none of them unique;
 *   - for records that were read as living at most UPSERT_WINDOW_MS before, or two turns of a
 *     budget that gives one request in longer than half of that;
 *   - for objects whose webhooks reach us (hearing.h): a revival shows itself in the echo of our
 *     own write and nowhere else, so that each call is answered when its echo has come.
 * A record that shows already what would be written is not written: nothing would tell of it.
 * A record that was inserted (its createdAt is new, also when it is read once more) is destroyed
 * again, one that was revived is deleted again, and the calls that changed them hear that there is
 * no such record.
 */
#ifndef MOONHOOK_CLIENT_UPSERT_H
#define MOONHOOK_CLIENT_UPSERT_H

#include "client/call.h"

#define UPSERT_LEAST 3
#define UPSERT_WINDOW_MS 3000
#define UPSERT_SKEW_MS 2000   /* the clock that dates records may be behind the one that answers */
#define UPSERT_AHEAD_MS 60000 /* or ahead of it */

/* May these changes go out that way? */
bool upsert_takes(const struct engine *e, const char *object, const json_t *changes);
/* May records of that object: do its webhooks reach us? */
bool upsert_open(struct engine *e, const char *object);
/* The echo of a held call shows that its record had been deleted. The call is in no list; it is
 * answered when the record is deleted again, which happens whether or not anybody waits for it. */
void upsert_revived(struct call *call);
/* The same where the record is being deleted again already. */
void upsert_missing(struct call *call);
/* Deletes a record again whose call was answered before its echo came. */
void upsert_take_back(struct engine *e, const char *object, const char *id);

#endif
