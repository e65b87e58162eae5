/* SPDX-License-Identifier: MIT */
/*
 * The way of webhooks from the twin to client_heard.
 * From: a simulation's event hook. To: the client, when chance says. Without memory it aborts.
 */
#include "tests/sim/rig/echo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/rig/time.h"

struct echo {
	struct echo *next; /* by due_us */
	int64_t due_us;
	char object[64];
	json_t *body;
};

static void arm(struct echoes *s)
{
	if (s->first == NULL)
		return;
	sd_event_source_set_time(s->timer, (uint64_t)s->first->due_us);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	(void)source, (void)usec;
	struct echoes *s = ctx;
	while (s->first != NULL && s->first->due_us <= time_us()) {
		struct echo *e = s->first;
		s->first = e->next;
		const struct client_event event = {.object = e->object,
			.record = json_object_get(e->body, "record"),
			.fields = json_object_get(e->body, "updatedFields")};
		s->came++;
		client_heard(s->sim->client, &event);
		json_decref(e->body);
		free(e);
	}
	arm(s);
	return 0;
}

static void send(struct echoes *s, const char *name, const json_t *body)
{
	struct echo *e = calloc(1, sizeof(*e));
	if (e == NULL)
		abort();
	uint64_t range_us = (uint64_t)(s->most_ms - s->least_ms) * 1000 + 1;
	e->due_us = time_us() + s->least_ms * 1000 + (int64_t)time_dice(range_us);
	e->body = json_incref((json_t *)(uintptr_t)body);
	snprintf(e->object, sizeof(e->object), "%.*s", (int)strcspn(name, "."), name);
	struct echo **at = &s->first;
	while (*at != NULL && (*at)->due_us <= e->due_us)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
}

void echoes_put(struct echoes *s, const char *name, const json_t *body)
{
	if (s->timer == NULL && sd_event_add_time(s->sim->loop, &s->timer, CLOCK_MONOTONIC,
					UINT64_MAX, 1, on_timer, s) < 0)
		abort();
	if (s->lost)
		return;
	send(s, name, body);
	if (time_dice(100) < s->twice)
		send(s, name, body);
	arm(s);
}

void echoes_close(struct echoes *s)
{
	while (s->first != NULL) {
		struct echo *e = s->first;
		s->first = e->next;
		json_decref(e->body);
		free(e);
	}
	s->timer = sd_event_source_disable_unref(s->timer);
}
