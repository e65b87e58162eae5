/* SPDX-License-Identifier: MIT */
/*
 * The front door of the client.
 * From: the runner, calls of rules. To: engine.c. What is wrong with a call itself is said here, at
 * once, before anything waits; what Twenty says comes to the call back. The options of the room are
 * declared here.
 */
#include "client/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/clock.h"
#include "client/document.h"
#include "client/engine.h"
#include "client/notice.h"
#include "client/operation.h"
#include "client/schema.h"
#include "client/stand_in.h"
#include "client/url.h"
#include "client/waiting.h"
#include "client/web.h"
#include "client/web_request.h"

static const struct conf_option options[] = {
	{"twenty.url", CONF_TEXT, "!", 0, 0, NULL,
		"address of Twenty, such as https://crm.example.com"},
	{"twenty.key", CONF_SECRET, "!", 0, 0, NULL,
		"API key of Twenty (Settings, APIs & Webhooks)"},
	{"twenty.dialect", CONF_CHOICE, "auto", 0, 0, "auto core docs",
		"form of Twenty's REST API; auto finds out"},
	{"twenty.budget", CONF_RATE, "100/m", 0, 0, NULL,
		"requests to Twenty, at most: fewer where it asks for that (cloud users report "
		"50/m); none: unlimited"},
	{"twenty.timeout", CONF_DURATION, "30s", 100, 600000, NULL,
		"for one request, from its start to the last byte of its answer"},
	{"twenty.insecure", CONF_BOOL, "false", 0, 0, NULL,
		"allow http:// to another machine: the key goes out in the clear"},
	{"twenty.ca", CONF_TEXT, NULL, 0, 0, NULL,
		"file of certificates to trust with https, where the machine does not know the "
		"authority"},
	{"notify.url", CONF_TEXT, NULL, 0, 0, NULL,
		"where to POST that there are new issues (dead letters, quarantine ..): counts, no "
		"personal data; https, or loopback"},
	{"notify.secret", CONF_SECRET, NULL, 0, 0, NULL,
		"signs those messages as Standard Webhooks do; whsec_.. or any text"},
	{"notify.every", CONF_DURATION, "5m", 1000, 86400000, NULL,
		"one message in that time, at most"},
	{"http.allow", CONF_LIST, NULL, 0, 0, NULL,
		"hosts that http calls of rules may reach: api.example.com (https), with its "
		":port, *.example.com, http://127.0.0.1:8080"},
	{"secrets", CONF_MAP, NULL, 0, 0, NULL,
		"what rules get from secret \"NAME\"; the values stay in the runner"},
	{"coalesce.read", CONF_BOOL, "true", 0, 0, NULL,
		"reads that are the same become one request while calls wait for budget"},
	{"coalesce.get", CONF_BOOL, "true", 0, 0, NULL, "gets become one list of ids"},
	{"coalesce.create", CONF_BOOL, "true", 0, 0, NULL, "creates become one batch"},
	{"coalesce.duplicates", CONF_BOOL, "true", 0, 0, NULL,
		"searches for duplicates become one"},
	{"coalesce.update", CONF_BOOL, "true", 0, 0, NULL,
		"changes of one record, and the same change of many, become one"},
	{"coalesce.upsert", CONF_CHOICE, "auto", 0, 0, "auto false",
		"different changes of living records become one batch upsert where webhooks of "
		"ours would show a revival"},
};

const struct conf_table client_conf_table = {"client", options, ARRAY_N(options)};

static const struct {
	const char *name;
	bool effect;
} ops[] = {
#define X(code, name, effect) [code] = {name, effect},
	CLIENT_OPS(X)
#undef X
};

struct client {
	struct engine engine;
	struct web *web;
	struct stand_in stand_in; /* who answers instead of a Twenty; submit NULL: nobody */
};

const char *client_op_name(enum client_op op)
{
	return (unsigned)op < CLIENT_OP_N ? ops[op].name : "unknown";
}

enum client_op client_op_find(const char *name)
{
	for (int i = 0; i < CLIENT_OP_N; i++)
		if (strcmp(ops[i].name, name) == 0)
			return (enum client_op)i;
	return CLIENT_OP_N;
}

bool client_op_effect(enum client_op op)
{
	return (unsigned)op < CLIENT_OP_N && ops[op].effect;
}

bool client_call_effect(enum client_op op, const json_t *args)
{
	const char *query = json_string_value(json_object_get(args, "query"));
	if (op == CLIENT_GRAPHQL && query != NULL && document_reads(query))
		return false;
	return op == CLIENT_HTTP ? web_request_effect(args) : client_op_effect(op);
}

static enum rc check_key(const char *key, struct err *err)
{
	if (key == NULL || *key == '\0')
		return err_set(err, RC_INVALID, "twenty.key is empty");
	for (const char *p = key; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F)
			return err_set(err, RC_INVALID,
				"twenty.key holds a blank or a character that no key has");
	if (strlen(key) > 8192)
		return err_set(err, RC_INVALID, "twenty.key is too long");
	return RC_OK;
}

/* Puts the place where a setting was given in front of what is wrong with it. */
static void wrap_origin(const struct conf *conf, const char *key, struct err *err)
{
	struct conf_setting s;
	for (size_t i = 0; conf_below(conf, "twenty", i, &s); i++)
		if (strcmp(s.key, key) == 0)
			(void)err_wrap(err, "%s", s.origin);
}

/* Hosts and secrets of http calls. */
static enum rc check_web(const struct conf *conf, struct err *err)
{
	struct web_allow *allow = NULL;
	struct web_secrets *secrets = NULL;
	enum rc rc = web_allow_new(conf, &allow, err);
	if (rc == RC_OK)
		rc = web_secrets_new(conf, &secrets, err);
	web_allow_free(allow);
	web_secrets_unref(secrets);
	return rc;
}

enum rc client_conf_check(const struct conf *conf, struct err *err)
{
	const char *url = conf_text(conf, "twenty.url");
	char *base = NULL;
	enum rc rc = check_key(conf_text(conf, "twenty.key"), err);
	if (rc != RC_OK) {
		wrap_origin(conf, "twenty.key", err);
		return rc;
	}
	rc = url_check(url != NULL ? url : "",
		conf_bool(conf, "twenty.insecure") ? URL_ANY : URL_TLS, &base, err);
	if (rc != RC_OK)
		wrap_origin(conf, "twenty.url", err);
	else
		free(base);
	const char *notify = conf_text(conf, "notify.url");
	if (rc == RC_OK && notify != NULL && notify[0] != '\0') {
		rc = notice_check(notify, err);
		if (rc != RC_OK)
			wrap_origin(conf, "notify.url", err);
	}
	return rc == RC_OK ? check_web(conf, err) : rc;
}

enum rc client_new(
	const struct conf *conf, struct sd_event *loop, struct client **ret_client, struct err *err)
{
	const char *url = conf_text(conf, "twenty.url"), *key = conf_text(conf, "twenty.key");
	enum rc rc = check_key(key, err);
	char *base = NULL;
	if (rc == RC_OK && url == NULL)
		rc = err_set(err, RC_INVALID, "twenty.url is missing");
	if (rc == RC_OK)
		rc = url_check(
			url, conf_bool(conf, "twenty.insecure") ? URL_ANY : URL_TLS, &base, err);
	if (rc != RC_OK)
		return rc;
	struct client *client = calloc(1, sizeof(*client));
	if (client == NULL) {
		free(base);
		return err_set(err, RC_NOMEM, "no memory for the client");
	}
	struct engine_conf settings = {
		.url = base,
		.key = key,
		.dialect = conf_text(conf, "twenty.dialect"),
		.ca = conf_text(conf, "twenty.ca"),
		.per_hour = conf_int(conf, "twenty.budget"),
		.deadline_ms = conf_int(conf, "twenty.timeout"),
		.coalesce = {.read = conf_bool(conf, "coalesce.read"),
			.get = conf_bool(conf, "coalesce.get"),
			.create = conf_bool(conf, "coalesce.create"),
			.duplicates = conf_bool(conf, "coalesce.duplicates"),
			.update = conf_bool(conf, "coalesce.update"),
			.upsert = strcmp(conf_text(conf, "coalesce.upsert"), "auto") == 0},
	};
	rc = engine_open(&client->engine, &settings, loop, err);
	free(base);
	if (rc == RC_OK)
		rc = web_new(conf, loop, &client->web, err);
	if (rc != RC_OK) {
		client_free(client);
		return rc;
	}
	engine_wake(&client->engine);
	*ret_client = client;
	return RC_OK;
}

enum rc client_new_stand_in(
	const struct stand_in *stand_in, struct client **ret_client, struct err *err)
{
	struct client *client = calloc(1, sizeof(*client));
	if (client == NULL)
		return err_set(err, RC_NOMEM, "no memory for the client");
	client->stand_in = *stand_in;
	*ret_client = client;
	return RC_OK;
}

void client_permit(struct client *client, bool (*may)(void *ctx), void *ctx)
{
	if (client->stand_in.submit != NULL)
		return;
	transport_permit(client->engine.transport, may, ctx);
	web_permit(client->web, may, ctx);
}

void client_free(struct client *client)
{
	if (client == NULL)
		return;
	if (client->stand_in.submit == NULL)
		engine_close(&client->engine);
	web_free(client->web);
	free(client);
}

static bool is_name(const char *text)
{
	size_t n = 0;
	if (text == NULL)
		return false;
	for (; text[n] != '\0'; n++) {
		char c = text[n];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && (n == 0 || c < '0' || c > '9'))
			return false;
	}
	return n > 0 && n < CALL_OBJECT_MAX;
}

/* Roots of the API that look like an object and are none. */
static bool is_root(const char *text)
{
	static const char *const roots[] = {"batch", "duplicates", "graphql", "groupBy", "metadata",
		"open-api", "restore", "webhooks"};
	for (size_t i = 0; i < ARRAY_N(roots); i++)
		if (strcasecmp(roots[i], text) == 0)
			return true;
	return false;
}

static enum rc check(const struct client *client, const struct client_call *call, struct err *err)
{
	if ((unsigned)call->op >= CLIENT_OP_N || (unsigned)call->lane >= CLIENT_LANE_N ||
		call->done == NULL)
		return err_set(err, RC_INVALID, "no such call");
	if (call->op == CLIENT_HTTP)
		return strcmp(call->object, "http") == 0 ? RC_OK
							 : err_set(err, RC_INVALID, "no such call");
	if (!is_name(call->object))
		return err_set(err, RC_DENIED, "the name of an object has letters and digits only");
	bool graphql = call->op == CLIENT_GRAPHQL && strcmp(call->object, "graphql") == 0;
	if (is_root(call->object) && !graphql)
		return err_set(err, RC_DENIED, "%s is no object of the CRM", call->object);
	if (!json_is_object(call->args) && json_array_size(call->args) > 0)
		return err_set(
			err, RC_INVALID, "%s: named arguments are expected", ops[call->op].name);
	return operations[call->op]->check(client->engine.schema, call->object, call->args, err);
}

enum rc client_submit(struct client *client, const struct client_call *call, uint64_t *ret_ticket,
	struct err *err)
{
	if (client->engine.closing)
		return err_set(err, RC_CLOSED, "the client is closed");
	enum rc rc = check(client, call, err);
	if (rc == RC_OK && client->stand_in.submit != NULL)
		return client->stand_in.submit(client->stand_in.ctx, call, ret_ticket, err);
	if (rc == RC_OK && call->op == CLIENT_HTTP) {
		uint64_t ticket = ++client->engine.next_ticket;
		rc = web_submit(client->web, call, ticket, err);
		if (rc == RC_OK)
			*ret_ticket = ticket;
		return rc;
	}
	if (rc != RC_OK)
		return rc;
	struct call *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory for a call");
	request_init(&c->request);
	c->op = call->op;
	c->lane = call->lane;
	c->args = json_is_object(call->args) ? json_incref(call->args) : json_object();
	c->name = strdup(call->name != NULL ? call->name : "");
	c->since_ms = call->since_ms;
	c->done = call->done;
	c->ctx = call->ctx;
	snprintf(c->object, sizeof(c->object), "%s", call->object);
	if (c->name == NULL || c->args == NULL) {
		call_free(c);
		return err_set(err, RC_NOMEM, "no memory for a call");
	}
	engine_add(&client->engine, c);
	*ret_ticket = c->ticket;
	return RC_OK;
}

enum rc client_renew(struct client *client, const struct conf *conf, struct err *err)
{
	return client->stand_in.submit != NULL ? RC_OK : web_renew(client->web, conf, err);
}

const struct schema *client_schema(const struct client *client)
{
	return client != NULL ? client->engine.schema : NULL;
}

void client_schema_ask(struct client *client)
{
	client->engine.schema_due = true;
	engine_wake(&client->engine);
}

unsigned client_schema_n(const struct client *client)
{
	return client != NULL ? client->engine.schema_n : 0;
}

void client_purse_share(struct client *client, const struct client_purse *purse)
{
	struct engine *e = &client->engine;
	uint64_t id = 0;
	if (client->stand_in.submit != NULL)
		return;
	while (id == 0)
		if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
			id = (uint64_t)clock_mono_us();
	ration_share(&e->ration, purse, id);
	engine_wake(e);
}

void client_purse_came(struct client *client, const struct client_purse_answer *answer)
{
	if (client->stand_in.submit != NULL)
		return;
	ration_came(&client->engine.ration, answer, clock_mono_ms());
	engine_wake(&client->engine);
}

void client_heard(struct client *client, const struct client_event *event)
{
	struct engine *e = &client->engine;
	if (client->stand_in.submit != NULL)
		return;
	const struct schema_object *object = schema_object(e->schema, event->object);
	if (object != NULL)
		hearing_event(e, object->plural, event->record, event->fields, clock_mono_ms());
}

enum client_wait client_waits(struct client *client)
{
	return client->stand_in.submit != NULL
		       ? CLIENT_WAIT_NONE
		       : hearing_waits(&client->engine.hearing, clock_mono_ms());
}

struct listener {
	const struct schema *schema;
	client_listen_fn fn;
	void *ctx;
};

static void listen_one(void *ctx, const char *object, const char *record)
{
	struct listener *l = ctx;
	l->fn(l->ctx, client_singular(l->schema, object), record);
}

void client_listen(const struct client *client, client_listen_fn fn, void *ctx)
{
	struct listener l = {client->engine.schema, fn, ctx};
	if (client->stand_in.submit == NULL)
		hearing_listen(&client->engine.hearing, listen_one, &l);
}

int64_t client_clock_ms(const struct client *client)
{
	return client->stand_in.submit != NULL ? clock_wall_ms()
					       : transport_clock_ms(client->engine.transport);
}

void client_cancel(struct client *client, uint64_t ticket)
{
	if (client->stand_in.submit != NULL)
		client->stand_in.cancel(client->stand_in.ctx, ticket);
	else if (!web_cancel(client->web, ticket))
		engine_cancel(&client->engine, ticket);
}

bool client_acted(const struct client *client, uint64_t ticket)
{
	const struct call *c = client->engine.all;
	while (c != NULL && (c->ticket != ticket || c->done == NULL))
		c = c->all_next;
	if (c == NULL && client->web == NULL)
		return false;
	return c != NULL ? c->acted : web_acted(client->web, ticket);
}

void client_status(const struct client *client, struct client_status *ret_status)
{
	const struct engine *e = &client->engine;
	if (client->stand_in.submit != NULL) {
		*ret_status = (struct client_status){
			.dialect = "core", .reachable = true, .tokens = -1, .rate = -1};
		ret_status->waiting_for = "";
		return;
	}
	const struct dialect *d = e->probe.dialect != NULL ? e->probe.dialect : e->probe.chosen;
	*ret_status = (struct client_status){
		.dialect = d != NULL ? d->name : "unknown",
		.reachable = e->line.state == LINE_UP || e->line.state == LINE_DOUBT ||
			     e->line.state == LINE_REFUSED,
		.refused = e->line.state == LINE_REFUSED,
		.calls = e->calls,
		.requests = e->requests,
		.waiting = e->waiting,
		.in_flight = e->on_wire,
		.tokens = ration_tokens(&e->ration, clock_mono_ms()),
	};
	snprintf(ret_status->problem, sizeof(ret_status->problem), "%s", e->line.problem);
	waiting_read(e, clock_mono_ms(), ret_status);
}
