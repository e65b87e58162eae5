/* SPDX-License-Identifier: MIT */
/*
 * Sends signed person events to a running receiver and, where a twin is named, waits until it has
 * seen as many PATCH requests. Prints one JSON line of what it measured. From: tests/bench/run. To:
 * its standard output. Fails with 1 when answers or effects are missing.
 *
 *   bench-send --port N --secret S --ids FILE [--n N] [--connections N] [--rate N] [--twin URL]
 *
 * --ids: one record id a line, used in turn; answers are counted in the twin's /_twin/stats.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/clock.h"
#include "tests/harness/http.h"
#include "tests/harness/sender.h"

struct ids {
	char (*id)[64];
	size_t n;
};

static enum rc body(void *ctx, size_t i, struct buf *out)
{
	const struct ids *ids = ctx;
	char email[64];
	snprintf(email, sizeof(email), "load.%zu@example.com", i);
	return sender_person(out, "person.updated", ids->id[i % ids->n], i, email);
}

static bool read_ids(const char *path, struct ids *ids)
{
	FILE *f = fopen(path, "r");
	size_t cap = 0;
	char line[64];
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (ids->n == cap) {
			cap = cap != 0 ? 2 * cap : 1024;
			void *p = realloc(ids->id, cap * sizeof(*ids->id));
			if (p == NULL)
				break;
			ids->id = p;
		}
		line[strcspn(line, "\n")] = '\0';
		snprintf(ids->id[ids->n++], sizeof(*ids->id), "%s", line);
	}
	if (f != NULL)
		fclose(f);
	return ids->n > 0;
}

/* How many API requests the twin has answered with 2xx; in a benchmark each is a PATCH. -1: it does
 * not say. */
static int64_t patched(const char *twin)
{
	char url[256];
	snprintf(url, sizeof(url), "%s/_twin/stats", twin);
	struct http_answer answer = {0};
	int64_t n = -1;
	if (http_request("GET", url, NULL, NULL, 0, &answer) && answer.status == 200) {
		json_t *stats = json_loads(answer.body, 0, NULL);
		json_t *count = json_object_get(json_object_get(stats, "answers"), "2xx");
		if (json_is_integer(count))
			n = json_integer_value(count);
		json_decref(stats);
	}
	http_answer_done(&answer);
	return n;
}

static bool await_patches(const char *twin, int64_t n)
{
	struct timespec pause = {0, 20 * 1000000};
	for (int64_t end = clock_mono_ms() + 120000; clock_mono_ms() < end;) {
		if (patched(twin) >= n)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

int main(int argc, char **argv)
{
	struct ids ids = {0};
	const char *twin = NULL, *path = "";
	struct sender_conf conf = {.source = "twenty",
		.secret = "",
		.n = 10000,
		.connections = 64,
		.deadline_ms = 120000,
		.body = body,
		.ctx = &ids};
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--port") == 0)
			conf.port = (int)strtol(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--secret") == 0)
			conf.secret = argv[i + 1];
		else if (strcmp(argv[i], "--n") == 0)
			conf.n = strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--connections") == 0)
			conf.connections = strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--rate") == 0)
			conf.rate = strtod(argv[i + 1], NULL);
		else if (strcmp(argv[i], "--twin") == 0)
			twin = argv[i + 1];
		else if (strcmp(argv[i], "--ids") == 0)
			path = argv[i + 1];
	}
	if (!read_ids(path, &ids)) {
		fprintf(stderr, "bench-send: no ids in %s\n", path);
		return 2;
	}
	int64_t before = twin != NULL ? patched(twin) : 0;
	int64_t start_us = clock_mono_us();
	struct sender_result r;
	struct err err;
	if (sender_run(&conf, &r, &err) != RC_OK) {
		fprintf(stderr, "bench-send: %s\n", err.msg);
		return 1;
	}
	/* The clock of the whole way starts with the first byte, not with the preparation. */
	start_us = clock_mono_us() - r.elapsed_us;
	bool all = twin == NULL || await_patches(twin, before + (int64_t)conf.n);
	int64_t walk_us = clock_mono_us() - start_us;
	printf("{\"sent\":%zu,\"stored\":%zu,\"repeated\":%zu,\"unanswered\":%zu,\"ack_us\":"
	       "%" PRId64 ",\"ack_p50_us\":%" PRId64 ",\"ack_p99_us\":%" PRId64
	       ",\"walk_us\":%" PRId64 ",\"complete\":%s}\n",
		conf.n, r.stored, r.repeated, r.unanswered, r.elapsed_us, r.p50_us, r.p99_us,
		walk_us, all ? "true" : "false");
	free(ids.id);
	return all && r.stored == conf.n ? 0 : 1;
}
