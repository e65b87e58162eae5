/* SPDX-License-Identifier: MIT */
/*
 * The verb `serve`: everything that must hold before the first child starts. Reads the
 * configuration, makes the store's folder, the listening sockets, the page of metrics, then hands
 * over to supervise.c.
 * From: a shell or systemd. Fails before anything runs, with a sentence that says what to do:
 * 78 for what a person must change, 75 for what may be over in a moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/version.h"
#include "cli/args.h"
#include "cli/listen.h"
#include "cli/runtime.h"
#include "cli/settings.h"
#include "cli/supervise.h"
#include "queue/place.h"
#include "queue/server.h"
#include "queue/spool_store.h"

struct serve {
	const struct args *args;
	struct conf *conf; /* until the supervisor takes it */
	int hooks, console, control, metrics;
	char control_path[RUNTIME_PATH_N];
	bool receiver, runner;
};

/* No core file ever holds a secret: none is written, and one that is taken all the same has no
 * memory in it. Children inherit both. */
static void forbid_cores(void)
{
	struct rlimit none = {0, 0};
	(void)setrlimit(RLIMIT_CORE, &none);
	int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "0", 1) != 1)
			log_debug(NULL, "the core dump filter cannot be set");
		close(fd);
	}
}

static void raise_descriptors(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur == l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

/* --- the store ----------------------------------------------------------------------------------
 */

/* The name of a new folder reaches the disk with the folder that it lies in. The store's own is
 * synced again, and for certain, when it is opened for writing. */
static void sync_name(const char *folder)
{
	char path[4096 + 4];
	snprintf(path, sizeof(path), "%s/..", folder);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fsync(fd) != 0)
		log_debug(NULL, "the name of %s may not be on the disk yet", folder);
	close(fd);
}

static enum rc make_folder(const char *path, struct err *err)
{
	char part[4096];
	int n = snprintf(part, sizeof(part), "%s", path);
	if (n <= 0 || n >= (int)sizeof(part))
		return err_set(err, RC_INVALID, "`store` is no folder: %s", path);
	for (char *p = part + 1;; p++) {
		char c = *p;
		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, c == '\0' ? 0700 : 0755) == 0)
			sync_name(part);
		else if (errno != EEXIST)
			return err_set(err, RC_DENIED,
				"the store's folder %s cannot be made (%s); let this user write "
				"where it belongs, or choose another `store`",
				path, strerror(errno));
		if (c == '\0')
			return RC_OK;
		*p = c;
	}
}

static enum rc probe_folder(const char *path, struct err *err)
{
	char name[64];
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 && errno == ENOTDIR)
		return err_set(err, RC_DENIED,
			"the store %s is a file, and must be a folder; move it away or choose "
			"another `store`",
			path);
	if (folder < 0)
		return err_set(err, RC_DENIED,
			"the store %s cannot be opened (%s); give it to this user, or choose "
			"another `store`",
			path, strerror(errno));
	snprintf(name, sizeof(name), ".probe-%d", (int)getpid());
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int error = errno;
	if (fd >= 0) {
		close(fd);
		(void)unlinkat(folder, name, 0);
	}
	close(folder);
	if (fd >= 0)
		return RC_OK;
	/* The children wait for room, and say so. */
	if (error == ENOSPC) {
		log_warn(NULL, "the disk of the store %s is full; free space", path);
		return RC_OK;
	}
	const struct passwd *pw = getpwuid(geteuid());
	return err_set(err, RC_DENIED,
		"the store %s cannot be written by %s (%s); make it writable (chown, or mount it "
		"read-write) or choose another `store`",
		path, pw != NULL ? pw->pw_name : "this user", strerror(error));
}

/* A receiver with a spool that knows the store. */
static bool keeps(const struct serve *s, const struct queue_place *place)
{
	return s->receiver && conf_int(s->conf, "spool.max") > 0 &&
	       spool_store_known(conf_text(s->conf, "spool.folder"), place);
}

/* One that is away stops nobody: a receiver has its spool, a runner waits. What a person has to
 * change does, but for a receiver that comes back during an outage. */
static enum rc check_database(const struct serve *s, struct err *err)
{
	struct queue_server server;
	struct queue_place place;
	queue_place_of(s->conf, &place);
	enum queue_server_look look = s->runner     ? QUEUE_SERVER_START
				      : s->receiver ? QUEUE_SERVER_RECEIVER
						    : QUEUE_SERVER_CONSOLE;
	enum rc rc = queue_server_read(&place, look, &server, err);
	if (rc == RC_OK)
		rc = queue_server_check(&server, err);
	if (rc == RC_OK && server.several && server.standbys[0] == '\0')
		log_warn(NULL,
			"%s has no synchronous standby (synchronous_standby_names is empty): a "
			"failover loses what had not arrived there; moonhook doctor says more",
			server.name);
	if (rc == RC_DENIED && !s->runner && keeps(s, &place)) {
		log_error(&(struct log_fields){.cause = rc_name(rc)},
			"%s; this receiver has worked with that store before, so it starts and "
			"keeps "
			"what comes in its spool until it is let in: mend that soon",
			err->msg);
		return RC_OK;
	}
	if (rc != RC_IO && rc != RC_BUSY)
		return rc;
	log_warn(NULL, "%s", err->msg);
	return RC_OK;
}

static enum rc check_store(const struct serve *s, struct err *err)
{
	const char *store = conf_text(s->conf, "store"), *colon = strchr(store, ':');
	if (cli_settings_away(s->conf))
		return check_database(s, err);
	if (colon != NULL && colon[1] == '/')
		return err_set(err, RC_UNSUPPORTED,
			"`store` is a folder, or postgres://.., not %.*s", (int)(colon - store),
			store);
	if (colon != NULL)
		return RC_OK;
	enum rc rc = make_folder(store, err);
	return rc == RC_OK ? probe_folder(store, err) : rc;
}

static enum rc check_rules(const char *rules, struct err *err)
{
	struct stat st;
	if (stat(rules, &st) != 0)
		return err_set_errno(err, RC_INVALID, errno,
			"the rules folder %s cannot be found; make it (mkdir -p %s) or set `rules`",
			rules, rules);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, RC_INVALID, "`rules` wants a folder; %s is none", rules);
	return RC_OK;
}

/* --- what is served
 * ------------------------------------------------------------------------------- */

static enum rc choose_parts(struct serve *s, struct err *err)
{
	static const char *const words[] = {"receiver", "runner", "console", NULL};
	const char *word;
	for (size_t i = 1; (word = conf_item(s->conf, "only", i)) != NULL; i++) {
		if (strcmp(word, "receiver") == 0)
			s->receiver = true;
		else if (strcmp(word, "runner") == 0)
			s->runner = true;
		else if (strcmp(word, "console") != 0)
			return err_set(err, RC_INVALID,
				"`only` knows receiver, runner and console, not %s%s%s", word,
				conf_nearest(word, words) != NULL ? "; did you mean " : "",
				conf_nearest(word, words) != NULL ? conf_nearest(word, words) : "");
	}
	return RC_OK;
}

static enum rc open_listener(const char *key, const char *name, int place, const struct conf *conf,
	int *ret_fd, struct err *err)
{
	const char *address = conf_text(conf, key);
	int fd = cli_listen_passed(name, place);
	if (fd >= 0) {
		*ret_fd = fd;
		return RC_OK;
	}
	if (address == NULL || address[0] == '\0')
		return err_set(err, RC_INVALID, "`%s` is empty", key);
	enum rc rc = cli_listen_tcp(address, ret_fd, err);
	return rc == RC_OK ? rc : err_wrap(err, "`%s`", key);
}

static enum rc open_sockets(struct serve *s, struct err *err)
{
	enum rc rc = runtime_own(s->conf, s->control_path, err);
	if (rc == RC_OK && s->control_path[0] != '\0')
		rc = cli_listen_unix(s->control_path, &s->control, err);
	if (rc == RC_OK && s->receiver)
		rc = open_listener("listen", "hooks", 0, s->conf, &s->hooks, err);
	if (rc == RC_OK)
		rc = open_listener("console.listen", "console", s->receiver ? 1 : 0, s->conf,
			&s->console, err);
	return rc;
}

static enum rc prepare(struct serve *s, struct err *err)
{
	enum rc rc = choose_parts(s, err);
	if (rc == RC_OK)
		rc = check_store(s, err);
	if (rc == RC_OK && s->runner)
		rc = check_rules(conf_text(s->conf, "rules"), err);
	if (rc == RC_OK)
		rc = open_sockets(s, err);
	if (rc == RC_OK)
		rc = metrics_new(&s->metrics, err);
	if (rc == RC_OK)
		rc = metrics_open(s->metrics, err);
	return rc;
}

static enum rc reload(void *ctx, struct conf **ret_conf, struct err *err)
{
	const struct serve *s = ctx;
	return cli_settings_read(s->args, CLI_SETTINGS_WHOLE, ret_conf, err);
}

static void close_sockets(struct serve *s)
{
	const int fds[] = {s->hooks, s->console, s->control, s->metrics};
	if (s->control >= 0) /* still open, so that nobody has put another in its place */
		(void)unlink(s->control_path);
	for (size_t i = 0; i < ARRAY_N(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int run_serve(const struct args *args)
{
	struct serve s = {.args = args, .hooks = -1, .console = -1, .control = -1, .metrics = -1};
	struct err err = {.msg = ""};
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_WHOLE, &s.conf);
	if (status != CLI_OK)
		return status;
	conf_scrub();
	cli_settings_log(s.conf, "supervisor");
	forbid_cores();
	raise_descriptors();
	enum rc rc = prepare(&s, &err);
	if (rc != RC_OK) {
		close_sockets(&s);
		conf_free(s.conf);
		return args_fail(rc == RC_BUSY ? CLI_BUSY : CLI_CONFIG, "%s", err.msg);
	}
	log_info(NULL, "moonhook %s: deliveries at %s/hooks/<source>, health at %s/healthz",
		version_text(), s.receiver ? conf_text(s.conf, "listen") : "(no receiver)",
		conf_text(s.conf, "console.listen"));
	struct supervise_conf sc = {.conf = s.conf,
		.reload = reload,
		.ctx = &s,
		.hooks = s.hooks,
		.console = s.console,
		.control = s.control,
		.metrics = s.metrics,
		.receiver = s.receiver,
		.runner = s.runner};
	s.conf = NULL;
	int ended = supervise_run(&sc);
	close_sockets(&s);
	return ended;
}

static const struct verb_flag flags[] = {
	{"only", "PARTS", "of receiver,runner,console; health, metrics and control always run"},
};

const struct verb verb_serve = {
	.name = "serve",
	.operands = "",
	.summary = "receive deliveries and run rules, in the foreground",
	.text = "Ready when GET /readyz on the console's listener answers 200. SIGHUP or "
		"`moonhook\n"
		"reload` reads the configuration and the rules again; SIGTERM finishes what is at\n"
		"hand and ends with 0. With socket activation the sockets named hooks and console\n"
		"are taken over from systemd.\n\n"
		"Where `store` is a folder, one daemon serves it. Where it is a database\n"
		"(postgres://user@host/database), any number of them do, on any machines: "
		"receivers,\n"
		"which need no key of Twenty, and runners, which need no secret of a source. A\n"
		"receiver starts while the database is away, and keeps deliveries in its spool; a\n"
		"runner waits for it. What a person has to change ends with 78.",
	.examples = {"moonhook serve", "moonhook serve --config /etc/moonhook/moonhook.lua",
		"moonhook serve --only receiver --store postgres://moonhook@db/crm"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_USAGE, CLI_BUSY, CLI_CONFIG},
	.run = run_serve,
};
