/* SPDX-License-Identifier: MIT */
/*
 * The verb `trigger`: makes up a delivery, signs it as Twenty does, and posts it to the own
 * listener. From: main.c. To: the receiver, over loopback like any delivery, so that the whole way
 * is tried. Prints the id of the event. It never speaks to anybody but the configured listener.
 */
#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/id.h"
#include "cli/args.h"
#include "cli/delivery.h"
#include "cli/here.h"
#include "cli/settings.h"
#include "cli/terminal.h"

#define ANSWER_MAX 65536
#define TIMEOUT_S 15

struct post {
	char url[TARGET_TEXT_N];
	const char *secret; /* BORROWS from conf */
	char *body;         /* owned */
	struct buf answer;
	long status;
};

static enum cli_exit find_secret(
	const struct conf *conf, const char *source, const char *config, struct post *p)
{
	char key[192];
	snprintf(key, sizeof(key), "source.%s.scheme", source);
	const char *scheme = conf_text(conf, key);
	if (scheme == NULL || strcmp(scheme, "twenty") != 0)
		return args_fail(CLI_USAGE,
			"source \"%s\" has the scheme %s; trigger signs as Twenty only", source,
			scheme != NULL ? scheme : "(none)");
	snprintf(key, sizeof(key), "source.%s.secrets", source);
	p->secret = conf_item(conf, key, 1);
	if (p->secret == NULL)
		return args_fail(CLI_CONFIG,
			"%s: source \"%s\" has no secret here; is the environment variable or file "
			"that it reads set in this shell?",
			config, source);
	return CLI_OK;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
	struct post *p = ctx;
	return buf_put(&p->answer, bytes, size * n) == RC_OK ? size * n : 0;
}

/* The three headers of Twenty. NULL: no memory. */
static struct curl_slist *sign(const struct post *p)
{
	char at[32], line[160], hex[DIGEST_HEX_N];
	uint8_t mac[DIGEST_N];
	struct id nonce;
	snprintf(at, sizeof(at), "%" PRId64, clock_wall_ms());
	struct slice parts[] = {slice_of(at), slice_of(":"), slice_of(p->body)};
	struct digest_key *key = digest_key_new(slice_of(p->secret));
	bool ok = key != NULL && digest_hmac(key, parts, ARRAY_N(parts), mac) == RC_OK &&
		  id_new(clock_wall_ms(), &nonce, NULL) == RC_OK;
	digest_key_free(key);
	if (!ok)
		return NULL;
	digest_format(mac, hex);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	snprintf(line, sizeof(line), "X-Twenty-Webhook-Timestamp: %s", at);
	headers = curl_slist_append(headers, line);
	snprintf(line, sizeof(line), "X-Twenty-Webhook-Signature: %s", hex);
	headers = curl_slist_append(headers, line);
	snprintf(line, sizeof(line), "X-Twenty-Webhook-Nonce: %s", nonce.text);
	return curl_slist_append(headers, line);
}

static enum cli_exit send_post(struct post *p)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = sign(p);
	if (curl == NULL || headers == NULL) {
		curl_easy_cleanup(curl);
		curl_slist_free_all(headers);
		return args_fail(CLI_FAILED, "no memory");
	}
	(void)curl_easy_setopt(curl, CURLOPT_URL, p->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, p->body);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, p);
	CURLcode code = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &p->status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		return args_fail(CLI_DAEMON,
			"nobody answers at %s (%s); is `moonhook serve` running with this "
			"configuration?",
			p->url, curl_easy_strerror(code));
	return CLI_OK;
}

static enum cli_exit show_answer(const struct args *args, const struct post *p)
{
	json_t *answer = p->answer.n != 0 ? json_loadb(p->answer.p, p->answer.n, 0, NULL) : NULL;
	const char *id = json_string_value(json_object_get(answer, "id"));
	const char *why = json_string_value(json_object_get(answer, "error"));
	enum cli_exit status = CLI_OK;
	if (id == NULL || p->status / 100 != 2)
		status = args_fail(p->status == 503 ? CLI_BUSY : CLI_FAILED,
			"the receiver refused it with %ld%s%s%s", p->status,
			why != NULL ? ": " : "", why != NULL ? why : "",
			p->status == 401 ? " (does the daemon run with the same secret?)" : "");
	else if (args->output != ARGS_TABLE)
		printf("{\"id\":\"%s\",\"repeated\":%s}\n", id,
			p->status == 200 ? "true" : "false");
	else
		puts(id);
	if (status == CLI_OK && args->output == ARGS_TABLE && terminal_is())
		fprintf(stderr, "what came of it: moonhook events show %s\n", id);
	json_decref(answer);
	return status;
}

static enum cli_exit make_body(const struct args *args, struct post *p)
{
	const char *sets[ARGS_MAX];
	struct err err = {.msg = ""};
	size_t n = 0;
	json_t *body = NULL;
	while ((sets[n] = args_flag_at(args, "set", n)) != NULL)
		n++;
	if (delivery_new(args->operands[0], sets, n, &body, &err) != RC_OK)
		return args_fail(CLI_USAGE, "%s", err.msg);
	p->body = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return p->body != NULL ? CLI_OK : args_fail(CLI_FAILED, "no memory");
}

static int run_trigger(const struct args *args)
{
	struct post p = {.body = NULL};
	struct conf *conf = NULL;
	if (args->operands_n != 1)
		return args_fail(CLI_USAGE,
			"name one event: moonhook trigger person.created --set name.firstName=Ann");
	buf_init(&p.answer, ANSWER_MAX);
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_PARTIAL, &conf);
	if (status == CLI_OK) {
		const char *wanted = args_flag(args, "source");
		const char *source = here_source(conf, wanted);
		if (source == NULL && wanted != NULL)
			status = args_fail(
				CLI_USAGE, "%s has no source \"%s\"", args->config, wanted);
		else if (source == NULL)
			status = args_fail(CLI_CONFIG,
				"%s has no source with the scheme \"twenty\"", args->config);
		else
			status = find_secret(conf, source, args->config, &p);
		if (status == CLI_OK)
			here_listener(conf, source, p.url);
	}
	if (status == CLI_OK)
		status = make_body(args, &p);
	if (status == CLI_OK)
		status = send_post(&p);
	if (status == CLI_OK)
		status = show_answer(args, &p);
	free(p.body);
	buf_done(&p.answer);
	conf_free(conf);
	return status;
}

static const struct verb_flag flags[] = {
	{"set", "FIELD=VALUE", "a field of the record, e.g. name.firstName=Ann; may be repeated"},
	{"source", "NAME", "as whom to sign; else the first source with the scheme twenty"},
};

const struct verb verb_trigger = {
	.name = "trigger",
	.operands = "OBJECT.ACTION",
	.summary = "send yourself a sample delivery, signed as Twenty signs",
	.text = "Prints the id of the event. The record is made up; give it the id of a real one "
		"with\n"
		"--set id=UUID where a rule writes to it.",
	.examples = {"moonhook trigger person.created --set name.firstName=Ann",
		"moonhook trigger opportunity.updated --set stage=MEETING --set id=$ID",
		"moonhook trigger rocket.deleted --source twenty -o json"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DAEMON, CLI_BUSY, CLI_CONFIG},
	.run = run_trigger,
};
