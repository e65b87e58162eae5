/* SPDX-License-Identifier: MIT */
/* The page of metrics: shared between processes, printed as Prometheus reads it. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/metrics.h"

static char *format(struct buf *b)
{
	buf_init(b, 1 << 20);
	cr_assert_eq(metrics_format(b), RC_OK);
	return b->p;
}

Test(base_metrics, what_one_process_adds_another_sees)
{
	int fd = -1;
	struct err err;
	cr_assert_eq(metrics_new(&fd, &err), RC_OK);
	cr_assert_eq(metrics_open(fd, &err), RC_OK);
	for (int i = 0; i < 4; i++) {
		if (fork() == 0) {
			for (int k = 0; k < 1000; k++)
				metrics_add(METRIC_RUN_DONE, 1);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	cr_expect_eq(metrics_value(METRIC_RUN_DONE), 4000);
	close(fd);
}

Test(base_metrics, values_are_printed_with_their_labels)
{
	struct buf b;
	metrics_add(METRIC_HOOK_STORED, 3);
	metrics_set(METRIC_API_TOKENS, -1);
	metrics_set(METRIC_WORKERS, 2);
	char *text = format(&b);
	cr_expect(strstr(text, "\nmoonhook_requests_total{result=\"stored\"} 3\n") != NULL);
	cr_expect(strstr(text, "\nmoonhook_api_budget_tokens -1\n") != NULL);
	cr_expect(strstr(text, "\nmoonhook_workers 2\n") != NULL);
	cr_expect(strstr(text, "moonhook_build_info{version=\"") != NULL);
	buf_done(&b);
}

Test(base_metrics, every_name_is_explained_once_and_its_lines_stand_together)
{
	struct buf b;
	char name[128] = "", kind[32], *save = NULL;
	static char seen[256][128];
	size_t seen_n = 0, values = 0;
	for (char *l = strtok_r(format(&b), "\n", &save); l != NULL;
		l = strtok_r(NULL, "\n", &save)) {
		if (sscanf(l, "# HELP %127s", name) == 1) {
			for (size_t i = 0; i < seen_n; i++)
				cr_expect_str_neq(seen[i], name);
			snprintf(seen[seen_n++], sizeof(seen[0]), "%s", name);
			cr_expect(strlen(l) > strlen("# HELP ") + strlen(name) + 1,
				"%s has no help", name);
		} else if (sscanf(l, "# TYPE %*s %31s", kind) == 1) {
			size_t n = strlen(name);
			cr_expect_eq(
				strcmp(kind, "counter") == 0 && strcmp(name + n - 6, "_total") != 0,
				0, "%s", name);
		} else {
			cr_expect_eq(strncmp(l, name, strlen(name)), 0, "%s in %s", l, name);
			values++;
		}
	}
	cr_expect_gt(values, 50);
	buf_done(&b);
}

Test(base_metrics, a_histogram_is_cumulative_and_in_seconds)
{
	struct buf b;
	metrics_observe(METRIC_ACK, 90);
	metrics_observe(METRIC_ACK, 900);
	metrics_observe(METRIC_ACK, 900);
	metrics_observe(METRIC_ACK, 90000000);
	char *text = format(&b);
	cr_expect(strstr(text, "moonhook_ack_seconds_bucket{le=\"0.0001\"} 1\n") != NULL);
	cr_expect(strstr(text, "moonhook_ack_seconds_bucket{le=\"0.001\"} 3\n") != NULL);
	cr_expect(strstr(text, "moonhook_ack_seconds_bucket{le=\"60\"} 3\n") != NULL);
	cr_expect(strstr(text, "moonhook_ack_seconds_bucket{le=\"+Inf\"} 4\n") != NULL);
	cr_expect(strstr(text, "moonhook_ack_seconds_sum 90.001890\n") != NULL);
	cr_expect(strstr(text, "moonhook_ack_seconds_count 4\n") != NULL);
	buf_done(&b);
}
