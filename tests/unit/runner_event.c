/* SPDX-License-Identifier: MIT */
/*
 * Bytes of deliveries -> events: the recorded ones become what rules see, hostile ones a sentence.
 * From: tests/data/twenty/webhooks. To: runner/event.c, runner/scan.c.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "runner/dump.h"
#include "runner/event.h"
#include "runner/scan.h"

#define WEBHOOKS "tests/data/twenty/webhooks/"

static struct event *event;
static json_t *seen; /* the text that rules get */
static struct err err;

static enum rc parse_form(struct slice body, enum event_form form)
{
	struct event_input in = {
		.id = {"01h0000000000000000000000a"},
		.source = form == EVENT_TWENTY ? "twenty" : "stripe",
		.via = "hook",
		.form = form,
		.headers = slice_of("Stripe-Signature: t=1\nX-Odd:two\n"),
		.body = body,
		.received_ms = 1795458757000,
	};
	err = (struct err){0};
	enum rc rc = event_parse(&in, &event, &err);
	if (rc == RC_OK) {
		seen = json_loadb(event->text, event->text_n, JSON_REJECT_DUPLICATES, NULL);
		cr_assert(seen != NULL, "the event is JSON");
	}
	return rc;
}

static enum rc parse(const char *body)
{
	return parse_form(slice_of(body), EVENT_TWENTY);
}

static void parse_file(const char *name)
{
	char path[256];
	struct buf body;
	buf_init(&body, 8 << 20);
	snprintf(path, sizeof(path), WEBHOOKS "%s.body", name);
	cr_assert_eq(
		file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, &body, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(parse_form(buf_slice(&body), EVENT_TWENTY), RC_OK, "%s: %s", name, err.msg);
	buf_done(&body);
}

static const char *text(const char *path)
{
	char word[64];
	const json_t *at = seen;
	while (path[0] != '\0') {
		size_t n = strcspn(path, ".");
		snprintf(word, sizeof(word), "%.*s", (int)n, path);
		at = json_object_get(at, word);
		path += n + (path[n] == '.');
	}
	return json_is_string(at) ? json_string_value(at) : "";
}

static void done(void)
{
	event_unref(event);
	json_decref(seen);
	event = NULL;
	seen = NULL;
}

TestSuite(runner_event, .fini = done);

Test(runner_event, a_recorded_update_tells_who_changed_which_fields_when)
{
	parse_file("company.updated");
	cr_assert_str_eq(event->name, "company.updated");
	cr_assert_str_eq(event->object, "company");
	cr_assert_str_eq(event->action, "updated");
	cr_assert_str_eq(event->record_id, "5e1136e4-bffe-4185-bd75-df785d72e798");
	cr_assert_str_eq(text("name"), "company.updated");
	cr_assert_str_eq(text("object"), "company");
	cr_assert_str_eq(text("action"), "updated");
	cr_assert_str_eq(text("id"), "01h0000000000000000000000a");
	cr_assert_str_eq(text("via"), "hook");
	cr_assert_str_eq(text("at"), "2026-11-23T18:25:06.490Z");
	cr_assert_str_eq(text("actor.kind"), "api");
	cr_assert_str_eq(text("actor.name"), "recorder");
	cr_assert_str_eq(text("record.address.addressCity"), "Lyon");
	cr_assert_eq(json_array_size(json_object_get(seen, "fields")), 2);
}

Test(runner_event, a_person_is_told_from_a_key)
{
	parse_file("company.created-by-user");
	cr_assert_str_eq(text("actor.kind"), "person");
	cr_assert_str_eq(text("actor.name"), "Tim Apple");
	cr_assert_str_eq(text("actor.id"), "20202020-0687-4c41-b707-ed1bfca972a7");
}

Test(runner_event, each_source_of_twenty_is_a_person_the_api_or_an_import)
{
	static const struct {
		const char *source, *kind;
	} rows[] = {{"MANUAL", "person"}, {"API", "api"}, {"WORKFLOW", "api"}, {"IMPORT", "import"},
		{"EMAIL", "import"}, {"CALENDAR", "import"}, {"SOMETHING_NEW", "api"}};
	for (size_t i = 0; i < ARRAY_N(rows); i++) {
		char body[300];
		snprintf(body, sizeof(body),
			"{\"eventName\":\"person.created\",\"record\":{\"id\":\"x\",\"createdBy\":"
			"{\"source\":\"%s\",\"name\":\"Ann\",\"workspaceMemberId\":null}}}",
			rows[i].source);
		cr_assert_eq(parse(body), RC_OK, "%s", err.msg);
		cr_expect_str_eq(text("actor.kind"), rows[i].kind, "%s", rows[i].source);
		cr_expect_str_eq(text("actor.name"), "Ann");
		done();
	}
}

Test(runner_event, metadata_has_its_event_as_record)
{
	parse_file("metadata.objectMetadata.created");
	cr_assert_str_eq(event->object, "metadata.objectMetadata");
	cr_assert_str_eq(event->record_id, "2354c5c6-bd23-468b-8df8-3845f149daf7");
	cr_assert_str_eq(text("record.properties.after.nameSingular"), "gtInvoice");
}

Test(runner_event, every_recording_is_an_event_of_its_name)
{
	static const char *const names[] = {"company.created", "gtInvoice.created", "note.created",
		"note.updated", "opportunity.created", "opportunity.updated-stage",
		"person.created", "person.created-batch-1of3", "person.deleted", "person.destroyed",
		"person.restored", "person.updated", "person.updated-by-merge", "task.created",
		"taskTarget.created", "workflowRun.updated"};
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		parse_file(names[i]);
		size_t n = strcspn(names[i], "-");
		cr_assert_eq(strncmp(event->name, names[i], n), 0, "%s", names[i]);
		cr_assert_eq(strlen(event->name), n);
		cr_assert(event->has_digest);
		done();
	}
}

Test(runner_event, the_published_body_means_the_same)
{
	cr_assert_eq(parse("{\"event\":\"person.created\",\"data\":{\"id\":\"a-b\",\"name\":{}},"
			   "\"timestamp\":\"2026-01-02T03:04:05.000Z\"}"),
		RC_OK, "%s", err.msg);
	cr_assert_str_eq(event->name, "person.created");
	cr_assert_str_eq(event->record_id, "a-b");
	cr_assert_str_eq(text("at"), "2026-01-02T03:04:05.000Z");
}

Test(runner_event, another_source_gives_its_body_and_headers)
{
	cr_assert_eq(parse_form(slice_of("{\"type\":\"invoice.paid\"}"), EVENT_HOOK), RC_OK, "%s",
		err.msg);
	cr_assert_str_eq(event->name, "hook:stripe");
	cr_assert_str_eq(event->record_id, "");
	cr_assert_str_eq(text("hook"), "stripe");
	cr_assert_str_eq(text("record.type"), "invoice.paid");
	cr_assert_str_eq(text("headers.stripe-signature"), "t=1");
	cr_assert_str_eq(text("headers.x-odd"), "two");
	cr_assert_not(event->has_digest);
}

Test(runner_event, a_form_of_another_source_is_its_record)
{
	struct event_input in = {
		.id = {"01h0000000000000000000000a"},
		.source = "github",
		.via = "hook",
		.form = EVENT_HOOK,
		.headers = slice_of("x-github-event: push\n"
				    "content-type: application/x-www-form-urlencoded\n"),
		.body = slice_of("payload=%7B%22ref%22%3A%22main%22%7D"),
	};
	cr_assert_eq(event_parse(&in, &event, &err), RC_OK, "%s", err.msg);
	seen = json_loadb(event->text, event->text_n, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_str_eq(text("record.ref"), "main");
	cr_assert_str_eq(text("headers.x-github-event"), "push");
	event_unref(event);
	in.body = slice_of("payload=%zz");
	cr_assert_eq(event_parse(&in, &event, &err), RC_PARSE);
	event = NULL;
}

Test(runner_event, the_digest_ignores_when_it_was_sent_and_the_order_of_keys)
{
	uint8_t first[DIGEST_N];
	cr_assert_eq(
		parse("{\"eventName\":\"person.updated\",\"eventDate\":\"2026-01-01T00:00:00Z\","
		      "\"record\":{\"id\":\"x\",\"a\":1,\"b\":2},\"updatedFields\":[\"a\"]}"),
		RC_OK);
	memcpy(first, event->digest, DIGEST_N);
	done();
	cr_assert_eq(
		parse("{\"updatedFields\":[\"a\"],\"record\":{\"b\":2,\"a\":1,\"id\":\"x\"},"
		      "\"eventDate\":\"2026-02-02T00:00:00Z\",\"eventName\":\"person.updated\"}"),
		RC_OK);
	cr_assert(digest_equal(first, event->digest));
}

/* Records without updatedAt. */
Test(runner_event, the_digest_tells_changes_of_one_record_apart)
{
	static const char *const bodies[] = {
		"{\"eventName\":\"person.updated\",\"record\":{\"id\":\"x\",\"a\":1},"
		"\"updatedFields\":[\"a\"]}",
		"{\"eventName\":\"person.updated\",\"record\":{\"id\":\"x\",\"a\":2},"
		"\"updatedFields\":[\"a\"]}",
		"{\"eventName\":\"person.updated\",\"record\":{\"id\":\"x\",\"a\":1},"
		"\"updatedFields\":[\"b\"]}",
		"{\"eventName\":\"person.updated\",\"record\":{\"id\":\"y\",\"a\":1},"
		"\"updatedFields\":[\"a\"]}",
		"{\"eventName\":\"person.created\",\"record\":{\"id\":\"x\",\"a\":1},"
		"\"updatedFields\":[\"a\"]}",
	};
	uint8_t sums[ARRAY_N(bodies)][DIGEST_N];
	for (size_t i = 0; i < ARRAY_N(bodies); i++) {
		cr_assert_eq(parse(bodies[i]), RC_OK);
		memcpy(sums[i], event->digest, DIGEST_N);
		done();
		for (size_t k = 0; k < i; k++)
			cr_assert_not(digest_equal(sums[i], sums[k]), "%zu and %zu", i, k);
	}
}

#define CHANGE(action, rest)                                                                       \
	"{\"eventName\":\"person." action "\",\"eventDate\":\"2026-02-02T00:00:00Z\",\"record\":{" \
	"\"id\":\"x\",\"createdAt\":\"2026-01-01T00:00:00.000Z\"," rest

/* Does the digest say that these two are one change? */
static bool is_one(const char *a, const char *b)
{
	uint8_t first[DIGEST_N];
	cr_assert_eq(parse(a), RC_OK, "%s", err.msg);
	memcpy(first, event->digest, DIGEST_N);
	done();
	cr_assert_eq(parse(b), RC_OK, "%s", err.msg);
	bool one = digest_equal(first, event->digest);
	done();
	return one;
}

Test(runner_event, a_change_is_the_same_however_it_became_known)
{
	static const char hook[] = CHANGE("created",
		"\"updatedAt\":\"2026-01-01T00:00:00.000Z\",\"a\":1,\"searchVector\":\"'a':1\"}}");
	cr_expect(is_one(
		hook, CHANGE("updated", "\"a\":1,\"updatedAt\":\"2026-01-01T00:00:00.000Z\"}}")));
	cr_expect(is_one(hook, CHANGE("restored", "\"a\":1,\"searchVector\":\"'\\\"a':2\","
						  "\"updatedAt\":\"2026-01-01T00:00:00.000Z\"},"
						  "\"updatedFields\":[\"deletedAt\"]}")));
	cr_expect_not(is_one(
		hook, CHANGE("updated", "\"a\":2,\"updatedAt\":\"2026-01-01T00:00:00.000Z\"}}")));
	cr_expect_not(is_one(
		hook, CHANGE("updated", "\"a\":1,\"updatedAt\":\"2026-01-01T00:00:00.001Z\"}}")));
	cr_expect_not(is_one(
		hook, CHANGE("deleted", "\"a\":1,\"updatedAt\":\"2026-01-01T00:00:00.000Z\"}}")));
}

Test(runner_event, a_record_is_destroyed_once_in_its_life)
{
	static const char hook[] =
		CHANGE("destroyed", "\"a\":1,\"updatedAt\":\"2026-01-01T00:00:05.000Z\"}}");
	cr_expect(is_one(
		hook, CHANGE("destroyed", "\"a\":0,\"updatedAt\":\"2026-01-01T00:00:01.000Z\"}}")));
	cr_expect_not(is_one(
		hook, CHANGE("deleted", "\"a\":1,\"updatedAt\":\"2026-01-01T00:00:05.000Z\"}}")));
	cr_expect_not(is_one(hook, "{\"eventName\":\"person.destroyed\",\"record\":{\"id\":\"x\","
				   "\"createdAt\":\"2026-01-01T00:00:04.000Z\",\"a\":1,"
				   "\"updatedAt\":\"2026-01-01T00:00:05.000Z\"}}"));
	cr_expect_not(is_one(hook, "{\"eventName\":\"company.destroyed\",\"record\":{\"id\":\"x\","
				   "\"createdAt\":\"2026-01-01T00:00:00.000Z\",\"a\":1,"
				   "\"updatedAt\":\"2026-01-01T00:00:05.000Z\"}}"));
}

Test(runner_event, a_recorded_delivery_is_one_change_with_what_a_list_says_of_it)
{
	struct buf out;
	uint8_t sum[DIGEST_N];
	buf_init(&out, 1 << 20);
	parse_file("person.restored");
	memcpy(sum, event->digest, DIGEST_N);
	json_t *record = json_incref(event->record);
	done();
	json_object_del(record, "searchVector");
	cr_assert_eq(buf_put_text(&out, "{\"eventName\":\"person.updated\",\"record\":"), RC_OK);
	cr_assert_eq(dump_value(&out, record), RC_OK);
	cr_assert_eq(buf_put_text(&out, "}"), RC_OK);
	json_decref(record);
	cr_assert_eq(parse_form(buf_slice(&out), EVENT_TWENTY), RC_OK);
	cr_expect(digest_equal(sum, event->digest));
	buf_done(&out);
}

/* --- what was before ----------------------------------------------------------------------------
 */

static void see_again(void)
{
	json_decref(seen);
	seen = json_loadb(event->text, event->text_n, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(seen);
}

Test(runner_event, before_and_true_fields_take_their_place_in_the_text)
{
	parse_file("opportunity.updated-stage");
	cr_assert_eq(event->before_n, 0u);
	cr_assert_eq(event->updated_ms, clock_parse("2026-11-23T18:25:02.057Z"));
	cr_assert_eq(event_put_past(event, json_pack("[s,s]", "name", "stage"),
			     slice_of("{\"id\":\"1\",\"stage\":\"NEW\"}")),
		RC_OK);
	see_again();
	cr_expect_str_eq(text("before.stage"), "NEW");
	cr_expect_str_eq(text("record.stage"), "PROPOSAL");
	cr_expect_eq(json_array_size(json_object_get(seen, "fields")), 2u);
	cr_expect_eq(json_array_size(event->fields), 2u);
	cr_expect(slice_equal(event_before(event), slice_of("{\"id\":\"1\",\"stage\":\"NEW\"}")));
	cr_expect_eq(event_record(event).p[0], '{');
	cr_assert_eq(event_put_past(event, NULL, (struct slice){0}), RC_OK);
	see_again();
	cr_expect_null(json_object_get(seen, "before"));
	cr_expect_eq(json_array_size(json_object_get(seen, "fields")), 2u, "as they were");
}

Test(runner_event, what_was_routed_is_recalled)
{
	parse_file("opportunity.updated-stage");
	cr_assert_eq(event_recall(event,
			     slice_of("{\"before\":{\"stage\":\"NEW\"},\"fields\":[\"stage\"],"
				      "\"new\":[\"amount\"]}"),
			     &err),
		RC_OK, "%s", err.msg);
	see_again();
	cr_expect_str_eq(text("before.stage"), "NEW");
	cr_expect_str_eq(text("before.name"), "Big deal");
	cr_expect_null(json_object_get(json_object_get(seen, "before"), "amount"));
	cr_assert_eq(event_recall(event, slice_of("?"), &err), RC_PARSE);
	cr_expect_not_null(strstr(err.msg, "is damaged"));
}

Test(runner_event, a_before_that_makes_the_event_too_large_is_left_out)
{
	size_t n = 9u << 20;
	char *large = malloc(n + 1);
	cr_assert_not_null(large);
	struct buf body;
	buf_init(&body, 16u << 20);
	memset(large, 'x', n);
	large[n] = '\0';
	cr_assert_eq(
		buf_printf(&body,
			"{\"eventName\":\"note.updated\",\"record\":{\"id\":\"x\",\"t\":\"%s\"}}",
			large),
		RC_OK);
	cr_assert_eq(parse_form(buf_slice(&body), EVENT_TWENTY), RC_OK, "%s", err.msg);
	cr_assert_eq(event_put_past(event, json_pack("[s]", "t"), event_record(event)), RC_OK);
	see_again();
	cr_expect_null(json_object_get(seen, "before"));
	cr_expect_eq(event->before_n, 0u);
	cr_expect_eq(json_array_size(event->fields), 1u);
	buf_done(&body);
	free(large);
}

struct bad {
	const char *body, *says;
};

Test(runner_event, what_is_no_event_is_refused_with_its_reason)
{
	static const struct bad bad[] = {
		{"", "empty"},
		{" \n\t", "empty"},
		{"7", "neither an object nor an array"},
		{"\"person.created\"", "neither an object nor an array"},
		{"null", "neither an object nor an array"},
		{"{\"eventName\":\"person.created\",\"record\":{\"id\":\"x\"", "not JSON"},
		{"{\"eventName\":\"person.created\",\"eventName\":\"person.deleted\"}",
			"appears twice"},
		{"{\"eventName\":\"person.created\",\"record\":{\"id\":\"\xff\xfe\"}}", "UTF-8"},
		{"{\"eventName\":\"person.created\",\"record\":{\"id\":\"\\u0000\"}}", "NUL"},
		{"[]", "a list, not an event"},
		{"{}", "names no event"},
		{"{\"eventName\":5}", "names no event"},
		{"{\"eventName\":\"person\",\"record\":{\"id\":\"x\"}}", "no name of an event"},
		{"{\"eventName\":\"per son.created\",\"record\":{\"id\":\"x\"}}", "no name"},
		{"{\"eventName\":\"person.\\\"\",\"record\":{\"id\":\"x\"}}", "no name"},
		{"{\"eventName\":\"person.created\"}", "no object `record`"},
		{"{\"eventName\":\"person.created\",\"record\":[]}", "no object `record`"},
		{"{\"eventName\":\"person.created\",\"record\":{}}", "no id"},
		{"{\"eventName\":\"person.created\",\"record\":{\"id\":7}}", "no id"},
		{"{\"eventName\":\"p.created\",\"record\":{\"id\":\"x\"},\"updatedFields\":3}",
			"no list"},
	};
	for (size_t i = 0; i < ARRAY_N(bad); i++) {
		enum rc rc = parse(bad[i].body);
		cr_assert(rc == RC_PARSE || rc == RC_INVALID, "%s", bad[i].body);
		cr_assert(strstr(err.msg, bad[i].says) != NULL, "%s: %s", bad[i].body, err.msg);
		cr_assert(event == NULL);
	}
}

static char *repeat(const char *piece, size_t n)
{
	size_t m = strlen(piece);
	char *all = malloc(n * m + 1);
	cr_assert(all != NULL);
	for (size_t i = 0; i < n; i++)
		memcpy(all + i * m, piece, m);
	all[n * m] = '\0';
	return all;
}

Test(runner_event, depth_and_number_of_values_are_bounded_before_parsing)
{
	static const struct {
		const char *piece;
		size_t n;
		const char *says;
	} bombs[] = {
		{"[", 100000, "nested deeper than 64"},
		{"{\"a\":", 100000, "nested deeper than 64"},
		{"{}", 1 << 20, "more than 200000 marks"},
		{"1,", 1 << 20, "more than 200000 marks"},
	};
	for (size_t i = 0; i < ARRAY_N(bombs); i++) {
		char *body = repeat(bombs[i].piece, bombs[i].n);
		cr_assert_eq(parse(body), RC_TOO_LARGE, "%s", bombs[i].piece);
		cr_assert(strstr(err.msg, bombs[i].says) != NULL, "%s", err.msg);
		free(body);
	}
}

Test(runner_event, marks_inside_texts_do_not_count)
{
	char *many = repeat("{[,:\\\"", 50000);
	size_t n = strlen(many) + 128;
	char *body = malloc(n);
	cr_assert(body != NULL);
	snprintf(body, n, "{\"eventName\":\"note.created\",\"record\":{\"id\":\"x\",\"t\":\"%s\"}}",
		many);
	cr_assert_eq(parse(body), RC_OK, "%s", err.msg);
	free(many);
	free(body);
}

Test(runner_event, sixty_four_levels_are_fine)
{
	char *open = repeat("[", 62), *shut = repeat("]", 62);
	char body[512];
	snprintf(body, sizeof(body),
		"{\"eventName\":\"note.created\",\"record\":{\"id\":\"x\",\"t\":%s%s}}", open,
		shut);
	cr_assert_eq(parse(body), RC_OK, "%s", err.msg);
	free(open);
	free(shut);
}

Test(runner_event, a_truncated_delivery_is_refused_wherever_it_ends)
{
	struct buf body;
	buf_init(&body, 8 << 20);
	cr_assert_eq(file_read(AT_FDCWD, WEBHOOKS "person.updated.body", FILE_LINKS_FOLLOWED, &body,
			     &err),
		RC_OK);
	for (size_t n = 0; n < body.n; n++) {
		struct slice part = {body.p, n};
		cr_assert_eq(parse_form(part, EVENT_TWENTY), RC_PARSE, "%zu bytes", n);
	}
	buf_done(&body);
}
