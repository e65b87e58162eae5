/* SPDX-License-Identifier: MIT */
/*
 * The event loop of a simulation: that part of <systemd/sd-event.h> which the client uses, on the
 * time of time.h. Linked instead of libsystemd; a function that is missing here is a link error.
 * From: client/, wire.c, sim.c. When nothing is pending, sd_event_run jumps to the next timer; it
 * never sleeps. Timers are exact. Sources run in the order in which they became pending, as there.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <systemd/sd-event.h>

#include "base/attr.h"
#include "tests/sim/rig/time.h"

struct sd_event_source {
	struct sd_event_source *next;
	sd_event *loop; /* BORROWED: the owner holds it */
	int refs;
	int enabled;
	uint64_t pending; /* when it became so, counted; 0: it is not */
	int64_t at_us;    /* of a timer */
	sd_event_time_handler_t on_time;
	sd_event_handler_t on_defer; /* of the two, one */
	void *ctx;
};

struct sd_event {
	int refs;
	uint64_t pendings;
	struct sd_event_source *first, **last;
};

int sd_event_new(sd_event **ret_loop)
{
	sd_event *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return -ENOMEM;
	e->refs = 1;
	e->last = &e->first;
	*ret_loop = e;
	return 0;
}

sd_event *sd_event_ref(sd_event *e)
{
	if (e != NULL)
		e->refs++;
	return e;
}

sd_event *sd_event_unref(sd_event *e)
{
	if (e != NULL && --e->refs == 0)
		free(e);
	return NULL;
}

int sd_event_now(sd_event *e, clockid_t clock, uint64_t *ret_us)
{
	(void)e, (void)clock;
	*ret_us = (uint64_t)time_us();
	return 0;
}

static sd_event_source *source_new(sd_event *e, void *ctx)
{
	sd_event_source *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->loop = e;
	s->refs = 1;
	s->enabled = SD_EVENT_ONESHOT;
	s->ctx = ctx;
	*e->last = s;
	e->last = &s->next;
	return s;
}

int sd_event_add_defer(sd_event *e, sd_event_source **ret, sd_event_handler_t handler, void *ctx)
{
	sd_event_source *s = source_new(e, ctx);
	if (s == NULL)
		return -ENOMEM;
	s->on_defer = handler;
	s->pending = ++e->pendings;
	*ret = s;
	return 0;
}

int sd_event_add_time(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t at_us,
	uint64_t accuracy_us, sd_event_time_handler_t handler, void *ctx)
{
	(void)clock, (void)accuracy_us;
	sd_event_source *s = source_new(e, ctx);
	if (s == NULL)
		return -ENOMEM;
	s->on_time = handler;
	s->at_us = at_us > INT64_MAX ? INT64_MAX : (int64_t)at_us;
	*ret = s;
	return 0;
}

int sd_event_source_set_time(sd_event_source *s, uint64_t at_us)
{
	s->at_us = at_us > INT64_MAX ? INT64_MAX : (int64_t)at_us;
	s->pending = 0;
	return 0;
}

int sd_event_source_set_enabled(sd_event_source *s, int enabled)
{
	if (enabled == SD_EVENT_OFF)
		s->pending = 0;
	else if (s->on_defer != NULL && s->pending == 0)
		s->pending = ++s->loop->pendings;
	s->enabled = enabled;
	return 0;
}

sd_event_source *sd_event_source_unref(sd_event_source *s)
{
	if (s == NULL || --s->refs > 0)
		return NULL;
	struct sd_event_source **at = &s->loop->first;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (s->next == NULL)
		s->loop->last = at;
	free(s);
	return NULL;
}

sd_event_source *sd_event_source_disable_unref(sd_event_source *s)
{
	if (s != NULL)
		sd_event_source_set_enabled(s, SD_EVENT_OFF);
	return sd_event_source_unref(s);
}

/* Timers that are due become pending, the earliest first. Answers when the next one will be. */
static int64_t look_at_timers(sd_event *e)
{
	for (;;) {
		sd_event_source *first = NULL;
		for (sd_event_source *s = e->first; s != NULL; s = s->next)
			if (s->on_time != NULL && s->enabled != SD_EVENT_OFF && s->pending == 0 &&
				(first == NULL || s->at_us < first->at_us))
				first = s;
		if (first == NULL)
			return INT64_MAX;
		if (first->at_us > time_us())
			return first->at_us;
		first->pending = ++e->pendings;
	}
}

static bool dispatch(sd_event *e)
{
	sd_event_source *first = NULL;
	for (sd_event_source *s = e->first; s != NULL; s = s->next)
		if (s->pending != 0 && s->enabled != SD_EVENT_OFF &&
			(first == NULL || s->pending < first->pending))
			first = s;
	if (first == NULL)
		return false;
	first->refs++;
	first->pending = 0;
	if (first->enabled == SD_EVENT_ONESHOT)
		first->enabled = SD_EVENT_OFF;
	int rc = first->on_time != NULL ? first->on_time(first, (uint64_t)first->at_us, first->ctx)
					: first->on_defer(first, first->ctx);
	if (rc < 0)
		sd_event_source_set_enabled(first, SD_EVENT_OFF);
	else if (first->enabled == SD_EVENT_ON && first->on_defer != NULL)
		first->pending = ++e->pendings;
	sd_event_source_unref(first);
	return true;
}

int sd_event_run(sd_event *e, uint64_t timeout_us)
{
	int64_t until_us = timeout_us < (uint64_t)(INT64_MAX - time_us())
				   ? time_us() + (int64_t)timeout_us
				   : INT64_MAX;
	int64_t next_us = look_at_timers(e);
	if (dispatch(e))
		return 1;
	if (next_us > until_us || next_us == INT64_MAX) {
		if (until_us != INT64_MAX)
			time_jump(until_us);
		return 0;
	}
	time_jump(next_us);
	look_at_timers(e);
	return dispatch(e);
}
