/* SPDX-License-Identifier: MIT */
/* twenty.<objects>:erase: gone at Twenty, and every copy of it here. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/copy.h"
#include "queue/erase.h"
#include "tests/unit/runner_stage.h"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_erasure, .init = open_stage, .fini = close_stage, .timeout = 90);

static char person[64];

static bool is_forgotten(struct stage *stage, long n)
{
	struct queue_copy copy;
	struct err err = {.msg = ""};
	char record[QUEUE_ERASURE_N];
	bool any = true;
	(void)n;
	return queue_copy_find(stage->work, "person", person, &copy, &err) == RC_NOT_FOUND &&
	       queue_erasure_first(stage->work, record, &any, &err) == RC_OK && !any;
}

static bool is_asked(struct stage *stage, long n)
{
	return stage_requests(stage, "DELETE", "/rest/people/") >= n;
}

#define RULE                                                                                       \
	"rule \"r\" { on = \"person.*\", run = function(event)\n"                                  \
	"  if event.record.jobTitle == \"forget me\" then\n"                                       \
	"    twenty.people:erase(event.record.id)\n"                                               \
	"  end\n"                                                                                  \
	"end }"

/* Makes a person at the twin whose events come here. */
static void make_person(void)
{
	json_t *made = stage_record(&s, "POST", "/rest/people",
		"{\"name\":{\"firstName\":\"Ann\",\"lastName\":\"Lee\"}}");
	snprintf(person, sizeof(person), "%s", json_string_value(json_object_get(made, "id")));
	cr_assert_eq(strlen(person), 36);
	json_decref(made);
}

static bool has_title(const char *title)
{
	struct err err = {.msg = ""};
	struct queue_copy copy;
	if (queue_copy_find(s.work, "person", person, &copy, &err) != RC_OK)
		return false;
	return memmem(copy.text.p, copy.text.n, title, strlen(title)) != NULL;
}

Test(runner_erasure, a_record_that_a_rule_erases_is_gone_there_and_here)
{
	stage_rule(&s, "a.lua", RULE);
	stage_start(&s, STAGE_TWIN, NULL);
	make_person();
	stage_person(&s, "created", person, "kept title");
	stage_until(&s, stage_ended, 1);
	cr_assert(has_title("kept title"), "else there is nothing to erase");
	stage_person(&s, "updated", person, "forget me");
	stage_until(&s, stage_ended, 2);
	stage_until(&s, is_forgotten, 0);
	char path[128];
	snprintf(path, sizeof(path), "/rest/people/%s", person);
	char *text = stage_ask(&s, "GET", path, NULL);
	cr_expect_null(strstr(text, "Ann"), "%s", text);
	free(text);
}

/* It has erased, and waits. */
static bool stays_open(struct stage *stage, long n)
{
	(void)n;
	stage_look(stage);
	return stage->runs_n == 1 && stage->runs[0].state == QUEUE_WAITING &&
	       strcmp(stage->runs[0].error, "the run stays open") == 0;
}

Test(runner_erasure, a_restart_does_not_forget_what_is_to_be_erased)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function(event)\n"
		"  twenty.people:erase(event.record.id)\n"
		"  retry_after(\"1s\", \"the run stays open\")\n"
		"end }");
	stage_start(&s, STAGE_TWIN, NULL);
	make_person();
	stage_person(&s, "created", person, "x");
	stage_until(&s, stays_open, 0);
	cr_expect(has_title("x"), "a run of it is open");
	stage_crash(&s);
	stage_rule(&s, "a.lua", "rule \"other\" { on = \"note.*\", run = function() end }");
	stage_again(&s);
	char record[QUEUE_ERASURE_N];
	struct err err = {.msg = ""};
	bool any = false;
	cr_assert_eq(queue_erasure_first(s.work, record, &any, &err), RC_OK);
	cr_expect(any);
	cr_expect_str_eq(record, person);
	cr_expect_eq(stage_requests(&s, "DELETE", "/rest/people/"), 1);
	cr_expect(is_asked(&s, 1));
}
