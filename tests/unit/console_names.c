/* SPDX-License-Identifier: MIT */
/* The names on the page of metrics: dashboards and alerts are built on them, so they may grow. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"
#include "base/metrics.h"

static const char *const names[] = {
	"moonhook_build_info{version=", "moonhook_requests_total{result=\"stored\"}",
	"moonhook_requests_total{result=\"repeated\"}",
	"moonhook_requests_total{result=\"malformed\"}",
	"moonhook_requests_total{result=\"unauthorized\"}",
	"moonhook_requests_total{result=\"unknown_source\"}",
	"moonhook_requests_total{result=\"too_large\"}",
	"moonhook_requests_total{result=\"unavailable\"}",
	"moonhook_requests_total{result=\"deadline\"}",
	"moonhook_ack_seconds_bucket{le=", "moonhook_ack_seconds_sum", "moonhook_ack_seconds_count",
	"moonhook_events_total{via=\"hook\"}", "moonhook_event_duplicates_total",
	"moonhook_event_quarantined_total", "moonhook_echoes_total",
	"moonhook_runs_total{outcome=\"done\"}", "moonhook_runs_total{outcome=\"skipped\"}",
	"moonhook_runs_total{outcome=\"dead\"}", "moonhook_runs_total{outcome=\"quarantined\"}",
	"moonhook_run_retries_total", "moonhook_event_to_effect_seconds_count",
	"moonhook_event_to_call_seconds_count", "moonhook_queue_depth",
	"moonhook_queue_oldest_seconds", "moonhook_api_calls_total", "moonhook_api_requests_total",
	"moonhook_api_budget_tokens", "moonhook_api_calls_waiting", "moonhook_api_unreachable",
	"moonhook_api_key_refused", "moonhook_lua_aborts_total{reason=\"cpu\"}",
	"moonhook_lua_aborts_total{reason=\"memory\"}", "moonhook_rules",
	"moonhook_rule_files_broken", "moonhook_reload_timestamp_seconds",
	"moonhook_process_restarts_total{process=\"runner\"}",
	"moonhook_process_ready{process=\"receiver\"}", "moonhook_store_failing"};

/* At the start of a line, and whole. */
static bool has_line(const char *page, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = page; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, n) == 0 && (at[n] == ' ' || name[n - 1] == '='))
			return true;
	}
	return false;
}

Test(console_names, every_metric_that_is_relied_on_is_there)
{
	struct buf page;
	buf_init(&page, 1 << 20);
	cr_assert_eq(metrics_format(&page), RC_OK);
	for (size_t i = 0; i < ARRAY_N(names); i++)
		cr_expect(has_line(page.p, names[i]), "%s", names[i]);
	buf_done(&page);
}
