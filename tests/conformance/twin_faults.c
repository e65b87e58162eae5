/* SPDX-License-Identifier: MIT */
/*
 * The twin's own abilities: faults on purpose, latency, log, seeds, exit codes. Tests lean on them,
 * so they are proved here first.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "base/attr.h"
#include "base/clock.h"
#include "tests/harness/http.h"
#include "tests/harness/port.h"
#include "tests/harness/process.h"

struct bench {
	struct process twin;
	char dir[128], url[64], listen[32];
};

static bool ask(struct bench *b, const char *method, const char *path, const char *body,
	struct http_answer *ret)
{
	char url[512];
	snprintf(url, sizeof(url), "%s%s", b->url, path);
	const char *headers[] = {
		"Authorization: Bearer key", "Content-Type: application/json", NULL};
	return http_request(method, url, headers, body, body != NULL ? strlen(body) : 0, ret);
}

/* The status, 0 where no answer came. */
static int status_of(struct bench *b, const char *method, const char *path, const char *body)
{
	struct http_answer answer = {0};
	int status = ask(b, method, path, body, &answer) ? answer.status : 0;
	http_answer_done(&answer);
	return status;
}

static bool answers(void *arg)
{
	return status_of(arg, "GET", "/_twin/stats", NULL) == 200;
}

static struct bench *bench_new(const char *const *more)
{
	struct bench *b = calloc(1, sizeof(*b));
	cr_assert_not_null(b);
	int port = port_free();
	snprintf(b->listen, sizeof(b->listen), "127.0.0.1:%d", port);
	snprintf(b->url, sizeof(b->url), "http://127.0.0.1:%d", port);
	const char *argv[24] = {process_path("moonhook-twin"), "--listen", b->listen, "--dialect",
		"core", "--key", "key"};
	for (size_t i = 0; more != NULL && more[i] != NULL; i++)
		argv[7 + i] = more[i];
	cr_assert(process_folder(b->dir));
	cr_assert(process_start(&b->twin, b->dir, "twin", argv, NULL));
	cr_assert(process_await(answers, b, 10000), "the twin does not answer");
	return b;
}

static void bench_free(struct bench *b)
{
	int status = process_stop(&b->twin, SIGTERM, 5000);
	char *said = process_read(b->twin.err);
	cr_expect_eq(status, 0, "the twin ended with %d: %s", status, said);
	free(said);
	process_folder_remove(b->dir);
	free(b);
}

static json_int_t people_n(struct bench *b)
{
	struct http_answer answer = {0};
	cr_assert(ask(b, "GET", "/_twin/records/people", NULL, &answer));
	json_t *list = json_loads(answer.body, 0, NULL);
	json_int_t n = (json_int_t)json_array_size(list);
	json_decref(list);
	http_answer_done(&answer);
	return n;
}

Test(twin_faults, the_next_three_fail_and_the_fourth_does_not, .timeout = 30)
{
	struct bench *b = bench_new((const char *const[]){
		"--fault", "status=503:3,retry-after=7,match=POST /rest/people", NULL});
	struct http_answer answer = {0};
	cr_expect_eq(status_of(b, "GET", "/rest/people", NULL), 200);
	cr_assert(ask(b, "POST", "/rest/people", "{}", &answer));
	cr_expect_eq(answer.status, 503);
	cr_expect_not_null(strstr(answer.headers, "Retry-After: 7"));
	http_answer_done(&answer);
	cr_expect_eq(status_of(b, "POST", "/rest/people", "{}"), 503);
	cr_expect_eq(status_of(b, "POST", "/rest/people", "{}"), 503);
	cr_expect_eq(people_n(b), 0, "a refused request had an effect");
	cr_expect_eq(status_of(b, "POST", "/rest/people", "{}"), 201);
	cr_expect_eq(people_n(b), 1);
	bench_free(b);
}

Test(twin_faults, faults_change_at_run_time, .timeout = 30)
{
	struct bench *b = bench_new(NULL);
	cr_expect_eq(status_of(b, "POST", "/_twin/fault", "status=500"), 204);
	cr_expect_eq(status_of(b, "GET", "/rest/people", NULL), 500);
	cr_expect_eq(status_of(b, "POST", "/_twin/fault", "nonsense=1"), 400);
	cr_expect_eq(status_of(b, "GET", "/rest/people", NULL), 500);
	cr_expect_eq(status_of(b, "POST", "/_twin/fault", "none"), 204);
	cr_expect_eq(status_of(b, "GET", "/rest/people", NULL), 200);
	bench_free(b);
}

Test(twin_faults, a_reset_gives_no_answer_and_no_effect, .timeout = 30)
{
	struct bench *b = bench_new((const char *const[]){"--fault", "reset=1", NULL});
	cr_expect_eq(status_of(b, "POST", "/rest/people", "{}"), 0);
	cr_expect_eq(people_n(b), 0);
	cr_expect_eq(status_of(b, "POST", "/rest/people", "{}"), 201);
	bench_free(b);
}

Test(twin_faults, a_cut_answer_is_no_json_but_the_effect_is_there, .timeout = 30)
{
	struct bench *b = bench_new((const char *const[]){"--fault", "cut=100%", NULL});
	struct http_answer answer = {0};
	cr_assert(ask(b, "POST", "/rest/people", "{}", &answer));
	cr_expect_eq(answer.status, 201);
	cr_expect_null(json_loadb(answer.body, answer.body_n, 0, NULL));
	cr_expect_eq(people_n(b), 1);
	http_answer_done(&answer);
	bench_free(b);
}

Test(twin_faults, late_does_it_first_and_answers_later, .timeout = 30)
{
	struct bench *b = bench_new((const char *const[]){"--fault", "late=300", NULL});
	int64_t from_ms = clock_mono_ms();
	cr_expect_eq(status_of(b, "POST", "/rest/people", "{}"), 201);
	cr_expect(clock_mono_ms() - from_ms >= 300);
	cr_expect_eq(people_n(b), 1);
	bench_free(b);
}

Test(twin_faults, latency_delays_the_api_but_not_the_twins_own_paths, .timeout = 30)
{
	struct bench *b = bench_new((const char *const[]){"--latency", "200", NULL});
	int64_t from_ms = clock_mono_ms();
	cr_expect_eq(status_of(b, "GET", "/rest/people", NULL), 200);
	int64_t took_ms = clock_mono_ms() - from_ms;
	cr_expect(took_ms >= 200 && took_ms < 2000, "%lld ms", (long long)took_ms);
	bench_free(b);
}

Test(twin_faults, the_end_does_not_wait_for_answers_that_hang, .timeout = 60)
{
	struct bench *b = bench_new((const char *const[]){"--fault", "hang=100%", NULL});
	struct process curl = {0};
	char url[96];
	snprintf(url, sizeof(url), "%s/rest/people", b->url);
	const char *argv[] = {"/usr/bin/curl", "-s", "-H", "Authorization: Bearer key", url, NULL};
	cr_assert(process_start(&curl, b->dir, "curl", argv, NULL));
	struct http_answer answer = {0};
	for (int64_t until_ms = clock_mono_ms() + 10000; clock_mono_ms() < until_ms;) {
		http_answer_done(&answer);
		answer = (struct http_answer){0};
		cr_assert(ask(b, "GET", "/_twin/log", NULL, &answer));
		if (strstr(answer.body, "/rest/people") != NULL)
			break;
	}
	cr_expect_not_null(strstr(answer.body, "\"status\":0"), "%s", answer.body);
	http_answer_done(&answer);
	cr_expect(process_alive(&curl), "the request that hangs has ended");
	cr_expect_eq(process_stop(&b->twin, SIGTERM, 5000), 0);
	cr_expect_neq(process_wait(&curl, 5000), 0, "curl got an answer");
	process_stop(&curl, SIGKILL, 1000);
	process_folder_remove(b->dir);
	free(b);
}

Test(twin_faults, the_log_lists_what_was_answered, .timeout = 30)
{
	struct bench *b = bench_new(NULL);
	struct http_answer answer = {0};
	cr_expect_eq(status_of(b, "POST", "/rest/people", "{\"jobTitle\":\"x\"}"), 201);
	cr_expect_eq(status_of(b, "GET", "/rest/people?limit=1", NULL), 200);
	cr_assert(ask(b, "GET", "/_twin/log", NULL, &answer));
	char *second = strchr(answer.body, '\n');
	cr_assert_not_null(second);
	*second++ = '\0';
	json_t *a = json_loads(answer.body, 0, NULL), *c = json_loads(second, 0, NULL);
	cr_expect_str_eq(json_string_value(json_object_get(a, "method")), "POST");
	cr_expect_str_eq(json_string_value(json_object_get(a, "body")), "{\"jobTitle\":\"x\"}");
	cr_expect_eq(json_integer_value(json_object_get(a, "status")), 201);
	cr_expect_str_eq(json_string_value(json_object_get(c, "path")), "/rest/people");
	cr_expect_str_eq(json_string_value(json_object_get(c, "query")), "limit=1");
	json_decref(a);
	json_decref(c);
	http_answer_done(&answer);
	bench_free(b);
}

Test(twin_faults, the_same_seed_gives_the_same_records, .timeout = 30)
{
	char *ids[2] = {NULL};
	for (size_t i = 0; i < ARRAY_N(ids); i++) {
		struct bench *b = bench_new((const char *const[]){
			"--records", "100", "--seed", "7", "--budget", "none", NULL});
		struct http_answer answer = {0};
		cr_expect_eq(people_n(b), 100);
		cr_assert(ask(b, "POST", "/graphql",
			"{\"query\":\"{people(first:200){edges{node{id name{lastName} "
			"jobTitle}}}}\"}",
			&answer));
		ids[i] = strdup(answer.body);
		http_answer_done(&answer);
		bench_free(b);
	}
	cr_expect_str_eq(ids[0], ids[1]);
	free(ids[0]);
	free(ids[1]);
}

static int run_to_the_end(const char *const *args, char **ret_err)
{
	char dir[128];
	struct process p = {0};
	const char *argv[16] = {process_path("moonhook-twin")};
	for (size_t i = 0; args[i] != NULL; i++)
		argv[1 + i] = args[i];
	cr_assert(process_folder(dir));
	int status = process_run(&p, dir, "twin", argv, NULL, 10000);
	*ret_err = process_read(p.err);
	process_folder_remove(dir);
	return status;
}

Test(twin_faults, bad_usage_is_a_sentence_and_2, .timeout = 30)
{
	static const char *const wrong[][8] = {
		{"--listen", "127.0.0.1:0", "--dialect", "core", NULL},
		{"--listen", "127.0.0.1:0", "--dialect", "corse", "--key", "k", NULL},
		{"--listen", "127.0.0.1:0", "--dialect", "core", "--key", "k", "--wrong", NULL}};
	for (size_t i = 0; i < ARRAY_N(wrong); i++) {
		char *text = NULL;
		cr_expect_eq(run_to_the_end(wrong[i], &text), 2, "%s", text);
		cr_expect_not_null(strstr(text, "moonhook-twin: "), "%s", text);
		free(text);
	}
	static const char *const spec[] = {"--listen", "127.0.0.1:0", "--dialect", "core", "--key",
		"k", "--fault", "explode=5%", NULL};
	char *text = NULL;
	cr_expect_eq(run_to_the_end(spec, &text), 2);
	cr_expect_not_null(strstr(text, "unknown fault \"explode=5%\""), "%s", text);
	free(text);
}

Test(twin_faults, a_port_in_use_is_a_sentence_and_1, .timeout = 30)
{
	struct bench *b = bench_new(NULL);
	char *text = NULL;
	const char *const args[] = {"--listen", b->listen, "--dialect", "core", "--key", "k", NULL};
	cr_expect_eq(run_to_the_end(args, &text), 1);
	cr_expect_not_null(strstr(text, "cannot listen on 127.0.0.1:"), "%s", text);
	free(text);
	bench_free(b);
}
