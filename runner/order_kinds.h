/* SPDX-License-Identifier: MIT */
/* The orders of this room that have no header of their own; the table in order.c names them. */
#ifndef MOONHOOK_RUNNER_ORDER_KINDS_H
#define MOONHOOK_RUNNER_ORDER_KINDS_H

#include "runner/order.h"

/* --- order_rules.c */
/* {"do":"pause","rules":["name",..] or ["*"],"why":".."} -> {"rules":[..],"runs":N parked so far}
 */
void order_pause(struct runner *r, struct order *order);
/* {"do":"resume","rules":[..]} -> the same */
void order_resume(struct runner *r, struct order *order);
/* {"do":"acknowledge","issues":[{"kind":"..","about":".."}]} -> {"n":N} */
void order_acknowledge(struct runner *r, struct order *order);
/* Goes on with what pauses and resumptions have left to do. */
void order_pausing_step(struct runner *r);

/* --- order_bulk.c: with "what":"runs" or "events", and "filter":{"id","state","rule",..}
 * {"do":"retry",..}, {"do":"purge",..} -> {"n":N,"skipped":N} */
void order_retry(struct runner *r, struct order *order);
void order_purge(struct runner *r, struct order *order);
void orders_again_clear(struct orders *orders);

/* --- order_timer.c */
/* {"do":"cancel","rule":"..","key":"..","dry_run":true} -> {"n":1} */
void order_cancel(struct runner *r, struct order *order);

/* --- order_erase.c */
/* {"do":"erase","record":"..","dry_run":true} -> {"events":N,"deliveries":N,"runs":N,"calls":N,
 * "copies":N,"writes":N,"told":N,"issues":N,"addresses":N,"left":N deliveries that the receiver has
 * not emptied yet,"log":true where the write-ahead log still has bytes} */
void order_erase(struct runner *r, struct order *order);

#endif
