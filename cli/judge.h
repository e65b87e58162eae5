/* SPDX-License-Identifier: MIT */
/*
 * What `moonhook doctor` thinks of what it was told. Each function takes facts and adds rows; none
 * asks anybody, so that every broken setup can be tried in a test.
 */
#ifndef MOONHOOK_CLI_JUDGE_H
#define MOONHOOK_CLI_JUDGE_H

#include <jansson.h>

#include "cli/finding.h"
#include "cli/hooks.h"
#include "client/address.h"
#include "queue/cluster.h"
#include "queue/gap.h"
#include "queue/health.h"
#include "queue/pause.h"
#include "queue/server.h"

struct clock_facts {
	bool told;                 /* Twenty's answers told its time: it is ahead by .. */
	int64_t least_ms, most_ms; /* .. between these */
	size_t timed_n;            /* so many recent deliveries say when they were sent: .. */
	int64_t ahead_ms;          /* .. by a clock that is ahead by this */
	int64_t window_ms;         /* the source's: beyond, a delivery is not taken */
	size_t skewed_n;           /* deliveries of late in quarantine for that */
};
void judge_clock(struct findings *findings, const struct clock_facts *facts);

/* store: its folder. limit_bytes: retain.size; 0: any. */
void judge_store(struct findings *findings, const char *store, const struct queue_health *health,
	int64_t limit_bytes);

/* A store in a database. */
void judge_server(struct findings *findings, const struct queue_server *server);
struct peer_facts { /* zero: none */
	int64_t runners_n, running_n;
	char leader[128]; /* "": nobody leads */
	char quiet[128];  /* one that gives no sign of life; "" */
};
/* Call back of queue_peer_each; ctx: struct peer_facts. */
enum rc judge_peer_note(void *ctx, const struct queue_peer *peer, struct err *err);
void judge_peers(struct findings *findings, const struct peer_facts *facts);

/* status: what the daemon says of itself; NULL: nobody answers. health: who holds the store. */
void judge_daemon(
	struct findings *findings, const json_t *status, const struct queue_health *health);
/* rules: as in status, or read from the store; counts: events and runs by state. */
void judge_rules(struct findings *findings, const json_t *rules);
void judge_counts(struct findings *findings, const json_t *events, const json_t *runs);

/* Call back of queue_pause_each; ctx: the findings. */
enum rc judge_pause(void *ctx, const struct queue_pause *pause, struct err *err);
struct issue_facts { /* zero: none */
	size_t open_n;
	char newest[300];
};
/* Call back of queue_issue_each; ctx: struct issue_facts. */
enum rc judge_issue_note(void *ctx, const struct queue_issue *issue, struct err *err);
void judge_issues(struct findings *findings, const struct issue_facts *facts);
/* How far changes that no webhook told of have been looked for. Where the daemon runs, an object
 * that was not looked through for long is a fault. */
struct gap_facts {
	int64_t missed_n;  /* found by asking while the daemon was there to hear of them */
	bool heard;        /* deliveries come all the same */
	bool running;      /* the daemon */
	int64_t now_ms;    /* wall */
	size_t objects_n;  /* in: 0 */
	int64_t oldest_ms; /* wall: when the one that waits longest was looked through */
	char object[64];   /* that one */
	size_t problems_n;
	char problem[300]; /* the first of them */
};
/* Call back of queue_gap_each; ctx: struct gap_facts. */
enum rc judge_gap_note(void *ctx, const struct queue_gap *gap, struct err *err);
void judge_gap(struct findings *findings, const struct gap_facts *facts);

/* What the host of an address is to the rest of the world. */
typedef enum address_kind (*judge_lookup)(void *ctx, const char *host);

struct webhook_facts { /* BORROWS */
	struct hooks_known known;
	const struct webhooks *list;
	const json_t *patterns; /* of pattern.h */
	const char *twenty_host;
	judge_lookup lookup;
	void *lookup_ctx;
	int64_t now_ms; /* wall */
};
void judge_webhooks(struct findings *findings, const struct webhook_facts *facts);

/* Our own address as it answered: rc and err of door_knock, and the status. */
void judge_door(struct findings *findings, const struct here *here, const char *listen, enum rc rc,
	const char *problem, int status);

#define SOURCE_PATTERNS_MAX 256

struct source_facts { /* BORROWS */
	const struct conf *conf;
	struct {
		char rule[128], on[128];
	} patterns[SOURCE_PATTERNS_MAX]; /* "hook:.." of the rules */
	size_t patterns_n;
	/* When the last delivery of a source came, wall; 0: none did. */
	int64_t (*last)(void *ctx, const char *source);
	void *last_ctx;
	int64_t now_ms; /* wall */
};
void judge_sources(struct findings *findings, const struct source_facts *facts);

/* Who may read the configuration and the files of its secrets. */
void judge_files(struct findings *findings, const char *config, const struct conf *conf);

/* "3 min", "2 h", "5 d" */
void judge_age(int64_t ms, char ret_text[static 24]);

#endif
