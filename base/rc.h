/* SPDX-License-Identifier: MIT */
/*
 * Result codes: one table for the whole program. What a code means for a run (its fate) is decided
 * here and nowhere else; the retry policy and the metric labels are read from this table.
 *
 * X(code, name, fate, text)   name: the stable label in logs, metrics and `runs list`
 */
#ifndef MOONHOOK_BASE_RC_H
#define MOONHOOK_BASE_RC_H

enum rc_fate {
	RC_FATE_DONE,  /* nothing went wrong */
	RC_FATE_RETRY, /* can get better: tried again with back-off, uses up an attempt */
	RC_FATE_WAIT,  /* will get better by itself: tried again, uses up no attempt */
	RC_FATE_DEAD,  /* cannot get better: dead letter at once */
};

#define RC_TABLE(X)                                                                                \
	X(RC_OK, "ok", RC_FATE_DONE, "ok")                                                         \
	X(RC_INVALID, "invalid", RC_FATE_DEAD, "invalid input")                                    \
	X(RC_PARSE, "parse", RC_FATE_DEAD, "cannot be parsed")                                     \
	X(RC_TOO_LARGE, "too_large", RC_FATE_DEAD, "larger than allowed")                          \
	X(RC_NOT_FOUND, "not_found", RC_FATE_DEAD, "not found")                                    \
	X(RC_DUPLICATE, "duplicate", RC_FATE_DEAD, "exists already")                               \
	X(RC_CONFLICT, "conflict", RC_FATE_DEAD, "the record is not as it was to be")              \
	X(RC_UNKNOWN, "unknown", RC_FATE_DEAD, "nobody knows whether it happened")                 \
	X(RC_DENIED, "denied", RC_FATE_DEAD, "not allowed")                                        \
	X(RC_UNSUPPORTED, "unsupported", RC_FATE_DEAD, "this server cannot do that")               \
	X(RC_REJECTED, "rejected", RC_FATE_DEAD, "refused by Twenty")                              \
	X(RC_RULE, "rule", RC_FATE_DEAD, "the rule failed")                                        \
	X(RC_CPU, "cpu", RC_FATE_DEAD, "the rule used more processor time than allowed")           \
	X(RC_MEMORY, "memory", RC_FATE_DEAD, "the rule used more memory than allowed")             \
	X(RC_WALL, "wall", RC_FATE_RETRY, "the run took longer than allowed")                      \
	X(RC_QUOTA, "quota", RC_FATE_DEAD, "the run did more of one thing than allowed")           \
	X(RC_REPLAY, "replay", RC_FATE_DEAD, "the rule did something else on its retry")           \
	X(RC_LOOP, "loop", RC_FATE_DEAD, "rules set each other off without an end")                \
	X(RC_WORKER, "worker", RC_FATE_RETRY, "the worker died")                                   \
	X(RC_UPSTREAM, "upstream", RC_FATE_RETRY, "Twenty answered with an error")                 \
	X(RC_TIMEOUT, "timeout", RC_FATE_RETRY, "no answer in time")                               \
	X(RC_UNREACHABLE, "unreachable", RC_FATE_WAIT, "cannot be reached")                        \
	X(RC_LIMITED, "limited", RC_FATE_WAIT, "over the rate limit")                              \
	X(RC_AUTH, "auth", RC_FATE_WAIT, "the key was refused")                                    \
	X(RC_BUSY, "busy", RC_FATE_WAIT, "busy")                                                   \
	X(RC_LATER, "later", RC_FATE_WAIT, "asked to be tried later")                              \
	X(RC_STALE, "stale", RC_FATE_DEAD, "an old lease")                                         \
	X(RC_CLOSED, "closed", RC_FATE_RETRY, "closed by the other side")                          \
	X(RC_NOMEM, "nomem", RC_FATE_RETRY, "out of memory")                                       \
	X(RC_IO, "io", RC_FATE_RETRY, "input or output failed")                                    \
	X(RC_FULL, "full", RC_FATE_WAIT, "the disk is full")

enum rc {
#define X(code, name, fate, text) code,
	RC_TABLE(X)
#undef X
		RC_N,
};

/* The stable label, e.g. "too_large". STATIC. */
const char *rc_name(enum rc code);
/* A short text for people. STATIC. */
const char *rc_text(enum rc code);
enum rc_fate rc_fate(enum rc code);
/* The code with this label, RC_N where there is none. */
enum rc rc_find(const char *name);

#endif
