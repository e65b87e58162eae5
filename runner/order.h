/* SPDX-License-Identifier: MIT */
/*
 * What people have the runner do: {"do":"pause", ..}, from the command by way of the console and
 * the supervisor, answered {"ok":true, ..} or {"ok":false,"error":"a sentence","code":".."}. The
 * list of orders is in order.c.
 *
 * An order answers once, now or later; what it has written until then is committed before anybody
 * hears of it. One that has much to do sets step, which is called once per turn until it has
 * answered and then does a bounded part, so that runs go on meanwhile. Runner's thread.
 */
#ifndef MOONHOOK_RUNNER_ORDER_H
#define MOONHOOK_RUNNER_ORDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct runner;
struct order;

typedef void (*order_fn)(struct runner *r, struct order *order);

struct order {
	struct order *next;
	uint64_t token;
	uint32_t uid;                /* of the user who asks */
	json_t *words;               /* {"do":"..", ..}; an object */
	bool own;                    /* of the runner itself */
	bool begun;                  /* not before the rules are known */
	order_fn step;               /* NULL: it waits for somebody else who answers it */
	int64_t rest_until_ms;       /* mono: no step before */
	void *state;                 /* the order's own */
	void (*forget)(void *state); /* frees it; NULL: nothing to free */
	json_t *answer;              /* NULL: not yet */
};

struct orders { /* zeroed: none */
	struct order *first;
	bool pausing;              /* runs are being parked, or come back */
	struct order_again *again; /* events that are being made from ones in quarantine */
};

/* An order of the runner itself; erasure.h hears what came of it. TAKES words. False: no memory. */
bool order_own(struct runner *r, json_t *words);
/* An order came: "TOKEN UID JSON". */
void order_take(struct runner *r, struct slice text);
/* Gives every order with a step its turn. */
void order_step(struct runner *r);
/* Has any a step to do? The loop must not sleep then. */
bool order_busy(const struct runner *r);
/* Does an answer wait for the commit? */
bool order_answered(const struct runner *r);
/* After the commit: sends the answers. */
void order_tell(struct runner *r);
/* Forgets all; nobody is told. */
void orders_clear(struct orders *orders);

/* Keeps in the audit log who ordered this and that it changed n things; result: a sentence or "".
 */
enum rc order_audit(struct runner *r, const struct order *order, int64_t n, const char *result,
	struct err *err) must_check;
/* The same of an order that has only begun: queue_audit_end with *ret_seq says what came of it. */
enum rc order_audit_begin(
	struct runner *r, const struct order *order, int64_t *ret_seq, struct err *err) must_check;
/* Answers. TAKES answer, an object ("ok":true is added), NULL counts as no memory. */
void order_answer(struct order *order, json_t *answer);
void order_refuse(struct order *order, enum rc code, const char *fmt, ...) printf_like(3, 4);
void order_refuse_err(struct order *order, const struct err *err);

#endif
