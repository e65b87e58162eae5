/* SPDX-License-Identifier: MIT */
/*
 * Remembers who waits for which answer while an order is at the runner.
 * From: supervise.c. To: the links of the console and the runner. The console's tokens mean nothing
 * once it has died, so the runner gets numbers that are never used twice. Fails by refusing the
 * order with a sentence; it does not look into orders or answers.
 */
#include "cli/relay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/link.h"

static void refuse(struct child *console, const char *token, const char *code, const char *sentence)
{
	char text[512];
	snprintf(text, sizeof(text), "%s {\"ok\":false,\"error\":\"%s\",\"code\":\"%s\"}", token,
		sentence, code);
	if (console != NULL)
		(void)child_send(console, "ordered", text);
}

/* Copies the digits that text begins with; what stands behind the space after them, or NULL. */
static const char *take_number(struct slice text, char *ret_number, size_t n)
{
	size_t digits = text.n != 0 ? strspn(text.p, "0123456789") : 0;
	if (digits == 0 || digits >= n || text.p[digits] != ' ')
		return NULL;
	memcpy(ret_number, text.p, digits);
	ret_number[digits] = '\0';
	return text.p + digits + 1;
}

static const char *why_not(const struct child *runner, const char **ret_code)
{
	*ret_code = "busy";
	if (runner == NULL) {
		*ret_code = "no_runner";
		return "this daemon has no runner (serve --only); give the order on the machine "
		       "where one runs";
	}
	switch (child_state(runner)) {
	case CHILD_STARTING:
	case CHILD_READY:
		return NULL;
	case CHILD_RESTING:
		return "the runner has died and is about to start again; try again in a moment";
	case CHILD_STOPPING:
	case CHILD_OFF:
		return "the daemon is stopping";
	}
	return NULL;
}

void relay_order(
	struct relay *relay, struct child *console, struct child *runner, struct slice text)
{
	struct relay_order *o = &relay->orders[relay->n];
	char token[sizeof(o->token)];
	const char *code, *rest = take_number(text, token, sizeof(token));
	if (rest == NULL)
		return;
	const char *why = why_not(runner, &code);
	if (why == NULL && relay->n == RELAY_MAX)
		why = "too many orders are under way; try again";
	if (why != NULL) {
		refuse(console, token, code, why);
		return;
	}
	struct buf out;
	buf_init(&out, LINK_MAX);
	o->number = ++relay->last;
	memcpy(o->token, token, sizeof(token));
	if (buf_printf(&out, "%" PRIu64 " %s", o->number, rest) == RC_OK &&
		child_send(runner, "order", out.p))
		relay->n++;
	else
		refuse(console, token, "busy", "the runner has too much to read; try again");
	buf_done(&out);
}

void relay_answer(struct relay *relay, struct child *console, struct slice text)
{
	char number[24];
	const char *rest = take_number(text, number, sizeof(number));
	uint64_t wanted = rest != NULL ? strtoull(number, NULL, 10) : 0;
	for (size_t i = 0; i < relay->n; i++) {
		struct buf out;
		if (relay->orders[i].number != wanted)
			continue;
		buf_init(&out, LINK_MAX + sizeof(number));
		if (console != NULL &&
			(buf_printf(&out, "%s %s", relay->orders[i].token, rest) != RC_OK ||
				!child_send(console, "ordered", out.p)))
			refuse(console, relay->orders[i].token, "too_large",
				"the answer is too long; what was ordered is done");
		buf_done(&out);
		relay->orders[i] = relay->orders[--relay->n];
		return;
	}
}

void relay_lost(struct relay *relay, struct child *console)
{
	while (relay->n > 0)
		refuse(console, relay->orders[--relay->n].token, "lost",
			"the runner ended before it had answered; what it had committed is kept, "
			"see its log and try again");
}

void relay_forget(struct relay *relay)
{
	relay->n = 0;
}
