/* SPDX-License-Identifier: MIT */
/*
 * The wait for a store that is elsewhere, before there is a runner.
 *
 * From: runner.c's process. To: queue_place_open, again and again with growing pauses; base/link.h
 * for what the supervisor wants meanwhile. A database that is away is no reason to end: nobody
 * restarts a process that waits. What waiting cannot mend is handed back at once.
 */
#include "runner/opening.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"
#include "queue/patience.h"
#include "queue/place.h"

#define PREDECESSOR_MS 3000 /* until a killed one has let go of the store */
#define REST_FIRST_MS 100   /* between two attempts, doubled each time, */
#define REST_MAX_MS 5000    /* up to this */

struct opening {
	struct conf **conf;
	struct buf in;
	int term_fd;
	int64_t since_ms; /* mono, of the first attempt that failed; 0: none has */
	int64_t rest_ms;
};

static void tell(const char *kind, const char *text)
{
	struct err err;
	if (link_send(LINK_FD, kind, slice_of(text), &err) != RC_OK && err.code != RC_CLOSED)
		log_warn(NULL, "%s", err.msg);
}

static void take_reload(struct opening *o, struct slice text)
{
	struct err err;
	struct conf *conf = NULL;
	if (conf_import(text, &conf, &err) != RC_OK) {
		log_error(NULL, "%s; what was live before stays", err.msg);
		tell("failed", err.msg);
		return;
	}
	conf_free(*o->conf);
	*o->conf = conf;
	o->rest_ms = REST_FIRST_MS;
	tell("reloaded", "once its store answers");
}

/* Whoever gave it learns that nobody carries it out. */
static void refuse_order(struct slice text)
{
	char answer[160];
	size_t n = text.n != 0 ? strspn(text.p, "0123456789") : 0;
	snprintf(answer, sizeof(answer),
		"%.*s {\"ok\":false,\"error\":\"the runner waits for its store, which does not "
		"answer\",\"code\":\"busy\"}",
		n < 24 ? (int)n : 0, text.p != NULL ? text.p : "");
	tell("ordered", answer);
}

/* False when it is time to end. */
static bool obey(struct opening *o)
{
	struct err err;
	struct link_msg msg;
	enum rc rc = link_receive(LINK_FD, &o->in, &msg, &err);
	if (rc == RC_BUSY || rc == RC_PARSE)
		return true;
	if (rc != RC_OK || strcmp(msg.kind, "drain") == 0)
		return false;
	if (strcmp(msg.kind, "reload") == 0)
		take_reload(o, msg.text);
	else if (strcmp(msg.kind, "order") == 0)
		refuse_order(msg.text);
	return true;
}

/* One pause. False when it is time to end. */
static bool rest(struct opening *o)
{
	struct pollfd p[] = {{LINK_FD, POLLIN, 0}, {o->term_fd, POLLIN, 0}};
	int64_t until_ms = clock_mono_ms() + o->rest_ms, left_ms;
	o->rest_ms = o->rest_ms * 2 < REST_MAX_MS ? o->rest_ms * 2 : REST_MAX_MS;
	while ((left_ms = until_ms - clock_mono_ms()) > 0) {
		if (poll(p, ARRAY_N(p), (int)left_ms) <= 0)
			continue;
		if (p[1].revents != 0 || (p[0].revents != 0 && !obey(o)))
			return false;
	}
	return true;
}

static enum rc wait_for(struct opening *o, const struct err *why)
{
	struct err over;
	if (o->since_ms == 0) {
		o->since_ms = clock_mono_ms();
		log_warn(&(struct log_fields){.cause = rc_name(why->code)},
			"%s; the runner waits for it, and what is to be done waits there",
			why->msg);
		tell("waits", why->msg);
	}
	return rest(o) ? RC_OK : err_set(&over, RC_CLOSED, "told to end");
}

enum { SPARE_MS = 4000 }; /* to end in, workers and all */

/* Who is asked whether the runner lives shall hear that the store does not answer: it says so and
 * ends before it is killed. */
static void limit_patience(struct queue *q, const struct conf *conf)
{
	int64_t lease_ms = conf_int(conf, "limits.lease");
	int64_t spare_ms = lease_ms < 2 * SPARE_MS ? lease_ms / 2 : SPARE_MS;
	queue_patience(q, lease_ms - spare_ms);
}

/* A reload replaces the configuration, so the place is read from it each time. */
static enum rc try_all(struct opening *o, struct queue **ret_queue, struct err *err)
{
	for (;;) {
		struct queue_place place;
		queue_place_of(*o->conf, &place);
		enum rc rc = queue_place_open(&place, QUEUE_RUNNER, PREDECESSOR_MS, ret_queue, err);
		if (rc == RC_OK)
			limit_patience(*ret_queue, *o->conf);
		if (rc != RC_IO || !queue_place_away(&place))
			return rc;
		if (wait_for(o, err) != RC_OK)
			return RC_CLOSED;
	}
}

enum rc opening_store(struct conf **conf, struct queue **ret_queue, struct err *err)
{
	struct opening o = {.conf = conf, .rest_ms = REST_FIRST_MS};
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM); /* blocked since the process began */
	o.term_fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	if (o.term_fd < 0)
		return err_set(err, RC_IO, "cannot open an event descriptor");
	buf_init(&o.in, LINK_MAX);
	enum rc rc = try_all(&o, ret_queue, err);
	if (rc == RC_OK && o.since_ms != 0)
		log_info(NULL, "the store answers again, after %.1f s",
			(double)(clock_mono_ms() - o.since_ms) / 1000);
	buf_done(&o.in);
	close(o.term_fd);
	return rc;
}
