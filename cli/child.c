/* SPDX-License-Identifier: MIT */
/*
 * One child process: fork, exec of this program as `moonhook room NAME` with the descriptors of
 * base/link.h, its part of the configuration as the first message, and a rest that grows with every
 * death in a row.
 * From: supervise.c. To: cli/room.c in the child. A failed start is a death like any other.
 * Invariants: a child has no environment but the few names below, no descriptor but its own, and
 * dies with the supervisor.
 */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define REST_FIRST_MS 100
/* Deliveries wait in the socket meanwhile, and Twenty waits for an answer for five seconds. */
#define REST_MAX_MS 2000
/* A life that was so many times longer than the rest before the next one would be forgives the
 * deaths before it: who works most of the time is worth a quick start. */
#define LIFE_PER_REST 5
#define PREFIXES_MAX 80
#define CONF_NAME_N 192 /* bytes of one prefix */

struct child {
	const struct child_kind *kind;
	const struct child_owner *owner;
	enum child_state state;
	pid_t pid;
	int link;   /* our end; -1: none */
	int deaths; /* in a row */
	int restarts;
	bool was_ready;   /* ever */
	int64_t ready_ms; /* mono; 0: not in this life */
	bool beats;       /* has said that it is alive, in this life */
	int silent_s;
	struct buf in; /* one message */
	sd_event_source *link_source, *pid_source, *timer;
};

const char *child_state_name(enum child_state state)
{
	switch (state) {
	case CHILD_OFF:
		return "off";
	case CHILD_STARTING:
		return "starting";
	case CHILD_READY:
		return "ready";
	case CHILD_RESTING:
		return "resting";
	case CHILD_STOPPING:
		return "stopping";
	}
	return "unknown";
}

int64_t child_rest_ms(int n)
{
	int64_t ms = REST_FIRST_MS;
	while (--n > 0 && ms < REST_MAX_MS)
		ms *= 2;
	return ms < REST_MAX_MS ? ms : REST_MAX_MS;
}

int child_deaths(int before, int64_t life_ms)
{
	return before > 0 && life_ms < LIFE_PER_REST * child_rest_ms(before) ? before + 1 : 1;
}

static void set_state(struct child *c, enum child_state state)
{
	c->state = state;
	metrics_set(c->kind->ready, state == CHILD_READY);
}

enum rc child_new(const struct child_kind *kind, const struct child_owner *owner,
	struct child **ret_child, struct err *err)
{
	struct child *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory for a child");
	c->kind = kind;
	c->owner = owner;
	c->link = -1;
	buf_init(&c->in, LINK_MAX + 1);
	*ret_child = c;
	return RC_OK;
}

static void drop_process(struct child *c)
{
	c->link_source = sd_event_source_disable_unref(c->link_source);
	c->pid_source = sd_event_source_disable_unref(c->pid_source);
	if (c->link >= 0)
		close(c->link);
	c->link = -1;
	c->pid = 0;
}

void child_free(struct child *c)
{
	if (c == NULL)
		return;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
	}
	drop_process(c);
	sd_event_source_disable_unref(c->timer);
	buf_done(&c->in);
	free(c);
}

/* --- in the child, between fork and exec --------------------------------------------------------
 */

/* The environment that a child may see: what libraries need to find their data. */
static char **child_environment(void)
{
	static const char *const names[] = {"PATH", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "NO_COLOR", "ASAN_OPTIONS", "UBSAN_OPTIONS",
		"LSAN_OPTIONS", "TSAN_OPTIONS",
		/* libpq's: where things are, never what is secret */
		"HOME", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGSSLMODE",
		"PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL", "PGHOST", "PGPORT", "PGUSER",
		"PGDATABASE", "PGREQUIREPEER", "PGCHANNELBINDING", "PGTARGETSESSIONATTRS"};
	static char *out[ARRAY_N(names) + 1];
	size_t n = 0;
	for (char **e = environ; e != NULL && *e != NULL; e++) {
		for (size_t i = 0; i < ARRAY_N(names); i++) {
			size_t len = strlen(names[i]);
			if (strncmp(*e, names[i], len) == 0 && (*e)[len] == '=' &&
				n < ARRAY_N(names))
				out[n++] = *e;
		}
	}
	out[n] = NULL;
	return out;
}

/* Puts every descriptor at its number and closes all others. */
static bool place_descriptors(const int fds[static LINK_FD_END])
{
	int high[LINK_FD_END];
	for (int i = LINK_FD; i < LINK_FD_END; i++) {
		high[i] = fds[i] >= 0 ? fcntl(fds[i], F_DUPFD_CLOEXEC, 64) : -1;
		if (fds[i] >= 0 && high[i] < 0)
			return false;
	}
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return false;
	for (int i = LINK_FD; i < LINK_FD_END; i++) {
		if (high[i] < 0)
			(void)close(i);
		else if (dup2(high[i], i) < 0)
			return false;
	}
	return close_range(LINK_FD_END, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

/* Signals as a fresh process has them, save those that a terminal sends to everybody in front of
 * it: only the supervisor acts on them. */
static void reset_signals(void)
{
	sigset_t none;
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static noreturn_ void become(const struct child *c, const int fds[static LINK_FD_END], pid_t parent)
{
	char program[] = "moonhook", room[] = "room", name[32];
	char *argv[] = {program, room, name, NULL};
	snprintf(name, sizeof(name), "%s", c->kind->name);
	reset_signals();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && place_descriptors(fds))
		execve("/proc/self/exe", argv, child_environment());
	_exit(127);
}

/* --- life
 * ------------------------------------------------------------------------------------------ */

/* The prefixes of its part; "source.*.scheme" is spelt out for each source. */
static enum rc export_part(const struct child *c, struct buf *out, struct err *err)
{
	const struct conf *conf = *c->owner->conf;
	char spelt[PREFIXES_MAX][CONF_NAME_N];
	const char *prefixes[PREFIXES_MAX];
	size_t n = 0, spelt_n = 0;
	for (const char *const *p = c->kind->prefixes; *p != NULL && n < PREFIXES_MAX; p++) {
		const char *star = strchr(*p, '*'), *name;
		if (star == NULL)
			prefixes[n++] = *p;
		for (size_t i = 0; star != NULL && n < PREFIXES_MAX &&
				   (name = conf_name(conf, "source", i)) != NULL;
			i++) {
			snprintf(spelt[spelt_n], CONF_NAME_N, "%.*s%s%s", (int)(star - *p), *p,
				name, star + 1);
			prefixes[n++] = spelt[spelt_n++];
		}
	}
	return conf_export(conf, prefixes, n, out, err);
}

static bool send_conf(struct child *c, const char *kind, struct err *err)
{
	struct buf part;
	buf_init(&part, LINK_MAX - 64);
	bool ok = export_part(c, &part, err) == RC_OK &&
		  link_send(c->link, kind, buf_slice(&part), err) == RC_OK;
	if (part.p != NULL)
		explicit_bzero(part.p, part.cap);
	buf_done(&part);
	return ok;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	(void)source;
	(void)usec;
	child_start(ctx);
	return 0;
}

static void rest(struct child *c)
{
	int64_t ms = child_rest_ms(c->deaths);
	uint64_t now = 0;
	set_state(c, CHILD_RESTING);
	c->timer = sd_event_source_disable_unref(c->timer);
	(void)sd_event_now(c->owner->loop, CLOCK_MONOTONIC, &now);
	if (sd_event_add_time(c->owner->loop, &c->timer, CLOCK_MONOTONIC, now + (uint64_t)ms * 1000,
		    10000, on_timer, c) < 0)
		log_error(NULL, "cannot set a timer; the %s stays down", c->kind->name);
}

/* One that ended with 0 was told to by somebody else than us, such as a shell that ends a whole
 * process group: that is no failure. */
static bool told(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED && si->si_status == 0;
}

static void say_death(const struct child *c, const siginfo_t *si)
{
	char how[64], next[64] = "everything stops";
	if (!*c->owner->stopping)
		snprintf(next, sizeof(next), "it starts again in %d ms",
			(int)child_rest_ms(c->deaths));
	if (si->si_code == CLD_EXITED)
		snprintf(how, sizeof(how), "ended with status %d", si->si_status);
	else
		snprintf(how, sizeof(how), "died of signal %d (%s)", si->si_status,
			strsignal(si->si_status));
	if (!told(si))
		log_error(NULL, "the %s %s; %s", c->kind->name, how, next);
	else if (!*c->owner->stopping)
		log_warn(NULL, "the %s was told to end; %s", c->kind->name, next);
}

static int on_exit_of(sd_event_source *source, const siginfo_t *si, void *ctx)
{
	(void)source;
	struct child *c = ctx;
	bool wanted = c->state == CHILD_STOPPING, ready = c->was_ready;
	int status = si->si_code == CLD_EXITED ? si->si_status : 128 + si->si_status;
	int64_t life_ms = c->ready_ms != 0 ? clock_mono_ms() - c->ready_ms : 0;
	drop_process(c);
	bool hopeless = !ready && (status == CHILD_STATUS_CONFIG || status == CHILD_STATUS_BUSY);
	if (wanted || hopeless) {
		set_state(c, CHILD_OFF);
	} else {
		c->deaths = child_deaths(told(si) ? 0 : c->deaths, life_ms);
		say_death(c, si);
		if (*c->owner->stopping)
			set_state(c, CHILD_OFF);
		else
			rest(c);
	}
	c->owner->ended(c->owner->ctx, c, status, ready);
	return 0;
}

static int on_link(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	(void)events;
	struct child *c = ctx;
	struct link_msg msg;
	struct err err;
	enum rc rc = link_receive(fd, &c->in, &msg, &err);
	if (rc == RC_BUSY)
		return 0;
	if (rc != RC_OK) { /* its end is told by its pid */
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	if (strcmp(msg.kind, "alive") == 0) {
		c->beats = true;
		c->silent_s = 0;
		return 0;
	}
	if (strcmp(msg.kind, "ready") == 0 && c->state == CHILD_STARTING) {
		c->was_ready = true;
		c->ready_ms = clock_mono_ms();
		set_state(c, CHILD_READY);
		log_info(NULL, "the %s is ready", c->kind->name);
	}
	c->owner->said(c->owner->ctx, c, &msg);
	return 0;
}

/* Forks; pair[1] becomes the child's end and is closed here. */
static bool spawn(struct child *c, int pair[static 2], struct err *err)
{
	int fds[LINK_FD_END];
	memcpy(fds, c->owner->fds, sizeof(fds));
	fds[LINK_FD] = pair[1];
	pid_t parent = getpid();
	c->pid = fork();
	if (c->pid == 0)
		become(c, fds, parent);
	close(pair[1]);
	c->link = pair[0];
	if (c->pid < 0) {
		c->pid = 0;
		err_set_errno(err, RC_IO, errno, "cannot fork");
		return false;
	}
	(void)fcntl(c->link, F_SETFL, O_NONBLOCK);
	return sd_event_add_child(c->owner->loop, &c->pid_source, c->pid, WEXITED, on_exit_of, c) >=
		       0 &&
	       sd_event_add_io(c->owner->loop, &c->link_source, c->link, EPOLLIN, on_link, c) >= 0;
}

void child_start(struct child *c)
{
	int pair[2];
	struct err err = {.msg = "it cannot be watched"};
	c->timer = sd_event_source_disable_unref(c->timer);
	c->ready_ms = 0;
	c->beats = false;
	c->silent_s = 0;
	if (c->deaths != 0) {
		c->restarts++;
		metrics_add(c->kind->restarts, 1);
	}
	set_state(c, CHILD_STARTING);
	if (link_open(pair, &err) == RC_OK && spawn(c, pair, &err)) {
		if (!send_conf(c, "conf", &err))
			log_error(NULL, "the %s got no configuration: %s", c->kind->name, err.msg);
		return; /* without one it ends by itself */
	}
	log_error(NULL, "cannot start the %s: %s", c->kind->name, err.msg);
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
	}
	drop_process(c);
	c->deaths++;
	rest(c);
}

void child_stop(struct child *c)
{
	c->timer = sd_event_source_disable_unref(c->timer);
	if (c->pid == 0) {
		set_state(c, CHILD_OFF);
		return;
	}
	set_state(c, CHILD_STOPPING);
	if (link_send(c->link, "drain", (struct slice){NULL, 0}, NULL) != RC_OK)
		kill(c->pid, SIGTERM);
}

void child_kill(struct child *c)
{
	if (c->pid == 0)
		return;
	set_state(c, CHILD_STOPPING);
	kill(c->pid, SIGKILL);
}

void child_replace(struct child *c)
{
	c->silent_s = 0; /* one that cannot die at once is not killed every second */
	if (c->pid != 0)
		kill(c->pid, SIGKILL);
}

int child_tick(struct child *c)
{
	if (c->state != CHILD_READY || !c->beats)
		return 0;
	return ++c->silent_s;
}

bool child_reload(struct child *c)
{
	struct err err = {.msg = "it is not running"};
	/* One that is starting has the old part already, and reads this one next. */
	bool runs = c->state == CHILD_READY || c->state == CHILD_STARTING;
	if (runs && send_conf(c, "reload", &err))
		return true;
	log_warn(NULL, "the %s was not told of the new configuration: %s", c->kind->name, err.msg);
	return false;
}

bool child_send(struct child *c, const char *kind, const char *text)
{
	return c->link >= 0 && link_send(c->link, kind, slice_of(text), NULL) == RC_OK;
}

const char *child_name(const struct child *c)
{
	return c->kind->name;
}

enum child_state child_state(const struct child *c)
{
	return c->state;
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}

int child_restarts(const struct child *c)
{
	return c->restarts;
}
