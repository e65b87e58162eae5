/* SPDX-License-Identifier: MIT */
/*
 * The registry of metrics: one page of shared memory that the supervisor makes and every process of
 * one Moonhook adds to, so that a restart of a child loses no count and the console needs to ask
 * nobody. Names and forms follow Prometheus: base units, _total for counters, labels of bounded
 * sets only.
 *
 * C(id, name, labels, help)   counter     labels: "" or a constant such as `result="stored"`
 * G(id, name, labels, help)   gauge
 * H(id, name, labels, help)   histogram of seconds; observed in microseconds
 */
#ifndef MOONHOOK_BASE_METRICS_H
#define MOONHOOK_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/* clang-format off */
#define METRICS_TABLE(C, G, H) \
	C(HOOK_STORED, "moonhook_requests_total", "result=\"stored\"", "Deliveries by result") \
	C(HOOK_REPEATED, "moonhook_requests_total", "result=\"repeated\"", "") \
	C(HOOK_MALFORMED, "moonhook_requests_total", "result=\"malformed\"", "") \
	C(HOOK_UNSIGNED, "moonhook_requests_total", "result=\"unauthorized\"", "") \
	C(HOOK_UNKNOWN, "moonhook_requests_total", "result=\"unknown_source\"", "") \
	C(HOOK_METHOD, "moonhook_requests_total", "result=\"method\"", "") \
	C(HOOK_TOO_LARGE, "moonhook_requests_total", "result=\"too_large\"", "") \
	C(HOOK_UNAVAILABLE, "moonhook_requests_total", "result=\"unavailable\"", "") \
	C(HOOK_DEADLINE, "moonhook_requests_total", "result=\"deadline\"", "") \
	C(HOOK_SKEWED, "moonhook_skewed_total", "", "Correctly signed deliveries outside the time window or without a time, kept in quarantine") \
	H(ACK, "moonhook_ack_seconds", "", "From the last byte of a delivery to its answer") \
	C(EVENT_HOOK, "moonhook_events_total", "via=\"hook\"", "Events by the way they came") \
	C(EVENT_GAP, "moonhook_events_total", "via=\"gap\"", "") \
	C(EVENT_TIMER, "moonhook_events_total", "via=\"timer\"", "") \
	C(EVENT_CRON, "moonhook_events_total", "via=\"cron\"", "") \
	C(EVENT_REPLAY, "moonhook_events_total", "via=\"replay\"", "") \
	C(EVENT_DUPLICATE, "moonhook_event_duplicates_total", "", "Events that were in the store already") \
	C(EVENT_QUARANTINED, "moonhook_event_quarantined_total", "", "Signed deliveries that could not be parsed, kept") \
	C(ECHO, "moonhook_echoes_total", "", "Times that an event did not fire a rule, being that rule's own write") \
	C(LOOP, "moonhook_loops_stopped_total", "", "Runs that were not started because rules set each other off without an end") \
	C(GAP_RUNNING, "moonhook_gap_changes_total", "happened=\"running\"", "Changes that no webhook told of, found by asking; running: while Moonhook was there to hear of them") \
	C(GAP_STOPPED, "moonhook_gap_changes_total", "happened=\"stopped\"", "") \
	C(GAP_LATE, "moonhook_gap_late_total", "", "Webhooks that came when their change had been found by asking") \
	C(GAP_REQUESTS, "moonhook_gap_requests_total", "", "HTTP requests that asking for changes took") \
	C(RUN_DONE, "moonhook_runs_total", "outcome=\"done\"", "Ended rule runs by outcome") \
	C(RUN_SKIPPED, "moonhook_runs_total", "outcome=\"skipped\"", "") \
	C(RUN_DEAD, "moonhook_runs_total", "outcome=\"dead\"", "") \
	C(RUN_QUARANTINED, "moonhook_runs_total", "outcome=\"quarantined\"", "") \
	C(RUN_RETRY, "moonhook_run_retries_total", "", "Attempts that ended in a retry") \
	H(RUN_EFFECT, "moonhook_event_to_effect_seconds", "", "From the arrival of an event to the end of its run") \
	H(RUN_FIRST_CALL, "moonhook_event_to_call_seconds", "", "From the arrival of an event to the start of its first API call") \
	C(RUNS_RESCUED, "moonhook_runs_rescued_total", "", "Runs of runners that gave no sign of life, made due again by this one") \
	G(RUNNER_LEADS, "moonhook_runner_leads", "", "1 while this runner routes events, fires timers and fills gaps for all of the store") \
	G(RUNNERS, "moonhook_runners", "", "Runners at work on the store") \
	G(QUEUE_DEPTH, "moonhook_queue_depth", "", "Runs that are not ended") \
	G(QUEUE_AGE, "moonhook_queue_oldest_seconds", "", "Age of the oldest run that is not ended") \
	G(DEAD_LETTERS, "moonhook_dead_letters", "", "Runs that failed for good and are kept: moonhook runs list state:dead") \
	G(QUARANTINE_RUNS, "moonhook_quarantined", "of=\"runs\"", "Kept in quarantine") \
	G(QUARANTINE_EVENTS, "moonhook_quarantined", "of=\"events\"", "") \
	G(ISSUES, "moonhook_issues_open", "", "Issues that nobody has acknowledged: moonhook issues list") \
	G(RULES_PAUSED, "moonhook_rules_paused", "", "Pauses in force; one of all rules counts once") \
	C(API_CALLS, "moonhook_api_calls_total", "", "API calls made by rules") \
	C(API_REQUESTS, "moonhook_api_requests_total", "", "HTTP requests sent to Twenty") \
	C(API_LIMITED, "moonhook_api_limited_total", "", "Requests that Twenty refused with 429") \
	C(API_FAILED, "moonhook_api_failed_total", "", "Requests that failed or were answered with 5xx") \
	G(API_TOKENS, "moonhook_api_budget_tokens", "", "Requests that may be sent at once") \
	G(API_WAITING, "moonhook_api_calls_waiting", "", "API calls that wait for budget or for Twenty") \
	G(API_LANE_LIVE, "moonhook_api_lane_calls_waiting", "lane=\"live\"", "The same by lane; the first lane goes first") \
	G(API_LANE_RETRY, "moonhook_api_lane_calls_waiting", "lane=\"retry\"", "") \
	G(API_LANE_GAP, "moonhook_api_lane_calls_waiting", "lane=\"gap\"", "") \
	G(API_LANE_BACKFILL, "moonhook_api_lane_calls_waiting", "lane=\"backfill\"", "") \
	G(API_HELD_BUDGET, "moonhook_api_held", "by=\"budget\"", "1 while calls wait for it") \
	G(API_HELD_TWENTY, "moonhook_api_held", "by=\"twenty\"", "") \
	G(API_NEXT, "moonhook_api_next_request_milliseconds", "", "While calls are held: until the next request or probe may go") \
	G(API_RATE, "moonhook_api_budget_per_minute", "", "Requests a minute at the pace in force, which a server may have made slower than configured; -1: unlimited") \
	H(API_WAIT, "moonhook_api_wait_seconds", "", "How long an API call waited: its whole time without that on the wire") \
	G(API_DIALECT, "moonhook_api_dialect", "", "How Twenty speaks: 0 not known yet, 1 core, 2 docs") \
	G(API_UNREACHABLE, "moonhook_api_unreachable", "", "1 while Twenty cannot be reached") \
	G(API_REFUSED, "moonhook_api_key_refused", "", "1 while Twenty refuses the key") \
	C(ABORT_CPU, "moonhook_lua_aborts_total", "reason=\"cpu\"", "Rule runs that were ended at a limit") \
	C(ABORT_MEMORY, "moonhook_lua_aborts_total", "reason=\"memory\"", "") \
	C(ABORT_WALL, "moonhook_lua_aborts_total", "reason=\"wall\"", "") \
	C(ABORT_KILLED, "moonhook_lua_aborts_total", "reason=\"killed\"", "") \
	C(ABORT_QUOTA, "moonhook_lua_aborts_total", "reason=\"quota\"", "") \
	C(WORKER_STARTS, "moonhook_worker_starts_total", "", "Worker processes started") \
	G(WORKERS, "moonhook_workers", "", "Worker processes alive") \
	G(RULES, "moonhook_rules", "", "Rules live") \
	G(RULES_BROKEN, "moonhook_rule_files_broken", "", "Rule files whose newest version could not be loaded") \
	G(RELOADED_AT, "moonhook_reload_timestamp_seconds", "", "When the rules were last reloaded") \
	C(RESTART_RECEIVER, "moonhook_process_restarts_total", "process=\"receiver\"", "Children that died and were started again") \
	C(RESTART_RUNNER, "moonhook_process_restarts_total", "process=\"runner\"", "") \
	C(RESTART_CONSOLE, "moonhook_process_restarts_total", "process=\"console\"", "") \
	G(READY_RECEIVER, "moonhook_process_ready", "process=\"receiver\"", "1 while the process does its work") \
	G(READY_RUNNER, "moonhook_process_ready", "process=\"runner\"", "") \
	G(READY_CONSOLE, "moonhook_process_ready", "process=\"console\"", "") \
	G(STORE_FAILING, "moonhook_store_failing", "", "1 while the store cannot be written") \
	G(STORE_AWAY, "moonhook_store_away", "", "1 while the database of the store takes no deliveries and they go by the spool") \
	C(STORE_OUTAGES, "moonhook_store_outages_total", "", "Times that this began") \
	C(SPOOLED, "moonhook_spooled_total", "", "Deliveries that went by the spool") \
	C(SPOOLED_LATE, "moonhook_spooled_late_total", "", "Those for which the others had stopped waiting: they may come behind later ones") \
	G(SPOOL_DELIVERIES, "moonhook_spool_deliveries", "", "Deliveries that wait in the spool") \
	G(SPOOL_BYTES, "moonhook_spool_bytes", "", "What they count against spool.max") \
	G(STORE_FULL_RECEIVER, "moonhook_store_full", "process=\"receiver\"", "1 while the disk of the store is full") \
	G(STORE_FULL_RUNNER, "moonhook_store_full", "process=\"runner\"", "")
/* clang-format on */

enum metric {
#define C(id, name, labels, help) METRIC_##id,
	METRICS_TABLE(C, C, C)
#undef C
		METRIC_N,
};

/* Makes the page; GIVES its descriptor (a memfd). Until metrics_open is called, a page of the
 * process's own is used, so that tests and tools need no set-up. */
enum rc metrics_new(int *ret_fd, struct err *err) must_check;
enum rc metrics_open(int fd, struct err *err) must_check;

/* Any thread, lock-free. */
void metrics_add(enum metric m, uint64_t n);
void metrics_set(enum metric m, int64_t value);
void metrics_observe(enum metric m, int64_t us);
int64_t metrics_value(enum metric m);

/* The text exposition format, version 0.0.4, build info included. */
enum rc metrics_format(struct buf *out) must_check;

#endif
