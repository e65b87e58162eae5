/* SPDX-License-Identifier: MIT */
/* What the log and the metrics say of calls that wait for the budget. */
#include "runner/waiting.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "tests/harness/process.h"

static char dir[128], file[160];
static struct waiting w;
static struct client_status now;

static void open_log(void)
{
	cr_assert(process_folder(dir));
	snprintf(file, sizeof(file), "%s/log", dir);
	int fd = open(file, O_CREAT | O_WRONLY | O_APPEND, 0600);
	cr_assert(fd >= 0 && dup2(fd, 2) >= 0);
	close(fd);
	log_start("test", LOG_TEXT, LOG_INFO);
	now = (struct client_status){.waiting_for = "", .rate = 100};
}

static void close_log(void)
{
	process_folder_remove(dir);
}

TestSuite(runner_waiting, .init = open_log, .fini = close_log);

static int said(const char *text)
{
	int n = 0;
	char *all = process_read(file);
	for (const char *at = all; at != NULL && (at = strstr(at, text)) != NULL; at++)
		n++;
	free(all);
	return n;
}

/* Four looks a second, as the runner does it. */
static int64_t look_for(int64_t from_ms, int64_t for_ms, const char *reason, int64_t waiting)
{
	now.waiting_for = reason;
	now.waiting = waiting;
	for (int64_t at = 0; at < for_ms; at += 250)
		waiting_look(&w, &now, from_ms + at);
	return from_ms + for_ms;
}

Test(runner_waiting, a_long_wait_is_said_once_and_its_end_once)
{
	int64_t at = look_for(1000, 60000, "budget", 2990);
	cr_expect_eq(said("2990 calls wait for the budget of 100 requests a minute"), 1);
	now.requests = 100;
	at = look_for(at, 5000, "", 0); /* a pause */
	at = look_for(at, 60000, "budget", 40);
	cr_expect_eq(said("wait for the budget"), 1, "not repeated");
	now.requests = 200;
	(void)look_for(at, 20000, "", 0);
	cr_expect_eq(said("up to 2990 did, for 124 s, in which 200 requests went out"), 1);
	cr_expect_eq(said("calls wait"), 1);
}

Test(runner_waiting, another_limit_than_the_configured_one_is_said_once)
{
	int64_t at = look_for(1000, 5000, "", 0);
	now.rate = 50;
	at = look_for(at, 60000, "", 0);
	cr_expect_eq(said("allows 50 requests a minute, not 100"), 1);
	now.rate = 62.5;
	(void)look_for(at, 60000, "", 0);
	cr_expect_eq(said("63 requests a minute are tried again"), 1);
	cr_expect_eq(said("requests a minute"), 2);
}

Test(runner_waiting, a_short_wait_is_not_worth_a_line)
{
	int64_t at = look_for(1000, 1500, "budget", 12);
	(void)look_for(at, 60000, "", 0);
	cr_expect_eq(said("wait"), 0);
}

Test(runner_waiting, a_twenty_that_is_down_is_said_by_the_client)
{
	(void)look_for(1000, 60000, "twenty", 12);
	cr_expect_eq(said("wait"), 0);
	cr_expect_eq(metrics_value(METRIC_API_HELD_TWENTY), 1);
	cr_expect_eq(metrics_value(METRIC_API_HELD_BUDGET), 0);
}

Test(runner_waiting, the_metrics_show_lanes_pace_and_the_next_request)
{
	now.lanes[CLIENT_LIVE] = 7;
	now.lanes[CLIENT_BACKFILL] = 3;
	now.next_ms = 600;
	(void)look_for(1000, 250, "budget", 10);
	cr_expect_eq(metrics_value(METRIC_API_LANE_LIVE), 7);
	cr_expect_eq(metrics_value(METRIC_API_LANE_RETRY), 0);
	cr_expect_eq(metrics_value(METRIC_API_LANE_BACKFILL), 3);
	cr_expect_eq(metrics_value(METRIC_API_NEXT), 600);
	cr_expect_eq(metrics_value(METRIC_API_RATE), 100);
	cr_expect_eq(metrics_value(METRIC_API_HELD_BUDGET), 1);
	now.rate = -1;
	(void)look_for(2000, 250, "", 0);
	cr_expect_eq(metrics_value(METRIC_API_RATE), -1);
	cr_expect_eq(metrics_value(METRIC_API_HELD_BUDGET), 0);
}
