/* SPDX-License-Identifier: MIT */
/*
 * Running the body of one rule in a real worker.
 * From: the tests of the worker. To: harness/peer.c. Fails the test where the worker breaks.
 */
#include "tests/unit/worker_rig.h"
#include "runner/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include "runner/worker/worker.h"

void worker_rig_open(struct worker_rig *rig)
{
	*rig = (struct worker_rig){.generation = 0};
	cr_assert(peer_start(&rig->peer, worker_main), "the worker does not start");
}

void worker_rig_close(struct worker_rig *rig)
{
	int status = peer_stop(&rig->peer);
	cr_assert(
		WIFEXITED(status) && WEXITSTATUS(status) == 0, "the worker ended with %x", status);
}

json_t *worker_rig_head(struct worker_rig *rig, const char *source)
{
	json_t *head = peer_load(&rig->peer, "file", "rig.lua", source);
	cr_assert_not_null(head, "no HEAD");
	return head;
}

json_t *worker_rig_event(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:{s:s, s:s}, s:{s:s}, s:n}}", "id", "e",
		"name", "person.created", "object", "person", "action", "created", "record", "id",
		"r", "name", "firstName", "Ann", "lastName", "Lee", "emails", "primaryEmail",
		"ann@acme.example", "companyId");
}

static void start(struct worker_rig *rig, const char *body)
{
	size_t n = strlen(body) + 128;
	char *source = malloc(n);
	cr_assert_not_null(source);
	snprintf(source, n, "rule 'rig' { on = 'person.created', run = function(event)\n%s\nend }",
		body);
	json_t *head = worker_rig_head(rig, source);
	cr_assert_not_null(json_object_get(head, "rules"), "%s",
		json_string_value(json_object_get(head, "error")));
	json_decref(head);
	free(source);
	rig->generation++;
	cr_assert(peer_send(&rig->peer, FRAME_START, 7, rig->generation,
		json_pack("{s:s, s:s, s:o, s:i, s:i, s:i}", "hash", "file", "rule", "rig", "event",
			worker_rig_event(), "cpu_ms", 2000, "memory", 16 << 20, "seed", 1)));
}

static void answer(struct worker_rig *rig, const json_t *call, const json_t *given)
{
	json_t *resume = json_object();
	json_object_set(resume, "path", json_object_get(call, "path"));
	if (given == NULL)
		json_object_set_new(resume, "value", json_null());
	else
		json_object_update(resume, (json_t *)(uintptr_t)given);
	cr_assert(peer_send(&rig->peer, FRAME_RESUME, 7, rig->generation, resume));
}

json_t *worker_rig_run(struct worker_rig *rig, const char *body, const char *answers)
{
	json_t *given = json_loads(answers, 0, NULL);
	json_t *calls = json_array(), *log = json_array(), *end = NULL;
	cr_assert(json_is_array(given), "answers");
	start(rig, body);
	while (end == NULL) {
		struct peer_frame f;
		cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f), "the worker is silent");
		cr_assert_eq(f.run, 7);
		cr_assert_eq(f.generation, rig->generation);
		cr_assert(f.kind == FRAME_CALL || f.kind == FRAME_SIDE || f.kind == FRAME_LOG ||
			  f.kind == FRAME_BEAT || f.kind == FRAME_END);
		if (f.kind == FRAME_BEAT) {
			json_decref(f.payload);
		} else if (f.kind == FRAME_CALL || f.kind == FRAME_SIDE) {
			answer(rig, f.payload, json_array_get(given, json_array_size(calls)));
			json_array_append_new(calls, f.payload);
		} else if (f.kind == FRAME_LOG) {
			json_array_append_new(log,
				json_sprintf("%s %s",
					json_string_value(json_object_get(f.payload, "level")),
					json_string_value(json_object_get(f.payload, "text"))));
			json_decref(f.payload);
		} else {
			end = f.payload;
		}
	}
	json_decref(given);
	return json_pack("{s:o, s:o, s:o}", "calls", calls, "log", log, "end", end);
}

static const char *message_of(const json_t *outcome)
{
	const json_t *error = json_object_get(json_object_get(outcome, "end"), "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	return message != NULL ? message : "";
}

void worker_rig_holds(struct worker_rig *rig, const char *body)
{
	json_t *outcome = worker_rig_run(rig, body, "[]");
	const json_t *how = json_object_get(json_object_get(outcome, "end"), "outcome");
	cr_expect_str_eq(json_string_value(how), "done", "%s\n  in: %s", message_of(outcome), body);
	json_decref(outcome);
}

void worker_rig_hold_all(const char *const *bodies, size_t n)
{
	struct worker_rig rig;
	worker_rig_open(&rig);
	for (size_t i = 0; i < n; i++)
		worker_rig_holds(&rig, bodies[i]);
	worker_rig_close(&rig);
}

void worker_rig_say_all(const char *function, const struct worker_rig_text *texts, size_t n)
{
	struct worker_rig rig;
	worker_rig_open(&rig);
	for (size_t i = 0; i < n; i++) {
		char body[512];
		snprintf(body, sizeof(body), "log.info(%s((%s)))", function, texts[i].lua);
		json_t *outcome = worker_rig_run(&rig, body, "[]");
		const char *line =
			json_string_value(json_array_get(json_object_get(outcome, "log"), 0));
		cr_assert_not_null(line, "%s", body);
		cr_expect_str_eq(line + 5, texts[i].wanted, "%s gave %s", texts[i].lua, line + 5);
		json_decref(outcome);
	}
	worker_rig_close(&rig);
}

char *worker_rig_error(struct worker_rig *rig, const char *body)
{
	json_t *outcome = worker_rig_run(rig, body, "[]");
	char *message = strdup(message_of(outcome));
	json_decref(outcome);
	return message;
}

char *worker_rig_frames(const json_t *error)
{
	struct buf text;
	buf_init(&text, 16384);
	cr_assert_eq(report_put_frames(error, &text), RC_OK);
	cr_assert_eq(buf_put(&text, "", 1), RC_OK);
	return text.p;
}

bool worker_rig_is(const json_t *value, const char *text)
{
	json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);
	cr_assert_not_null(wanted, "not JSON: %s", text);
	bool same = json_equal(value, wanted);
	json_decref(wanted);
	return same;
}
