/* SPDX-License-Identifier: MIT */
/*
 * Who answers the calls of a rule under test: the test's own stub where there is one, else the
 * world. Stands in for the client (client/stand_in.h); answers come from the loop, in order.
 */
#ifndef MOONHOOK_RUNNER_REHEARSE_DOUBLE_H
#define MOONHOOK_RUNNER_REHEARSE_DOUBLE_H

#include <systemd/sd-event.h>

#include "client/client.h"
#include "runner/rehearse/script.h"
#include "runner/rehearse/world.h"

struct double_call;

struct understudy {
	struct script *script; /* BORROWED */
	struct world *world;   /* BORROWED */
	const json_t *stubs;   /* BORROWED; list of keys: "people:get", "http GET https://.." */
	sd_event_source *source;
	struct double_call *first, **end; /* not answered yet */
	uint64_t tickets;
	struct script_error error; /* of a stub: the test cannot go on */
	enum rc failed;            /* RC_OK: all is well; RC_RULE: error says what is not */
	struct err err;            /* of any other code */
};

/* Makes the client whose calls it answers. GIVES the client (client_free, then understudy_close).
 */
enum rc understudy_open(struct understudy *u, sd_event *loop, struct client **ret_client,
	struct err *err) must_check;
void understudy_close(struct understudy *u);

/* --- double_http.c -----------------------------------------------------------------------------
 */

/* The arguments of an http call for people: secrets by their names, json as what it is. GIVES. */
json_t *double_http_args(const json_t *args);
/* The key of the stub for a call with such arguments, "POST https://.."; NULL: none. BORROWS. */
const char *double_http_stub(const json_t *stubs, const json_t *args);
/* What a stub gives, {status, headers, body, json}, as the answer of a server; message into text.
 * GIVES answer->value. */
void double_http_answer(const json_t *args, const json_t *value, struct client_answer *answer,
	char *text, size_t text_n);

#endif
