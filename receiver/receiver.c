/* SPDX-License-Identifier: MIT */
/*
 * The receiver's main thread: from the first message on the link to the exit status.
 * From: the supervisor, which holds the link and the listening socket. To: listen.c (server's
 * thread) and commit.c (writer's and checkpointer's threads), which it starts, ticks and stops.
 *
 * Fails with a sentence on the log and, as long as it is not ready, on the link: 78 for what the
 * configuration says wrong, 75 for a store that is in use, 1 for the rest. A store that fails while
 * it runs ends it with 1 after everybody has been answered. It touches no delivery itself.
 */
#include "receiver/receiver.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"
#include "base/metrics.h"
#include "receiver/commit.h"
#include "receiver/listen.h"
#include "receiver/source.h"

#define TICK_MS 100
#define DRAIN_BOUND_MS 4000 /* whoever is slower has given up: Twenty waits for five seconds */
#define DRAIN_ANSWER_MS 500
#define DRAIN_TICK_MS 5
#define PRUNE_EVERY_MS 60000
#define FILES_RESERVED 64 /* for the store, the log and libraries */

enum { EXIT_FAILED = 1, EXIT_BUSY = 75, EXIT_CONF = 78 };

static const struct conf_option options[] = {
	{"listen", CONF_TEXT, "127.0.0.1:8700", 0, 0, NULL, "address and port for deliveries"},
	{"limits.body", CONF_BYTES, "4MB", 1024, 1 << 30, NULL, "largest body of one delivery"},
	{"limits.bodies", CONF_BYTES, "256MB", 1 << 20, INT64_C(1) << 40, NULL,
		"all bodies in memory at once; more are answered with 503"},
	{"limits.connections", CONF_INT, "1024", 1, 100000, NULL,
		"open connections; beyond, the slowest makes room"},
	{"limits.connections_per_address", CONF_INT, "512", 1, 100000, NULL,
		"the same for one address (IPv6: one /64)"},
	{"limits.headers_time", CONF_DURATION, "10s", 100, 3600000, NULL,
		"until the headers must be complete; also how long an idle connection is kept"},
	{"limits.body_time", CONF_DURATION, "30s", 100, 3600000, NULL,
		"from the headers until the body must be complete"},
	{"spool.folder", CONF_TEXT, "spool", 0, 0, NULL,
		"of a store in a database: folder that keeps deliveries while it is away"},
	{"spool.max", CONF_BYTES, "1GB", 0, INT64_C(1) << 50, NULL,
		"what may wait there; past it deliveries are refused with 503; 0: nothing is kept"},
	{"source.*.scheme", CONF_CHOICE, "twenty", 0, 0, SCHEME_NAMES,
		"how its deliveries are signed"},
	{"source.*.secrets", CONF_SECRETS, NULL, 0, 0, NULL,
		"secrets it may sign with; two while one is replaced by the other"},
	{"source.*.window", CONF_DURATION, "5m", 1000, INT64_C(86400000) * 365, NULL,
		"how far its timestamp may lie in the past or in the future"},
	{"source.*.header", CONF_TEXT, NULL, 0, 0, NULL,
		"hmac: the header of the signature; token: of the secret, else Authorization"},
	{"source.*.prefix", CONF_TEXT, NULL, 0, 0, NULL,
		"hmac, token: what stands before it in the header, such as \"sha256=\""},
	{"source.*.encoding", CONF_CHOICE, NULL, 0, 0, "hex base64",
		"hmac: how the signature is written; else hex, in lower case"},
	{"source.*.algorithm", CONF_CHOICE, NULL, 0, 0, "sha256 sha1 sha512",
		"hmac: of the signature; else sha256"},
	{"source.*.signed", CONF_TEXT, NULL, 0, 0, NULL,
		"hmac: what is signed, of {timestamp}, {id}, {body} and text between; else {body}"},
	{"source.*.timestamp", CONF_TEXT, NULL, 0, 0, NULL,
		"hmac: the header of the time in seconds or milliseconds since 1970, see window"},
	{"source.*.id", CONF_TEXT, NULL, 0, 0, NULL,
		"hmac, token: the header of the delivery's id, by which a repeat is known"},
};

const struct conf_table receiver_conf_table = {"receiver", options, ARRAY_N(options)};

struct receiver {
	struct conf *conf, *first; /* that counts now; of the start, which the writer refers to */
	struct listen *listen;
	struct commit *commit;
	int fail_fd, signal_fd;
	struct buf buf; /* of the link */
};

/* `only` may leave the receiver out; where it is not set everything runs. */
static bool will_run(const struct conf *conf)
{
	const char *word = conf_item(conf, "only", 1);
	for (size_t i = 1; word != NULL && strcmp(word, "receiver") != 0; i++)
		word = conf_item(conf, "only", i + 1);
	return word != NULL || conf_item(conf, "only", 1) == NULL;
}

enum rc receiver_conf_check(const struct conf *conf, struct err *err)
{
	struct source_set *set = NULL;
	enum rc rc = source_set_new(conf, &set, err);
	if (rc == RC_OK)
		source_set_free(set);
	if (rc == RC_OK && conf_name(conf, "source", 0) == NULL && will_run(conf))
		rc = err_set(err, RC_INVALID,
			"there is no source, so every delivery would be answered with 404; write "
			"source \"twenty\" { secrets = { env \"TWENTY_WEBHOOK_SECRET\" } }");
	return rc;
}

/* --- start ------------------------------------------------------------------------------------ */

static void start_log(const struct conf *conf)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	const char *format = conf_text(conf, "log.format"), *level = conf_text(conf, "log.level");
	enum log_level least = LOG_INFO;
	for (size_t i = 0; level != NULL && i < ARRAY_N(levels); i++)
		if (strcmp(level, levels[i]) == 0)
			least = (enum log_level)i;
	enum log_format form = LOG_AUTO;
	if (format != NULL && strcmp(format, "json") == 0)
		form = LOG_JSON;
	else if (format != NULL && strcmp(format, "text") == 0)
		form = LOG_TEXT;
	log_start("receiver", form, least);
}

/* The first message; RC_CLOSED when the supervisor is gone before it. */
static enum rc receive_conf(struct receiver *r, struct err *err)
{
	struct link_msg msg;
	enum rc rc = link_receive(LINK_FD, &r->buf, &msg, err);
	if (rc != RC_OK)
		return rc;
	if (strcmp(msg.kind, "conf") != 0)
		return err_set(err, RC_PARSE, "the first message must be the configuration");
	rc = conf_import(msg.text, &r->conf, err);
	r->first = r->conf;
	if (rc == RC_OK)
		start_log(r->conf);
	return rc;
}

/* SIGTERM becomes readable; SIGINT and SIGHUP of the terminal are the supervisor's business. */
static enum rc take_signals(struct receiver *r, struct err *err)
{
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (pthread_sigmask(SIG_BLOCK, &term, NULL) != 0)
		return err_set(err, RC_IO, "cannot block signals");
	r->signal_fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	r->fail_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->signal_fd < 0 || r->fail_fd < 0)
		return err_set(err, RC_IO, "cannot open an event descriptor");
	return RC_OK;
}

/* As many connections as wished, but never so many that the store could not open a file. */
static size_t connections_allowed(size_t wished)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return wished;
	rlim_t need = wished + 2 * FILES_RESERVED;
	if (files.rlim_cur < need) {
		files.rlim_cur = files.rlim_max < need ? files.rlim_max : need;
		(void)setrlimit(RLIMIT_NOFILE, &files);
		(void)getrlimit(RLIMIT_NOFILE, &files);
	}
	if (files.rlim_cur >= need)
		return wished;
	size_t allowed = files.rlim_cur > 3 * FILES_RESERVED
				 ? (size_t)files.rlim_cur - 2 * FILES_RESERVED
				 : FILES_RESERVED;
	log_warn(NULL,
		"limits.connections is %zu but only %zu fit under the limit of open files (ulimit "
		"-n)",
		wished, allowed);
	return allowed;
}

static enum rc make_listen(struct receiver *r, struct err *err)
{
	struct listen_conf c = {
		.fd = LINK_LISTEN,
		.body_max = (size_t)conf_int(r->conf, "limits.body"),
		.bodies_max = (size_t)conf_int(r->conf, "limits.bodies"),
		.connections = connections_allowed((size_t)conf_int(r->conf, "limits.connections")),
		.per_address = (size_t)conf_int(r->conf, "limits.connections_per_address"),
		.headers_ms = conf_int(r->conf, "limits.headers_time"),
		.body_ms = conf_int(r->conf, "limits.body_time"),
	};
	enum rc rc = source_set_new(r->conf, &c.sources, err);
	if (rc != RC_OK)
		return rc;
	return listen_new(&c, &r->listen, err);
}

static struct queue_retention retention_of(const struct conf *conf)
{
	return (struct queue_retention){.events_ms = conf_int(conf, "retain.events"),
		.runs_ms = conf_int(conf, "retain.runs"),
		.size_bytes = conf_int(conf, "retain.size")};
}

static void say(const char *kind, const char *text)
{
	struct err err;
	if (link_send(LINK_FD, kind, slice_of(text), &err) != RC_OK)
		log_warn(NULL, "the supervisor could not be told \"%s\": %s", kind, err.msg);
}

static void say_away(const char *why)
{
	say("away", why);
}

static enum rc start(struct receiver *r, struct err *err)
{
	enum rc rc = metrics_open(LINK_METRICS, err);
	if (rc == RC_OK)
		rc = take_signals(r, err);
	if (rc == RC_OK)
		rc = make_listen(r, err);
	if (rc != RC_OK)
		return rc;
	struct commit_conf c = {
		.spool = conf_text(r->conf, "spool.folder"),
		.spool_max_bytes = conf_int(r->conf, "spool.max"),
		.keep = retention_of(r->conf),
		.prune_every_ms = PRUNE_EVERY_MS,
		.wake_fd = LINK_WAKE,
		.fail_fd = r->fail_fd,
		.said = say_away,
		.answer = listen_answer,
	};
	queue_place_of(r->first, &c.place);
	rc = commit_start(&c, &r->commit, err);
	if (rc == RC_OK)
		rc = listen_start(r->listen, r->commit, err);
	return rc;
}

static int exit_status(enum rc rc)
{
	switch (rc) {
	case RC_OK:
		return 0;
	case RC_BUSY:
		return EXIT_BUSY;
	case RC_INVALID:
	case RC_UNSUPPORTED:
	case RC_DENIED:
	case RC_NOT_FOUND:
		return EXIT_CONF;
	default:
		return EXIT_FAILED;
	}
}

/* --- work ------------------------------------------------------------------------------------- */

/* Secrets, schemes, windows and retention change at once, limits at the next start. */
static void reload(struct receiver *r, struct slice text)
{
	struct err err;
	struct conf *conf = NULL;
	struct source_set *set = NULL;
	char live[64];
	enum rc rc = conf_import(text, &conf, &err);
	if (rc == RC_OK)
		rc = source_set_new(conf, &set, &err);
	if (rc != RC_OK) {
		conf_free(conf);
		log_error(NULL, "%s; what was live before stays", err.msg);
		say("failed", err.msg);
		return;
	}
	size_t n = source_set_n(set);
	snprintf(live, sizeof(live), "%zu source%s", n, n == 1 ? "" : "s");
	listen_reload(r->listen, set);
	struct queue_retention keep = retention_of(conf);
	commit_keep(r->commit, &keep);
	if (r->conf != r->first)
		conf_free(r->conf);
	r->conf = conf;
	log_info(NULL, "configuration reloaded: %s", live);
	say("reloaded", live);
}

/* False when it is time to drain. */
static bool obey(struct receiver *r)
{
	struct err err;
	struct link_msg msg;
	enum rc rc = link_receive(LINK_FD, &r->buf, &msg, &err);
	if (rc == RC_PARSE || rc == RC_BUSY)
		return true;
	if (rc != RC_OK || strcmp(msg.kind, "drain") == 0)
		return false;
	if (strcmp(msg.kind, "reload") == 0)
		reload(r, msg.text);
	return true;
}

/* RC_OK: asked to drain. RC_IO: the store has failed. */
static enum rc work(struct receiver *r)
{
	struct pollfd p[] = {
		{LINK_FD, POLLIN, 0}, {r->signal_fd, POLLIN, 0}, {r->fail_fd, POLLIN, 0}};
	for (;;) {
		int n = poll(p, ARRAY_N(p), TICK_MS);
		listen_tick(r->listen);
		if (n <= 0)
			continue;
		if (p[2].revents != 0)
			return RC_IO;
		if (p[1].revents != 0 || (p[0].revents != 0 && !obey(r)))
			return RC_OK;
	}
}

/* Ticks until no connection is open or until_ms (mono) has passed. */
static void await_quiet(struct receiver *r, int64_t until_ms)
{
	while (listen_n(r->listen) != 0 && clock_mono_ms() < until_ms) {
		listen_tick(r->listen);
		poll(NULL, 0, DRAIN_TICK_MS);
	}
}

/* Accepts no more, finishes and answers what is on its way, in bounded time. */
static void drain(struct receiver *r)
{
	int64_t now_ms = clock_mono_ms();
	metrics_set(METRIC_READY_RECEIVER, 0);
	listen_drain(r->listen, DRAIN_BOUND_MS);
	await_quiet(r, now_ms + DRAIN_BOUND_MS);
	commit_drain(r->commit);
	await_quiet(r, clock_mono_ms() + DRAIN_ANSWER_MS);
}

static enum rc serve(struct receiver *r, struct err *err)
{
	enum rc rc = receive_conf(r, err);
	if (rc == RC_OK)
		rc = start(r, err);
	if (rc != RC_OK) {
		log_error(&(struct log_fields){.cause = rc_name(rc)}, "%s", err->msg);
		say("failed", err->msg);
		return rc;
	}
	metrics_set(METRIC_STORE_FAILING, 0);
	metrics_set(METRIC_READY_RECEIVER, 1);
	const char *address = conf_text(r->conf, "listen");
	log_info(NULL, "receives deliveries at %s/hooks/<source>", address != NULL ? address : "");
	say("ready", "");
	rc = work(r);
	drain(r);
	log_info(NULL, "drained");
	return rc;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int receiver_main(void)
{
	struct err err = {.code = RC_OK};
	struct receiver r = {.fail_fd = -1, .signal_fd = -1};
	buf_init(&r.buf, LINK_MAX);
	log_start("receiver", LOG_AUTO, LOG_INFO);
	enum rc rc = serve(&r, &err);
	/* The server first: its connections refer to the writer. The writer has nothing left. */
	listen_stop(r.listen);
	commit_stop(r.commit);
	if (r.conf != r.first)
		conf_free(r.conf);
	conf_free(r.first);
	buf_done(&r.buf);
	close_fd(r.signal_fd);
	close_fd(r.fail_fd);
	return exit_status(rc);
}
