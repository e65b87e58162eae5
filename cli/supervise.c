/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: keeps the children alive, passes signals, hands out configuration, stops in
 * order. From: serve.c, which has made the sockets. Next: child.c for each child. It holds no
 * secret longer than the configuration it hands out, parses nothing from outside, and serves nobody
 * itself: what the command asks arrives through the console's link.
 */
#include "cli/supervise.h"

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/applied.h"
#include "cli/child.h"
#include "cli/relay.h"
#include "cli/restart.h"

#define DRAIN_MS 20000  /* all children together */
#define RELOAD_MS 15000 /* the answers of all children */

enum { RECEIVER, RUNNER, CONSOLE, CHILDREN_N };

static const char *const receiver_part[] = {
	"listen", "store", "database", "spool", "source", "limits", "retain", "log", NULL};
static const char *const runner_part[] = {"store", "database", "rules", "workers", "twenty", "http",
	"secrets", "limits", "retain", "coalesce", "notify", "log", "gap", "source.*.scheme", NULL};
static const char *const console_part[] = {
	"console", "store", "database", "control", "log", "only", NULL};

static const struct child_kind kinds[CHILDREN_N] = {
	{"receiver", METRIC_RESTART_RECEIVER, METRIC_READY_RECEIVER, receiver_part},
	{"runner", METRIC_RESTART_RUNNER, METRIC_READY_RUNNER, runner_part},
	{"console", METRIC_RESTART_CONSOLE, METRIC_READY_CONSOLE, console_part},
};

/* What each may take to finish, 20 s together: one that hangs takes no time from the next. */
static const int drain_ms[CHILDREN_N] = {6000, 12000, 2000};

struct reload { /* the one under way */
	bool running;
	bool again;             /* somebody asked meanwhile */
	bool asked;             /* the console waits for the answer */
	unsigned pending;       /* bits of the children that have not answered */
	struct applied applied; /* the answers so far */
	sd_event_source *timer;
};

struct supervisor {
	const struct supervise_conf *sc;
	sd_event *loop;
	struct conf *conf, *first;    /* that counts now; of the start */
	const struct conf *conf_view; /* conf, for the children */
	struct child_owner owners[CHILDREN_N];
	struct child *children[CHILDREN_N]; /* NULL: not selected */
	int wake;
	bool stopping, announced;
	bool waits;  /* the runner, for a store that is away */
	int stop_at; /* the child that is told to finish */
	int status;
	int64_t started_ms;
	sd_event_source *deadline, *second;
	struct reload reload;
	struct relay relay;        /* orders under way */
	char why[CHILDREN_N][256]; /* what each says of its store; "" for nothing */
	char problem[256];         /* what the runner says of Twenty; "" for none */
};

/* --- stopping
 * ------------------------------------------------------------------------------------- */

static void kill_child(const struct supervisor *s, int i, const char *why)
{
	if (s->children[i] == NULL || child_pid(s->children[i]) == 0)
		return;
	log_warn(NULL, "the %s is killed: %s", kinds[i].name, why);
	child_kill(s->children[i]);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *ctx)
{
	(void)source;
	(void)usec;
	const struct supervisor *s = ctx;
	char why[64];
	snprintf(why, sizeof(why), "it has not finished in %d s", drain_ms[s->stop_at] / 1000);
	kill_child(s, s->stop_at, why);
	return 0;
}

/* Tells child i to finish, and sets its deadline. */
static void stop_child(struct supervisor *s, int i)
{
	uint64_t now = 0;
	s->stop_at = i;
	s->deadline = sd_event_source_disable_unref(s->deadline);
	(void)sd_event_now(s->loop, CLOCK_MONOTONIC, &now);
	child_stop(s->children[i]);
	if (sd_event_add_time(s->loop, &s->deadline, CLOCK_MONOTONIC,
		    now + (uint64_t)drain_ms[i] * 1000, 100000, on_deadline, s) < 0)
		kill_child(s, i, "there is no timer for it");
}

/* Stops the next child in the order of the walk, or ends the loop when none is left. */
static void stop_next(struct supervisor *s)
{
	for (int i = 0; i < CHILDREN_N; i++) {
		struct child *c = s->children[i];
		if (c == NULL || child_state(c) == CHILD_OFF)
			continue;
		if (child_state(c) != CHILD_STOPPING)
			stop_child(s, i);
		if (child_state(c) != CHILD_OFF)
			return; /* its end calls here again */
	}
	(void)sd_event_exit(s->loop, s->status);
}

static void stop(struct supervisor *s, int status)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->status = status;
	(void)sd_notify(0, "STOPPING=1");
	for (int i = 0; i < CHILDREN_N; i++)
		if (s->children[i] != NULL && child_state(s->children[i]) == CHILD_RESTING)
			child_stop(s->children[i]);
	stop_next(s);
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *ctx)
{
	(void)source;
	struct supervisor *s = ctx;
	if (s->stopping && si->ssi_signo == SIGINT) {
		for (int i = 0; i < CHILDREN_N; i++)
			kill_child(s, i, "interrupted again");
		return 0;
	}
	if (!s->stopping)
		log_info(
			NULL, "stopping: %s", si->ssi_signo == SIGINT ? "interrupted" : "asked to");
	stop(s, 0);
	return 0;
}

/* --- reload
 * ---------------------------------------------------------------------------------------- */

static void start_reload(struct supervisor *s);

static void note(struct supervisor *s, int i, enum applied_room_state state, struct slice text)
{
	applied_put(&s->reload.applied, (size_t)i, kinds[i].name, state, text.p, text.n);
}

static void answer_ask(struct supervisor *s, json_t *answer)
{
	char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (s->children[CONSOLE] != NULL)
		(void)child_send(s->children[CONSOLE], "answer",
			text != NULL ? text : "{\"ok\":false,\"error\":\"out of memory\"}");
	free(text);
	json_decref(answer);
}

static void finish_reload(struct supervisor *s)
{
	struct reload *r = &s->reload;
	char text[APPLIED_SAY_N];
	r->timer = sd_event_source_disable_unref(r->timer);
	r->running = false;
	applied_say(&r->applied, APPLIED_BRIEF, text);
	if (r->applied.refusal[0] != '\0')
		log_error(NULL, "reload failed, %s", text);
	else if (!applied_ok(&r->applied))
		log_error(NULL, "reload %s", text);
	else
		log_info(NULL, "reloaded%s%s", text[0] != '\0' ? ": " : "", text);
	(void)sd_notify(0, "READY=1");
	if (r->asked && !r->again) {
		r->asked = false;
		answer_ask(s, applied_describe(&r->applied));
	}
	if (r->again) {
		r->again = false;
		start_reload(s);
	}
}

static int on_reload_deadline(sd_event_source *source, uint64_t usec, void *ctx)
{
	(void)source;
	(void)usec;
	struct supervisor *s = ctx;
	for (int i = 0; i < CHILDREN_N; i++)
		if ((s->reload.pending & 1u << i) != 0)
			note(s, i, APPLIED_UNKNOWN, slice_of("it has not answered in time"));
	s->reload.pending = 0;
	finish_reload(s);
	return 0;
}

/* Takes the new configuration; what only a restart can change is said. */
static enum rc replace_conf(struct supervisor *s, const struct conf *fresh, struct err *err)
{
	char *text = s->reload.applied.restart;
	struct conf *merged = NULL;
	enum rc rc = restart_merge(s->first, fresh, &merged, err);
	conf_scrub();
	if (rc != RC_OK)
		return rc;
	(void)restart_describe(s->first, fresh, text, sizeof(s->reload.applied.restart));
	if (s->conf != s->first)
		conf_free(s->conf);
	s->conf = merged;
	s->conf_view = merged;
	return RC_OK;
}

/* Gives child i its part. One that rests starts with it. */
static void hand_out(struct supervisor *s, int i)
{
	if (s->children[i] == NULL)
		return;
	bool rests = child_pid(s->children[i]) == 0;
	if (child_reload(s->children[i]))
		s->reload.pending |= 1u << i;
	else if (rests)
		note(s, i, APPLIED_WHOLE, slice_of("once it runs again"));
	else
		note(s, i, APPLIED_UNKNOWN, slice_of("it cannot be told"));
}

static void start_reload(struct supervisor *s)
{
	struct reload *r = &s->reload;
	struct conf *fresh = NULL;
	struct err err = {.msg = ""};
	uint64_t now = 0;
	r->running = true;
	r->pending = 0;
	applied_init(&r->applied);
	(void)sd_event_now(s->loop, CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now);
	enum rc rc = s->sc->reload(s->sc->ctx, &fresh, &err);
	if (rc == RC_OK)
		rc = replace_conf(s, fresh, &err);
	conf_free(fresh);
	if (rc != RC_OK) {
		snprintf(r->applied.refusal, sizeof(r->applied.refusal), "%s", err.msg);
		finish_reload(s);
		return;
	}
	for (int i = 0; i < CONSOLE; i++)
		hand_out(s, i);
	if (r->pending == 0 ||
		sd_event_add_time(s->loop, &r->timer, CLOCK_MONOTONIC,
			now + (uint64_t)RELOAD_MS * 1000, 100000, on_reload_deadline, s) < 0)
		finish_reload(s);
}

static void want_reload(struct supervisor *s, bool asked)
{
	s->reload.asked = s->reload.asked || asked;
	if (s->stopping)
		return;
	if (s->reload.running)
		s->reload.again = true;
	else
		start_reload(s);
}

/* One child has answered, or never will. */
static void take_reload(
	struct supervisor *s, int i, enum applied_room_state state, struct slice text)
{
	if ((s->reload.pending & 1u << i) == 0)
		return;
	s->reload.pending &= ~(1u << i);
	note(s, i, state, text);
	if (s->reload.pending == 0)
		finish_reload(s);
}

static int on_reload_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *ctx)
{
	(void)source;
	(void)si;
	want_reload(ctx, false);
	return 0;
}

/* --- what the children say
 * ------------------------------------------------------------------------ */

static json_t *describe(const struct supervisor *s)
{
	json_t *processes = json_array();
	for (int i = 0; i < CHILDREN_N; i++) {
		const struct child *c = s->children[i];
		if (c == NULL)
			continue;
		json_t *one = json_pack("{s:s, s:s, s:i, s:i}", "name", child_name(c), "state",
			child_state_name(child_state(c)), "pid", (int)child_pid(c), "restarts",
			child_restarts(c));
		if (s->why[i][0] != '\0')
			(void)json_object_set_new(one, "store", json_string(s->why[i]));
		if (processes == NULL || json_array_append_new(processes, one) != 0)
			break;
	}
	return json_pack("{s:b, s:i, s:I, s:s, s:o}", "ok", 1, "pid", (int)getpid(), "uptime_ms",
		(json_int_t)(clock_mono_ms() - s->started_ms), "problem", s->problem, "processes",
		processes);
}

static void take_ask(struct supervisor *s, const struct link_msg *msg)
{
	if (slice_equal(msg->text, slice_of("reload")))
		want_reload(s, true);
	else if (slice_equal(msg->text, slice_of("status")))
		answer_ask(s, describe(s));
	else
		answer_ask(
			s, json_pack("{s:b, s:s}", "ok", 0, "error", "there is no such question"));
}

/* Tells systemd once that everything does its work. A runner that waits for a database that is away
 * does what it can: who starts us shall not give up on it. */
static void announce(struct supervisor *s)
{
	for (int i = 0; i < CHILDREN_N; i++)
		if (s->children[i] != NULL && child_state(s->children[i]) != CHILD_READY &&
			!(i == RUNNER && s->waits))
			return;
	if (s->announced)
		return;
	s->announced = true;
	log_info(NULL, s->waits ? "started; the runner waits for the store" : "ready");
	(void)sd_notify(0, "READY=1");
}

static int index_of(const struct supervisor *s, const struct child *c)
{
	int i = 0;
	while (i < CHILDREN_N - 1 && s->children[i] != c)
		i++;
	return i;
}

/* Of its store: "waits" and "away" say why, "ready" and an empty one that all is well. A runner
 * that ends for it says so as its last word. */
static void take_why(struct supervisor *s, int i, const struct link_msg *msg)
{
	bool says = strcmp(msg->kind, "waits") == 0 || strcmp(msg->kind, "away") == 0;
	bool last = i == RUNNER && strcmp(msg->kind, "failed") == 0 && !s->reload.running;
	if (says || last)
		snprintf(s->why[i], sizeof(s->why[i]), "%.*s", (int)msg->text.n, msg->text.p);
	else if (i == RUNNER && strcmp(msg->kind, "ready") == 0)
		s->why[i][0] = '\0';
}

static void on_said(void *ctx, struct child *c, const struct link_msg *msg)
{
	struct supervisor *s = ctx;
	int i = index_of(s, c);
	take_why(s, i, msg);
	if (strcmp(msg->kind, "ready") == 0 || (strcmp(msg->kind, "waits") == 0 && i == RUNNER)) {
		if (i == RUNNER)
			s->waits = msg->kind[0] == 'w';
		announce(s);
	} else if (strcmp(msg->kind, "reloaded") == 0)
		take_reload(s, i, APPLIED_WHOLE, msg->text);
	else if (strcmp(msg->kind, "failed") == 0)
		take_reload(s, i, APPLIED_NOT_ALL, msg->text);
	else if (strcmp(msg->kind, "ask") == 0 && i == CONSOLE)
		take_ask(s, msg);
	else if (strcmp(msg->kind, "order") == 0 && i == CONSOLE)
		relay_order(&s->relay, s->children[CONSOLE], s->children[RUNNER], msg->text);
	else if (strcmp(msg->kind, "ordered") == 0 && i == RUNNER)
		relay_answer(&s->relay, s->children[CONSOLE], msg->text);
	else if (strcmp(msg->kind, "away") == 0 && i == RECEIVER)
		return;
	else if (strcmp(msg->kind, "problem") == 0 && i == RUNNER)
		snprintf(s->problem, sizeof(s->problem), "%.*s", (int)msg->text.n, msg->text.p);
	else
		log_warn(NULL, "the %s said something unknown", child_name(c));
}

static void on_ended(void *ctx, struct child *c, int status, bool was_ready)
{
	struct supervisor *s = ctx;
	int i = index_of(s, c);
	take_reload(s, i, APPLIED_UNKNOWN, slice_of("it died meanwhile"));
	if (i == CONSOLE) {
		s->reload.asked = false;
		relay_forget(&s->relay);
	}
	if (i == RECEIVER)
		s->why[i][0] = '\0';
	if (i == RUNNER) {
		s->waits = false;
		s->problem[0] = '\0';
		relay_lost(&s->relay, s->children[CONSOLE]);
	}
	if (s->stopping) {
		stop_next(s);
		return;
	}
	if (was_ready || (status != CHILD_STATUS_BUSY && status != CHILD_STATUS_CONFIG))
		return;
	log_error(NULL, "the %s cannot start (its reason is above); giving up", child_name(c));
	stop(s, status);
}

/* --- children that give no sign of life
 * --------------------------------------------------------- */

/* One that is stopped, or hangs, may come back at any time. So it is killed first, and its
 * successor starts when it is gone, with whatever it held: what it had not finished goes on from
 * the journal. */
static int on_second(sd_event_source *source, uint64_t usec, void *ctx)
{
	struct supervisor *s = ctx;
	uint64_t now = usec;
	int64_t lease_s = (conf_int(s->conf, "limits.lease") + 999) / 1000;
	for (int i = 0; i < CHILDREN_N && !s->stopping; i++) {
		if (s->children[i] == NULL || child_tick(s->children[i]) <= lease_s)
			continue;
		log_error(NULL, "the %s has given no sign of life for %" PRId64 " s; it is killed",
			kinds[i].name, lease_s);
		child_replace(s->children[i]);
	}
	(void)sd_event_now(s->loop, CLOCK_MONOTONIC, &now); /* not those that were slept through */
	(void)sd_event_source_set_time(source, now + 1000000);
	return 0;
}

static int watch_children(struct supervisor *s)
{
	uint64_t now = 0;
	(void)sd_event_now(s->loop, CLOCK_MONOTONIC, &now);
	int n = sd_event_add_time(
		s->loop, &s->second, CLOCK_MONOTONIC, now + 1000000, 100000, on_second, s);
	return n < 0 ? n : sd_event_source_set_enabled(s->second, SD_EVENT_ON);
}

/* --- the run
 * --------------------------------------------------------------------------------------- */

static enum rc set_up_child(struct supervisor *s, int i, struct err *err)
{
	const struct supervise_conf *sc = s->sc;
	struct child_owner *o = &s->owners[i];
	*o = (struct child_owner){.loop = s->loop,
		.conf = &s->conf_view,
		.stopping = &s->stopping,
		.said = on_said,
		.ended = on_ended,
		.ctx = s};
	for (int fd = 0; fd < LINK_FD_END; fd++)
		o->fds[fd] = -1;
	o->fds[LINK_METRICS] = sc->metrics;
	o->fds[LINK_WAKE] = i != CONSOLE ? s->wake : -1;
	o->fds[LINK_LISTEN] = i == RECEIVER ? sc->hooks : i == CONSOLE ? sc->console : -1;
	o->fds[LINK_CONTROL] = i == CONSOLE ? sc->control : -1;
	return child_new(&kinds[i], o, &s->children[i], err);
}

/* Seen before the ends of children that got the same signal. */
static int add_stop_signal(struct supervisor *s, int signo)
{
	sd_event_source *source = NULL;
	int n = sd_event_add_signal(s->loop, &source, signo, on_stop_signal, s);
	if (n >= 0)
		n = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
	if (n >= 0)
		n = sd_event_source_set_floating(source, true);
	sd_event_source_unref(source);
	return n;
}

static enum rc set_up_signals(struct supervisor *s, struct err *err)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
		add_stop_signal(s, SIGTERM) < 0 || add_stop_signal(s, SIGINT) < 0 ||
		sd_event_add_signal(s->loop, NULL, SIGHUP, on_reload_signal, s) < 0)
		return err_set(err, RC_IO, "cannot watch for signals");
	return RC_OK;
}

static enum rc set_up(struct supervisor *s, struct err *err)
{
	const bool wanted[CHILDREN_N] = {s->sc->receiver, s->sc->runner, true};
	if (sd_event_new(&s->loop) < 0)
		return err_set(err, RC_NOMEM, "cannot make an event loop");
	(void)sd_event_set_watchdog(s->loop, 1);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake < 0)
		return err_set(err, RC_IO, "cannot make an eventfd");
	if (watch_children(s) < 0)
		return err_set(err, RC_NOMEM, "cannot make a timer");
	enum rc rc = set_up_signals(s, err);
	for (int i = 0; i < CHILDREN_N && rc == RC_OK; i++)
		if (wanted[i])
			rc = set_up_child(s, i, err);
	return rc;
}

int supervise_run(const struct supervise_conf *sc)
{
	struct supervisor s = {.sc = sc,
		.conf = sc->conf,
		.first = sc->conf,
		.conf_view = sc->conf,
		.wake = -1,
		.started_ms = clock_mono_ms()};
	struct err err = {.msg = ""};
	int status = 1;
	if (set_up(&s, &err) == RC_OK) {
		for (int i = 0; i < CHILDREN_N; i++)
			if (s.children[i] != NULL)
				child_start(s.children[i]);
		conf_scrub();
		status = sd_event_loop(s.loop);
	} else {
		log_error(NULL, "%s", err.msg);
	}
	for (int i = 0; i < CHILDREN_N; i++)
		child_free(s.children[i]);
	sd_event_source_disable_unref(s.deadline);
	sd_event_source_disable_unref(s.second);
	sd_event_source_disable_unref(s.reload.timer);
	sd_event_unref(s.loop);
	if (s.wake >= 0)
		close(s.wake);
	if (s.conf != s.first)
		conf_free(s.conf);
	conf_free(s.first);
	return status < 0 ? 1 : status;
}
