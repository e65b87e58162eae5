/* SPDX-License-Identifier: MIT */
/*
 * Up or down.
 * From: engine.c, what became of each request and probe. To: engine.c, whether anything but a probe
 * may go. Says once in the log that the line is down or the key refused, and once that it is back.
 * Does not send.
 */
#include "client/line.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

#define FAILURES_MAX 5 /* in a row: then it is not one request's bad luck */
#define REFUSED_MS 60000
#define PROBE_MS 500
#define PROBE_MAX_MS 30000

void line_init(struct line *line, int64_t now_ms, uint64_t random)
{
	*line = (struct line){.state = LINE_NEW, .probe_at_ms = now_ms, .seed = random | 1};
}

int64_t line_back_off_ms(struct line *line, int n, int64_t base_ms, int64_t max_ms)
{
	int64_t ms = base_ms;
	for (int i = 0; i < n && ms < max_ms; i++)
		ms *= 2;
	ms = ms > max_ms ? max_ms : ms;
	line->seed ^= line->seed << 13;
	line->seed ^= line->seed >> 7;
	line->seed ^= line->seed << 17;
	return ms - (int64_t)(line->seed % (uint64_t)(ms / 2 + 1));
}

static void go(struct line *line, int64_t now_ms, enum line_state to, const char *problem)
{
	bool was_bad = line->state == LINE_DOWN || line->state == LINE_REFUSED;
	bool bad = to == LINE_DOWN || to == LINE_REFUSED;
	if (bad && (!was_bad || line->state != to)) {
		if (!was_bad)
			line->down_ms = now_ms;
		log_warn(NULL, "%s; calls wait", problem);
	}
	if (to == LINE_UP && was_bad)
		log_info(NULL, "Twenty is back after %" PRId64 " s",
			(now_ms - line->down_ms) / 1000);
	line->state = to;
	if (to != LINE_DOUBT)
		snprintf(line->problem, sizeof(line->problem), "%s", bad ? problem : "");
	if (to == LINE_UP) {
		line->failures = 0;
		line->probes = 0;
	}
}

static void go_down(struct line *line, int64_t now_ms, const char *problem)
{
	bool again = line->state == LINE_DOWN;
	go(line, now_ms, LINE_DOWN, problem);
	line->probe_at_ms =
		now_ms + line_back_off_ms(line, again ? line->probes : 0, PROBE_MS, PROBE_MAX_MS);
	if (line->probes < 16)
		line->probes++;
}

void line_failed(struct line *line, int64_t now_ms, enum line_loss loss, const char *problem)
{
	switch (line->state) {
	case LINE_UP:
	case LINE_DOUBT:
		if (loss == LINE_LOST && ++line->failures < FAILURES_MAX)
			return;
		break;
	case LINE_NEW:
		break;
	case LINE_DOWN:
	case LINE_REFUSED:
		if (line->probe_at_ms > now_ms) /* one that was on the wire when it went down */
			return;
		break;
	}
	char text[200];
	snprintf(text, sizeof(text), "Twenty cannot be reached: %.150s", problem);
	go_down(line, now_ms, text);
}

void line_unusable(struct line *line, int64_t now_ms, const char *problem)
{
	go_down(line, now_ms, problem);
}

void line_worked(struct line *line, int64_t now_ms)
{
	line->failures = 0;
	if (line->state == LINE_DOWN && line->proved_ms != 0)
		go(line, now_ms, LINE_UP, "");
}

void line_proved(struct line *line, int64_t now_ms)
{
	line->proved_ms = now_ms != 0 ? now_ms : 1;
	go(line, now_ms, LINE_UP, "");
}

void line_doubt(struct line *line, int64_t now_ms)
{
	if (line->state != LINE_UP)
		return;
	go(line, now_ms, LINE_DOUBT, "");
	line->probe_at_ms = now_ms;
}

void line_refused(struct line *line, int64_t now_ms)
{
	go(line, now_ms, LINE_REFUSED,
		"Twenty refused the key: put a valid one into twenty.key (Settings, API & "
		"Webhooks), then restart moonhook");
	line->probe_at_ms = now_ms + REFUSED_MS;
}
