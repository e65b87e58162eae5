/* SPDX-License-Identifier: MIT */
/*
 * What a run costs a worker by itself: processor time from START to the first CALL and from RESUME
 * to END, memory of a suspended run, memory of an idle worker. One worker of build/moonhook, driven
 * over its socket.
 *
 * Usage: bench-worker_bench [runs at once] [program]. Prints one line per figure, medians of seven
 * rounds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/peer.h"

#define ROUNDS 7
#define WAIT_MS 10000

static const char *program = "build/moonhook";

static const char rule[] =
	"local limits = { NEW = 1, WON = 2 }\n"
	"rule 'small' { on = { 'person.created', 'person.updated' }, run = function(event)\n"
	"  local email = text.email(event.record.email)\n"
	"  if not email or text.is_freemail(email) then skip 'no company' end\n"
	"  local company = twenty.companies:ensure({ domain = text.domain(email) },\n"
	"    { name = text.domain(email) })\n"
	"  twenty.people:update(event.record.id, { companyId = company.id })\n"
	"end }\n";

static const char event[] =
	"{\"id\":\"01kb\",\"name\":\"person.created\",\"object\":\"person\",\"action\":\"created\","
	"\"at\":\"2026-11-23T18:20:54.408Z\",\"via\":\"hook\",\"hook\":\"twenty\",\"actor\":{"
	"\"kind\":\"api\",\"name\":\"recorder\"},\"record\":{\"id\":\"36d4adf0-ec41-4587-a1b6-"
	"1523f9b5f092\",\"createdAt\":\"2026-11-23T18:20:54.408Z\",\"updatedAt\":\"2026-11-23T18:"
	"20:54.408Z\",\"deletedAt\":null,\"name\":{\"firstName\":\"Rel\",\"lastName\":\"Ated\"},"
	"\"emails\":{\"primaryEmail\":\"rel@acme.example\",\"additionalEmails\":[]},"
	"\"linkedinLink\":{\"primaryLinkLabel\":\"\",\"primaryLinkUrl\":\"\",\"secondaryLinks\":[]}"
	",\"jobTitle\":\"\",\"phones\":{\"primaryPhoneNumber\":\"\",\"primaryPhoneCountryCode\":"
	"\"\",\"primaryPhoneCallingCode\":\"\",\"additionalPhones\":[]},\"avatarUrl\":\"\","
	"\"position\":-1,\"createdBy\":{\"source\":\"API\",\"workspaceMemberId\":null,\"name\":"
	"\"recorder\",\"context\":{}},\"searchVector\":\"'ated':2 'example.com':4 'rel':1\","
	"\"companyId\":null,\"intro\":\"\",\"workPreference\":[],\"performanceRating\":null}}";

static int become_program(void)
{
	execl(program, "moonhook", "room", "worker", (char *)NULL);
	return 127;
}

static int64_t cpu_us(const struct peer *p)
{
	clockid_t clock;
	struct timespec t = {0};
	if (clock_getcpuclockid(p->pid, &clock) == 0)
		clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long pss_kb(const struct peer *p)
{
	char path[64], line[256];
	long kb = 0;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)p->pid);
	FILE *f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "Pss:", 4) == 0)
			kb = strtol(line + 4, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kb;
}

static bool send_text(struct peer *p, enum frame_kind kind, uint32_t run, const char *text)
{
	return peer_send(p, kind, run, 1, json_loads(text, 0, NULL));
}

/* Waits for n frames of a kind; answers false where another one comes. */
static bool await(struct peer *p, enum frame_kind kind, int n)
{
	for (int i = 0; i < n; i++) {
		struct peer_frame frame;
		if (!peer_receive(p, WAIT_MS, &frame))
			return false;
		char *text = frame.kind == kind ? NULL : json_dumps(frame.payload, 0);
		if (text != NULL)
			fprintf(stderr, "unexpected: %s\n", text);
		json_decref(frame.payload);
		free(text);
		if (frame.kind != kind)
			return false;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;
	return (d > 0) - (d < 0);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

/* The CPU time a run takes for frames of this kind. */
static double step(
	struct peer *p, enum frame_kind kind, const char *text, int n, enum frame_kind answer)
{
	int64_t before = cpu_us(p);
	for (int i = 0; i < n; i++) {
		if (!send_text(p, kind, (uint32_t)i, text) || !await(p, answer, 1)) {
			fprintf(stderr, "the worker does not answer\n");
			exit(1);
		}
	}
	return (double)(cpu_us(p) - before) / n;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 500;
	double start[ROUNDS], middle[ROUNDS], end[ROUNDS];
	char order[4096];
	struct peer p;
	program = argc > 2 ? argv[2] : program;
	if (n < 1 || n > 10000 || !peer_start(&p, become_program))
		return 1;
	long idle = pss_kb(&p), held = 0;
	json_decref(peer_load(&p, "h", "small.lua", rule));
	snprintf(order, sizeof(order),
		"{\"hash\":\"h\",\"rule\":\"small\",\"event\":%s,\"cpu_ms\":1000,\"memory\":"
		"67108864,"
		"\"seed\":1}",
		event);
	for (int i = 0; i < ROUNDS; i++) {
		long before = pss_kb(&p);
		start[i] = step(&p, FRAME_START, order, n, FRAME_CALL);
		if (i == 0)
			held = pss_kb(&p) - before;
		middle[i] = step(&p, FRAME_RESUME,
			"{\"path\":\"1\",\"value\":{\"record\":{\"id\":\"c\"},\"created\":true}}",
			n, FRAME_CALL);
		end[i] = step(&p, FRAME_RESUME, "{\"path\":\"2\",\"value\":{\"id\":\"r\"}}", n,
			FRAME_END);
	}
	printf("worker: START to first CALL   %6.1f us of processor time\n", median(start, ROUNDS));
	printf("worker: RESUME to next CALL   %6.1f us\n", median(middle, ROUNDS));
	printf("worker: RESUME to END         %6.1f us\n", median(end, ROUNDS));
	printf("worker: a suspended run       %6.1f kB\n", (double)held / n);
	sleep(1); /* it gives memory back when nothing came for a while */
	printf("worker: idle %ld kB PSS at start, %ld kB after %d runs at once\n", idle, pss_kb(&p),
		n);
	return peer_stop(&p) == 0 ? 0 : 1;
}
