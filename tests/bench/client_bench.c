/* SPDX-License-Identifier: MIT */
/*
 * What one API call costs: N updates of one object towards a server, so many in flight.
 * Usage: bench-client_bench URL KEY [N] [IN_FLIGHT]. Makes the records first, then measures: calls
 * per second, processor time of this process per call.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/client.h"

#define RECORDS 60

struct bench {
	struct client *client;
	json_t *ids;
	int64_t wanted, sent, done, failed, requests;
	int64_t in_flight;
};

static int64_t cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void submit_one(struct bench *b);

static void updated(void *ctx, const struct client_answer *answer)
{
	struct bench *b = ctx;
	b->done++;
	b->requests += answer->requests;
	if (answer->code != RC_OK && b->failed++ == 0)
		fprintf(stderr, "bench: %s: %s\n", answer->name, answer->message);
	submit_one(b);
}

static void submit_one(struct bench *b)
{
	if (b->sent >= b->wanted)
		return;
	struct err err;
	uint64_t ticket;
	json_t *id = json_array_get(b->ids, (size_t)b->sent % json_array_size(b->ids));
	json_t *args = json_pack("{s:O, s:{s:s, s:o}}", "id", id, "data", "jobTitle", "bench",
		"intro", json_sprintf("n %" PRId64, b->sent));
	struct client_call call = {.op = CLIENT_UPDATE,
		.object = "people",
		.args = args,
		.name = "bench",
		.done = updated,
		.ctx = b};
	b->sent++;
	if (client_submit(b->client, &call, &ticket, &err) != RC_OK) {
		fprintf(stderr, "bench: %s\n", err.msg);
		exit(1);
	}
	json_decref(args);
}

static void made(void *ctx, const struct client_answer *answer)
{
	struct bench *b = ctx;
	size_t i;
	json_t *each;
	if (answer->code != RC_OK)
		fprintf(stderr, "bench: %s: %s\n", answer->name, answer->message);
	json_array_foreach(answer->value, i, each)
		json_array_append(b->ids, json_object_get(each, "id"));
	b->done = 1;
}

static bool make_records(struct bench *b, sd_event *loop)
{
	json_t *list = json_array();
	for (int i = 0; i < RECORDS; i++)
		json_array_append_new(list, json_pack("{s:s}", "firstName", "Bench"));
	json_t *args = json_pack("{s:o}", "list", list);
	struct err err;
	uint64_t ticket;
	char name[40];
	snprintf(name, sizeof(name), "bench/%d", (int)getpid());
	struct client_call call = {.op = CLIENT_CREATE_MANY,
		.object = "people",
		.args = args,
		.name = name,
		.done = made,
		.ctx = b};
	enum rc rc = client_submit(b->client, &call, &ticket, &err);
	json_decref(args);
	while (rc == RC_OK && b->done == 0)
		if (sd_event_run(loop, UINT64_MAX) < 0)
			return false;
	return json_array_size(b->ids) == RECORDS;
}

static struct conf *make_conf(const char *url, const char *key, struct err *err)
{
	char file[] = "/tmp/client_bench_XXXXXX";
	struct conf *conf = NULL;
	int fd = mkstemp(file);
	if (fd < 0)
		return NULL;
	dprintf(fd, "twenty = { url = \"%s\", key = \"%s\", budget = \"none\" }\n", url, key);
	close(fd);
	if (conf_load(file, &client_conf_table, 1, NULL, 0, &conf, err) != RC_OK)
		conf = NULL;
	unlink(file);
	return conf;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: %s URL KEY [N] [IN_FLIGHT]\n", argv[0]);
		return 2;
	}
	struct err err = {.msg = "no configuration"};
	struct bench b = {.ids = json_array(),
		.wanted = argc > 3 ? strtol(argv[3], NULL, 10) : 20000,
		.in_flight = argc > 4 ? strtol(argv[4], NULL, 10) : 256};
	sd_event *loop = NULL;
	log_start("bench", LOG_TEXT, LOG_WARN);
	struct conf *conf = make_conf(argv[1], argv[2], &err);
	if (conf == NULL || sd_event_default(&loop) < 0 ||
		client_new(conf, loop, &b.client, &err) != RC_OK || !make_records(&b, loop)) {
		fprintf(stderr, "bench: %s\n", err.msg);
		return 1;
	}
	b.done = 0;
	b.requests = 0;
	int64_t start = clock_mono_us(), cpu = cpu_us();
	for (int64_t i = 0; i < b.in_flight; i++)
		submit_one(&b);
	while (b.done < b.wanted)
		if (sd_event_run(loop, UINT64_MAX) < 0)
			return 1;
	double seconds = (double)(clock_mono_us() - start) / 1e6;
	printf("%" PRId64 " updates, %" PRId64 " in flight: %.0f calls/s, %.1f us CPU per call, "
	       "%" PRId64 " requests, %" PRId64 " failed\n",
		b.done, b.in_flight, (double)b.done / seconds,
		(double)(cpu_us() - cpu) / (double)b.done, b.requests, b.failed);
	client_free(b.client);
	conf_free(conf);
	json_decref(b.ids);
	sd_event_unref(loop);
	return b.failed == 0 ? 0 : 1;
}
