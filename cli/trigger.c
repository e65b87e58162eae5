/* SPDX-License-Identifier: MIT */
/*
 * The verb `trigger`: makes up a delivery or takes one from a file, signs it as its sender does,
 * and posts it to the own listener. From: main.c. To: the receiver, over loopback like any
 * delivery, so that the whole way is tried. Prints the id of the event. It never speaks to anybody
 * but the configured listener.
 */
#include <curl/curl.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "cli/args.h"
#include "cli/delivery.h"
#include "cli/here.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "receiver/source.h"
#include "receiver/verify.h"

#define ANSWER_MAX 65536
#define TIMEOUT_S 15
#define BODY_BYTES_MAX (64U << 20)
#define HEADERS_BYTES_MAX 65536

struct post {
	char url[TARGET_TEXT_N];
	struct source_set *set;
	const struct source *source;
	const char *secret; /* the first; BORROWS from conf */
	struct buf body, headers, answer;
	long status;
};

/* What signs: the source with its secrets, as the receiver reads it. */
static enum cli_exit find_source(
	const struct conf *conf, const char *name, const char *config, struct post *p)
{
	char key[192];
	struct err err = {.msg = ""};
	snprintf(key, sizeof(key), "source.%s.secrets", name);
	for (size_t i = 1; (p->secret = conf_item(conf, key, i)) != NULL; i++)
		if (p->secret[0] != '\0')
			break;
	if (p->secret == NULL)
		return args_fail(CLI_CONFIG,
			"%s: source \"%s\" has no secret here; is the environment variable or file "
			"that it reads set in this shell?",
			config, name);
	if (source_set_one(conf, name, &p->set, &err) != RC_OK)
		return args_fail(CLI_CONFIG, "%s: %s", config, err.msg);
	p->source = source_find(p->set, name);
	return CLI_OK;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
	struct post *p = ctx;
	return buf_put(&p->answer, bytes, size * n) == RC_OK ? size * n : 0;
}

/* The scheme's headers, and those of --header. */
static enum rc sign(const struct args *args, struct post *p)
{
	struct id id;
	const char *line;
	enum rc rc = id_new(clock_wall_ms(), &id, NULL);
	struct signing what = {.body = buf_slice(&p->body),
		.at_ms = clock_wall_ms(),
		.id = id.text,
		.token = p->secret};
	if (rc == RC_OK)
		rc = p->source->scheme->sign(p->source, &what, &p->headers);
	for (size_t i = 0; rc == RC_OK && (line = args_flag_at(args, "header", i)) != NULL; i++)
		rc = buf_printf(&p->headers, "%s\n", line);
	if (rc == RC_OK && strcasestr(p->headers.p, "content-type:") == NULL)
		rc = buf_put_text(&p->headers, "Content-Type: application/json\n");
	return rc;
}

/* NULL: no memory. */
static struct curl_slist *lines_of(const struct buf *headers)
{
	struct curl_slist *list = NULL;
	for (char *p = headers->p; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		char *line = strndup(p, n);
		struct curl_slist *longer = line != NULL ? curl_slist_append(list, line) : NULL;
		free(line);
		if (longer == NULL) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = longer;
		p += n + (p[n] == '\n');
	}
	return list;
}

static enum cli_exit send_post(const struct args *args, struct post *p)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = sign(args, p) == RC_OK ? lines_of(&p->headers) : NULL;
	if (curl == NULL || headers == NULL) {
		curl_easy_cleanup(curl);
		curl_slist_free_all(headers);
		return args_fail(CLI_FAILED, "no memory");
	}
	(void)curl_easy_setopt(curl, CURLOPT_URL, p->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, p->body.n != 0 ? p->body.p : "");
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body.n);
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

/* ---- what is sent ---- */

static enum cli_exit read_file(const char *path, struct buf *body)
{
	struct err err = {.msg = ""};
	if (strcmp(path, "-") != 0) {
		if (file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, body, &err) != RC_OK)
			return args_fail(CLI_USAGE, "%s", err.msg);
		return CLI_OK;
	}
	char bytes[4096];
	size_t n;
	while ((n = fread(bytes, 1, sizeof(bytes), stdin)) > 0)
		if (buf_put(body, bytes, n) != RC_OK)
			return args_fail(
				CLI_USAGE, "what comes in is larger than %u bytes", BODY_BYTES_MAX);
	return CLI_OK;
}

/* TAKES made. */
static enum cli_exit put_json(json_t *made, struct buf *body)
{
	char *text = json_dumps(made, JSON_COMPACT);
	enum rc rc = text != NULL ? buf_put_text(body, text) : RC_NOMEM;
	free(text);
	json_decref(made);
	return rc == RC_OK ? CLI_OK : args_fail(CLI_FAILED, "no memory");
}

static size_t sets_of(const struct args *args, const char *ret_sets[static ARGS_MAX])
{
	size_t n = 0;
	while (n < ARGS_MAX && (ret_sets[n] = args_flag_at(args, "set", n)) != NULL)
		n++;
	return n;
}

/* hook: the event's name is that of a source, and whatever is sent is its record. */
static enum cli_exit make_body(const struct args *args, bool hook, struct post *p)
{
	const char *sets[ARGS_MAX], *file = args_flag(args, "file");
	struct err err = {.msg = ""};
	size_t n = sets_of(args, sets);
	json_t *body = NULL;
	if (file != NULL && n != 0)
		return args_fail(
			CLI_USAGE, "--file has the whole body, so --set does not go with it");
	if (file != NULL)
		return read_file(file, &p->body);
	enum rc rc = hook ? delivery_of_hook(p->source->scheme->name, sets, n, &body, &err)
			  : delivery_new(args->operands[0], sets, n, &body, &err);
	return rc == RC_OK ? put_json(body, &p->body)
			   : (enum cli_exit)args_fail(CLI_USAGE, "%s", err.msg);
}

static enum cli_exit check_headers(const struct args *args)
{
	const char *line;
	for (size_t i = 0; (line = args_flag_at(args, "header", i)) != NULL; i++)
		if (strchr(line, ':') == NULL || strpbrk(line, "\r\n") != NULL || line[0] == ':')
			return args_fail(CLI_USAGE, "--header wants \"name: value\", such as "
						    "--header \"x-github-event: "
						    "push\"");
	return CLI_OK;
}

/* The source by the operand "hook:NAME", by --source, or the first one of Twenty. */
static enum cli_exit choose(const struct args *args, const struct conf *conf, struct post *p)
{
	const char *wanted = args_flag(args, "source"), *event = args->operands[0];
	bool hook = strncmp(event, "hook:", 5) == 0;
	if (hook)
		wanted = event + 5;
	const char *name = here_source(conf, wanted);
	if (name == NULL && wanted != NULL)
		return args_fail(CLI_USAGE, "%s has no source \"%s\"", args->config, wanted);
	if (name == NULL)
		return args_fail(
			CLI_CONFIG, "%s has no source with the scheme \"twenty\"", args->config);
	enum cli_exit status = find_source(conf, name, args->config, p);
	if (status != CLI_OK)
		return status;
	bool twenty = p->source->scheme == &scheme_twenty;
	if (twenty == hook)
		return args_fail(CLI_USAGE,
			hook ? "source \"%s\" is Twenty's; name an event of it: moonhook trigger "
			       "person.created --source %s"
			     : "source \"%s\" is not Twenty's; what it sends is: moonhook trigger "
			       "hook:%s --file body.json",
			name, name);
	here_listener(conf, name, p->url);
	return make_body(args, hook, p);
}

static int run_trigger(const struct args *args)
{
	struct post p = {.set = NULL};
	struct conf *conf = NULL;
	if (args->operands_n != 1)
		return args_fail(CLI_USAGE,
			"name one event: moonhook trigger person.created --set name.firstName=Ann");
	buf_init(&p.body, BODY_BYTES_MAX);
	buf_init(&p.headers, HEADERS_BYTES_MAX);
	buf_init(&p.answer, ANSWER_MAX);
	enum cli_exit status = check_headers(args);
	if (status == CLI_OK)
		status = cli_settings_load(args, CLI_SETTINGS_PARTIAL, &conf);
	if (status == CLI_OK)
		status = choose(args, conf, &p);
	if (status == CLI_OK)
		status = send_post(args, &p);
	if (status == CLI_OK)
		status = show_answer(args, &p);
	buf_done(&p.body);
	buf_done(&p.headers);
	buf_done(&p.answer);
	source_set_free(p.set);
	conf_free(conf);
	return status;
}

static const struct verb_flag flags[] = {
	{"set", "FIELD=VALUE", "a field of the record, e.g. name.firstName=Ann; may be repeated"},
	{"file", "FILE", "send this body as it stands; - is standard input"},
	{"header", "NAME:VALUE", "one more header, such as x-github-event: push; may be repeated"},
	{"source", "NAME", "as whom to sign; else the first source with the scheme twenty"},
};

const struct verb verb_trigger = {
	.name = "trigger",
	.operands = "OBJECT.ACTION | hook:SOURCE",
	.summary = "send yourself a sample delivery, signed as its sender signs",
	.text = "Prints the id of the event. The record is made up; give it the id of a real one "
		"with\n"
		"--set id=UUID where a rule writes to it. hook:SOURCE is a delivery of a source "
		"other\n"
		"than Twenty, signed with its first secret by its scheme.",
	.examples = {"moonhook trigger person.created --set name.firstName=Ann",
		"moonhook trigger opportunity.updated --set stage=MEETING --set id=$ID",
		"moonhook trigger hook:stripe --file payment.json"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DAEMON, CLI_BUSY, CLI_CONFIG},
	.run = run_trigger,
};
