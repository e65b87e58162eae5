/* SPDX-License-Identifier: MIT */
/*
 * Which store a spool has worked with: a receiver that comes back while that store refuses it (its
 * password was changed, its role is gone) keeps what comes, for it knows that the store is the
 * right one. At a first start the same answer means that a person has written something wrong.
 */
#ifndef MOONHOOK_QUEUE_SPOOL_STORE_H
#define MOONHOOK_QUEUE_SPOOL_STORE_H

#include <stdbool.h>

#include "queue/place.h"

/* Has the spool in this folder worked with this store: this server, database and schema? Whose user
 * it is does not matter. */
bool spool_store_known(const char *folder, const struct queue_place *place);
/* From now on it has. Writes where that is news. RC_IO, RC_DENIED: only that this is not known
 * later.
 */
enum rc spool_store_note(
	const char *folder, const struct queue_place *place, struct err *err) must_check;

#endif
