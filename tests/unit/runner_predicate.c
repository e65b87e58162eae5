/* SPDX-License-Identifier: MIT */
/*
 * `when` as data: which changes it means.
 * From: events with and without a before. To: runner/predicate.c.
 */
#include "runner/event.h"
#include "runner/predicate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define BEFORE                                                                                     \
	"{\"amount\":{\"amountMicros\":5000000,\"currencyCode\":\"EUR\"},\"companyId\":null,"      \
	"\"emails\":{\"additionalEmails\":[],\"primaryEmail\":\"a@b.c\"},\"id\":\"1\",\"n\":1,"    \
	"\"stage\":\"NEW\"}"
#define RECORD                                                                                     \
	"{\"amount\":{\"amountMicros\":7500000,\"currencyCode\":\"EUR\"},\"companyId\":\"c\","     \
	"\"emails\":{\"additionalEmails\":[\"x@y.z\"],\"primaryEmail\":\"a@b.c\"},\"id\":\"1\","   \
	"\"n\":2,"                                                                                 \
	"\"stage\":\"WON\"}"
#define FIELDS "[\"amount\",\"company\",\"companyId\",\"emails\",\"n\",\"stage\"]"

static const char *hidden;
static char lack[256]; /* what was told of a field that is not there; "": nothing */

static struct predicate *made(const char *text)
{
	struct predicate *predicate = NULL;
	struct err err = {0};
	json_error_t why;
	json_t *json = json_loads(text, 0, &why);
	cr_assert_not_null(json, "%s: %s", text, why.text);
	cr_assert_eq(predicate_new(json, &predicate, &err), RC_OK, "%s: %s", text, err.msg);
	json_decref(json);
	return predicate;
}

static enum predicate_answer decided(const struct event *event, struct predicate *predicate)
{
	struct predicate_ask ask = {
		.predicate = predicate,
		.object = event->object,
		.action = event->action,
		.record = event->record,
		.fields = event->fields,
		.before = event_before(event),
		.hidden = hidden,
	};
	struct err told;
	enum predicate_answer answer = predicate_decide(&ask, &told);
	snprintf(lack, sizeof(lack), "%s", told.code == RC_OK ? "" : told.msg);
	return answer;
}

/* Does it hold for an event of this action, these fields (NULL: none are named), this before? */
static enum predicate_answer decide_of(
	const char *text, const char *action, const char *fields, const char *before)
{
	char body[2048];
	struct event *event = NULL;
	struct err err = {0};
	snprintf(body, sizeof(body), "{\"eventName\":\"person.%s\",\"record\":" RECORD "%s%s}",
		action, fields != NULL ? ",\"updatedFields\":" : "", fields != NULL ? fields : "");
	struct event_input in = {.id = {"01h0000000000000000000000a"},
		.source = "twenty",
		.via = "hook",
		.form = EVENT_TWENTY,
		.body = slice_of(body)};
	cr_assert_eq(event_parse(&in, &event, &err), RC_OK, "%s", err.msg);
	if (before != NULL)
		cr_assert_eq(event_put_past(event, NULL, slice_of(before)), RC_OK);
	struct predicate *predicate = made(text);
	enum predicate_answer answer = decided(event, predicate);
	predicate_free(predicate);
	event_unref(event);
	return answer;
}

static bool holds(const char *changed, const char *action, const char *fields, const char *before)
{
	char text[1024];
	snprintf(text, sizeof(text), "{\"changed\":%s}", changed);
	return decide_of(text, action, fields, before) == PREDICATE_YES;
}

static bool updated(const char *changed)
{
	return holds(changed, "updated", FIELDS, BEFORE);
}

Test(runner_predicate, a_field_that_is_among_those_that_changed)
{
	cr_expect(updated("{\"stage\":{}}"));
	cr_expect(holds("{\"stage\":{}}", "updated", "[\"stage\"]", NULL));
	cr_expect_not(holds("{\"n\":{}}", "updated", "[\"stage\"]", BEFORE));
	cr_expect_not(holds("{\"n\":{}}", "updated", "[]", NULL));
	cr_expect(
		holds("{\"n\":{},\"stage\":{}}", "updated", "[\"stage\"]", BEFORE), "any of them");
	cr_expect_str_empty(lack);
}

Test(runner_predicate, a_part_of_a_field_by_its_values_where_before_is_known)
{
	cr_expect(updated("{\"emails\":{}}"));
	cr_expect_not(updated("{\"emails.primaryEmail\":{}}"));
	cr_expect_not(updated("{\"email\":{}}"), "its short name");
	cr_expect(updated("{\"emails.additionalEmails\":{}}"));
	cr_expect(updated("{\"amount.amountMicros\":{}}"));
	cr_expect_not(updated("{\"amount.currencyCode\":{}}"));
	cr_expect(holds("{\"email\":{}}", "updated", FIELDS, NULL), "it may have changed");
	cr_expect_not(holds("{\"email\":{}}", "updated", "[\"stage\"]", NULL));
}

Test(runner_predicate, a_relation_by_itself_and_by_its_column)
{
	cr_expect(updated("{\"company\":{}}"));
	cr_expect(updated("{\"companyId\":{}}"));
	cr_expect(updated("{\"companyId\":{\"from\":[null],\"to\":[\"c\"]}}"));
	cr_expect(updated("{\"company\":{\"to\":[\"c\"]}}"));
	cr_expect_not(updated("{\"company\":{\"to\":[null]}}"));
}

Test(runner_predicate, from_and_to_are_values_before_and_now)
{
	cr_expect(updated("{\"stage\":{\"from\":[\"NEW\"],\"to\":[\"LOST\",\"WON\"]}}"));
	cr_expect(updated("{\"stage\":{\"from\":[\"NEW\"]}}"));
	cr_expect(updated("{\"stage\":{\"to\":[\"WON\"]}}"));
	cr_expect_not(updated("{\"stage\":{\"from\":[\"MEETING\"],\"to\":[\"WON\"]}}"));
	cr_expect_not(updated("{\"stage\":{\"from\":[\"NEW\"],\"to\":[\"LOST\"]}}"));
	cr_expect(updated("{\"stage\":{\"to\":[\"LOST\"]},\"n\":{\"to\":[2]}}"), "any of them");
	cr_expect(updated("{\"n\":{\"from\":[1.0],\"to\":[2]}}"));
	cr_expect_not(updated("{\"n\":{\"from\":[\"1\"]}}"));
	cr_expect_not(updated("{\"email\":{\"to\":[\"a@b.c\"]}}"), "it has not changed");
	cr_expect_not(updated("{\"emails\":{\"to\":[\"a@b.c\"]}}"), "nor its main part");
}

Test(runner_predicate, money_is_in_units)
{
	cr_expect(updated("{\"amount\":{\"from\":[5],\"to\":[7.5]}}"));
	cr_expect_not(updated("{\"amount\":{\"to\":[7500000]}}"));
	cr_expect(updated("{\"amount.amountMicros\":{\"to\":[7500000]}}"));
}

Test(runner_predicate, what_did_not_change_matches_no_value)
{
	cr_expect_not(holds("{\"stage\":{\"to\":[\"WON\"]}}", "updated", "[\"n\"]", BEFORE));
	cr_expect_not(holds("{\"stage\":{\"from\":[\"NEW\"]}}", "updated", "[\"n\"]", BEFORE));
}

Test(runner_predicate, from_is_false_where_the_record_was_never_seen)
{
	cr_expect_not(holds("{\"stage\":{\"from\":[\"NEW\"]}}", "updated", FIELDS, NULL));
	cr_expect_not(holds("{\"stage\":{\"from\":[null]}}", "updated", FIELDS, NULL));
	cr_expect(holds("{\"stage\":{\"to\":[\"WON\"]}}", "updated", FIELDS, NULL));
	cr_expect(holds("{\"stage\":{}}", "updated", NULL, NULL), "nobody can tell");
	cr_expect(holds("{\"stage\":{\"to\":[\"WON\"]}}", "updated", NULL, NULL));
	cr_expect_not(holds("{\"stage\":{\"to\":[\"NEW\"]}}", "updated", NULL, NULL));
}

Test(runner_predicate, to_come_into_being_and_to_end_is_to_change)
{
	cr_expect(holds("{\"stage\":{}}", "created", NULL, NULL));
	cr_expect(holds("{\"stage\":{\"to\":[\"WON\"]}}", "created", NULL, NULL));
	cr_expect_not(holds("{\"stage\":{\"to\":[\"NEW\"]}}", "created", NULL, NULL));
	cr_expect_not(holds("{\"stage\":{\"from\":[null]}}", "created", NULL, NULL));
	cr_expect(holds("{\"stage\":{}}", "restored", "[\"deletedAt\"]", BEFORE));
	cr_expect(holds("{\"stage\":{\"to\":[\"WON\"]}}", "restored", "[\"deletedAt\"]", BEFORE));
	cr_expect(holds("{\"stage\":{}}", "deleted", "[\"deletedAt\"]", BEFORE));
	cr_expect(holds("{\"stage\":{}}", "destroyed", NULL, NULL));
	cr_expect(holds("{\"stage\":{\"from\":[\"NEW\"]}}", "destroyed", NULL, BEFORE));
	cr_expect_not(holds("{\"stage\":{\"from\":[\"NEW\"]}}", "destroyed", NULL, NULL));
	cr_expect_not(holds("{\"stage\":{\"to\":[\"WON\"]}}", "deleted", NULL, BEFORE));
}

Test(runner_predicate, what_the_rule_is_not_to_see_did_not_change)
{
	hidden = "score stage";
	cr_expect_not(updated("{\"stage\":{}}"));
	cr_expect(updated("{\"n\":{}}"));
	cr_expect(updated("{\"n\":{},\"stage\":{}}"));
	cr_expect_not(updated("{\"stage\":{\"from\":[\"NEW\"],\"to\":[\"WON\"]}}"));
	hidden = "company companyId";
	cr_expect_not(updated("{\"company\":{}}"));
	cr_expect(updated("{\"stage\":{}}"));
}

Test(runner_predicate, a_field_that_the_record_does_not_have_never_changes)
{
	cr_expect_not(updated("{\"stagee\":{}}"));
	cr_expect_str_eq(lack, "changed \"stagee\" is no field of person: it does not change");
	cr_expect_not(holds("{\"stagee\":{}}", "created", NULL, NULL));
	cr_expect(updated("{\"stage\":{},\"stagee\":{}}"));
	cr_expect_str_eq(lack, "changed \"stagee\" is no field of person: it does not change");
	cr_expect(holds("{\"gone\":{}}", "updated", "[\"gone\"]", NULL), "Twenty names it");
}

Test(runner_predicate, what_a_worker_says_is_checked)
{
	static const char *const bad[] = {"{}", "[]", "7", "\"x\"", "{\"changed\":{}}",
		"{\"changed\":[]}", "{\"changed\":{\"a\":1}}", "{\"changed\":{\"a\":[]}}",
		"{\"changed\":{\"a\":{}},\"all\":[]}", "{\"all\":[]}", "{\"changed\":{\"\":{}}}",
		"{\"changed\":{\"a\":{\"is\":[1]}}}", "{\"changed\":{\"a\":{\"to\":1}}}",
		"{\"changed\":{\"a\":{\"to\":[]}}}", "{\"changed\":{\"a\":{\"to\":[{}]}}}",
		"{\"changed\":{\"a\":{\"from\":[[1]]}}}", "{\"has\":[]}", "{\"has\":\"a\"}",
		"{\"has\":[1]}", "{\"has\":[\"\"]}", "{\"is\":{}}", "{\"is\":[]}", "{\"is\":7}",
		"{\"is\":{\"a\":{\"gtt\":1}}}", "{\"is\":{\"a\":[]}}", "{\"is\":{\"a..b\":1}}",
		"{\"is\":{\"all\":[]}}", "{\"all\":{}}", "{\"all\":[7]}", "{\"any\":[{}]}",
		"{\"none\":[{\"changed\":{\"a\":{}}},{\"x\":1}]}", "{\"ask\":0}", "{\"ask\":\"1\"}",
		"{\"ask\":99999}", "{\"ask\":1.5}", "{\"all\":null}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err = {0};
		struct predicate *predicate = NULL;
		json_t *json = json_loads(bad[i], JSON_DECODE_ANY, NULL);
		cr_expect_eq(predicate_new(json, &predicate, &err), RC_INVALID, "%s", bad[i]);
		cr_expect_null(predicate);
		json_decref(json);
	}
}
