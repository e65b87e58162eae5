/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL servers for tests, from Debian's package: each with a folder of its own below /tmp, on
 * a free port of loopback, ended with the process that has begun it, however that ends.
 */
#ifndef MOONHOOK_TESTS_HARNESS_POSTGRES_H
#define MOONHOOK_TESTS_HARNESS_POSTGRES_H

#include <stdbool.h>
#include <sys/types.h>

struct postgres_server {
	char folder[64]; /* data/, log */
	char url[96];    /* postgres://moonhook@127.0.0.1:PORT/postgres */
	int port;
	pid_t pid;   /* of the postmaster; 0: it does not run */
	pid_t guard; /* ends it when we end */
};

/* Makes a cluster and starts it. options: "-c name=value ..", added to the harness's own; NULL:
 * none. durable: commits reach the disk as they would anywhere else (else fsync is off). False,
 * with why on stderr. */
bool postgres_start(struct postgres_server *server, bool durable, const char *options);
/* Makes a synchronous standby of a running server and starts it: from now on a commit there is
 * confirmed once it is on the disk here, too. postgres_stop is due, also when it fails. */
bool postgres_follow(struct postgres_server *standby, const struct postgres_server *primary);
/* Ends what made a standby one: it takes writes from now on, on a timeline of its own. */
bool postgres_promote(const struct postgres_server *standby);
/* Runs one statement; false, with why on stderr. */
bool postgres_do(const struct postgres_server *server, const char *sql);
/* Kills it as a power cut would: SIGKILL to all of its processes; false where it did not run. */
bool postgres_kill(struct postgres_server *server);
/* Ends it as an immediate stop does: SIGQUIT, no checkpoint, who is connected is told. False: it
 * did not run. */
bool postgres_quit(struct postgres_server *server);
/* Ends it in order (fast), and keeps the folder. */
void postgres_halt(struct postgres_server *server);
/* Starts it again on its folder and its port. */
bool postgres_again(struct postgres_server *server, const char *options);
/* Ends it and removes the folder. */
void postgres_stop(struct postgres_server *server);

/* The address of a server that all tests of this program share, started by the first that asks,
 * without fsync; ended when the program ends. STATIC; NULL, with why on stderr. */
const char *postgres_shared(void);
/* A store of its own there: "<address>?durability=relaxed&schema=<fresh name>". */
bool postgres_store(char *out, size_t out_n);
/* Removes such a store. */
void postgres_store_drop(const char *store);
/* Runs statements in the schema of a store, as a user (NULL: the administrator). ret_text: the
 * first field of the last answer, or, where it is false, why. */
bool postgres_say(const char *store, const char *user, const char *sql, char ret_text[static 200]);

#endif
