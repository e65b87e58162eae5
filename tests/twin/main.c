/* SPDX-License-Identifier: MIT */
/*
 * moonhook-twin: an in-memory Twenty for tests, benchmarks and trying out.
 * From: the command line. To: world.c, serve.c. Exit codes: 0 ended by SIGTERM, 1 cannot listen or
 * load, 2 usage.
 */
#include <getopt.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "tests/twin/seed.h"
#include "tests/twin/serve.h"
#include "tests/twin/webhooks.h"

static const char usage_text[] =
	"usage: moonhook-twin --listen ADDR:PORT --dialect core|docs --key KEY [options]\n"
	"\n"
	"An in-memory Twenty CRM. Port 0 picks a free one; the address is printed when it is "
	"ready.\n"
	"\n"
	"  --webhook URL --secret S   send a signed webhook to URL on every change\n"
	"  --latency MS               every answer of the API waits MS milliseconds\n"
	"  --budget N/m|none          API calls a minute (100/m)\n"
	"  --records N --seed N       begin with N made-up people, their companies and deals\n"
	"  --load FILE                begin with the records of a JSON file {\"people\":[..],..}\n"
	"  --fault SPEC               status=503:10%, status=500:3, hang=2%, cut=1%, reset=1%,\n"
	"                             slow=200ms:5%, late=300, retry-after=1, match=PATCH "
	"/rest/people\n"
	"  --age old|current|newer    of the server: old ones destroy what is deleted (current)\n"
	"  --key-name NAME            what createdBy and updatedBy say (moonhook)\n"
	"  --read-key KEY             a key that may only read\n"
	"  --member-key KEY           whoever uses this one is a member, not a program\n"
	"  --senders N                deliveries of webhooks under way at once (20)\n"
	"  --revoked-key KEY          a key that was revoked\n"
	"  --no-log                   keep no log of the requests\n"
	"\n"
	"  GET /_twin/log[?last=N]  DELETE /_twin/log  GET /_twin/stats\n"
	"  GET /_twin/records/people (soft-deleted ones too)  POST /_twin/fault (SPEC as body)\n"
	"  POST /_twin/clock (milliseconds that its clock goes ahead by, as body)\n"
	"\n"
	"example: moonhook-twin --listen 127.0.0.1:3000 --dialect core --key secret --records "
	"100\n";

struct options {
	struct serve_conf serve;
	const char *dialect, *key, *key_name, *read_key, *dead_key, *member_key, *webhook, *secret,
		*load, *fault, *budget, *age;
	unsigned records, senders;
	uint64_t seed;
	bool no_log;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "moonhook-twin: %s%s%s\n\n%s", what, value != NULL ? " " : "",
		value != NULL ? value : "", usage_text);
	return 2;
}

static bool number_parse(const char *text, uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long v = strtoull(text, &end, 10);
	if (end == text || *end != '\0' || text[0] == '-' || v > max)
		return false;
	*ret = v;
	return true;
}

static const struct option long_options[] = {{"listen", required_argument, NULL, 'l'},
	{"dialect", required_argument, NULL, 'd'}, {"key", required_argument, NULL, 'k'},
	{"key-name", required_argument, NULL, 'n'}, {"read-key", required_argument, NULL, 'R'},
	{"member-key", required_argument, NULL, 'M'}, {"senders", required_argument, NULL, 'P'},
	{"revoked-key", required_argument, NULL, 'D'}, {"webhook", required_argument, NULL, 'w'},
	{"secret", required_argument, NULL, 's'}, {"latency", required_argument, NULL, 'L'},
	{"budget", required_argument, NULL, 'b'}, {"records", required_argument, NULL, 'r'},
	{"seed", required_argument, NULL, 'S'}, {"load", required_argument, NULL, 'f'},
	{"fault", required_argument, NULL, 'F'}, {"no-log", no_argument, NULL, 'N'},
	{"age", required_argument, NULL, 'A'}, {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0}};

/* Takes one option; false where its value is no good. */
static bool option_take(struct options *o, int c)
{
	uint64_t n = 0;
	bool ok = true;
	switch (c) {
	case 'l':
		o->serve.listen = optarg;
		break;
	case 'd':
		o->dialect = optarg;
		break;
	case 'k':
		o->key = optarg;
		break;
	case 'n':
		o->key_name = optarg;
		break;
	case 'R':
		o->read_key = optarg;
		break;
	case 'D':
		o->dead_key = optarg;
		break;
	case 'M':
		o->member_key = optarg;
		break;
	case 'P':
		ok = number_parse(optarg, 20, &n) && n > 0;
		o->senders = (unsigned)n;
		break;
	case 'w':
		o->webhook = optarg;
		break;
	case 's':
		o->secret = optarg;
		break;
	case 'b':
		o->budget = optarg;
		break;
	case 'f':
		o->load = optarg;
		break;
	case 'F':
		o->fault = optarg;
		break;
	case 'A':
		o->age = optarg;
		ok = strcmp(optarg, "old") == 0 || strcmp(optarg, "current") == 0 ||
		     strcmp(optarg, "newer") == 0;
		break;
	case 'N':
		o->no_log = true;
		break;
	case 'L':
		ok = number_parse(optarg, 3600000, &n);
		o->serve.latency_ms = (int64_t)n;
		break;
	case 'r':
		ok = number_parse(optarg, 10000000, &n);
		o->records = (unsigned)n;
		break;
	case 'S':
		ok = number_parse(optarg, UINT64_MAX, &o->seed);
		break;
	default:
		ok = false;
	}
	return ok;
}

/* Returns -1 to go on, else the exit code. */
static int options_read(struct options *o, int argc, char **argv)
{
	*o = (struct options){.key_name = "moonhook",
		.secret = "",
		.budget = "100/m",
		.age = "current",
		.seed = 1};
	for (int c, at = 0; (c = getopt_long(argc, argv, "", long_options, &at)) != -1;) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			return 0;
		}
		if (c == '?')
			return 2;
		if (!option_take(o, c))
			return usage_error("bad value for an option:", optarg);
	}
	if (optind != argc)
		return usage_error("what is", argv[optind]);
	if (o->serve.listen == NULL || o->dialect == NULL || o->key == NULL)
		return usage_error("--listen, --dialect and --key are needed", NULL);
	if (strcmp(o->dialect, "core") != 0 && strcmp(o->dialect, "docs") != 0)
		return usage_error("--dialect is core or docs, not", o->dialect);
	return -1;
}

static bool world_fill(struct world *w, const struct options *o, struct err *err)
{
	w->read_key = o->read_key;
	w->dead_key = o->dead_key;
	w->member_key = o->member_key;
	w->journal.off = o->no_log;
	w->age = strcmp(o->age, "old") == 0     ? AGE_OLD
		 : strcmp(o->age, "newer") == 0 ? AGE_NEWER
						: AGE_CURRENT;
	if (!seed_members(w) || !seed_records(w, o->records, o->seed)) {
		err_set(err, RC_NOMEM, "out of memory");
		return false;
	}
	if (o->load != NULL && seed_load(w, o->load, err) != RC_OK)
		return false;
	w->hooks = hooks_start(o->senders);
	if (w->hooks == NULL || (o->webhook != NULL && !webhooks_add(w, o->webhook, o->secret))) {
		err_set(err, RC_NOMEM, "cannot start the sender of webhooks");
		return false;
	}
	return true;
}

static int run(struct world *w, const struct options *o)
{
	struct err err;
	w->faults = (struct faults){.seed = o->seed, .retry_after_s = -1};
	if (!budget_parse(&w->budget, o->budget))
		return usage_error("--budget is N/m or none, not", o->budget);
	if (o->fault != NULL && faults_parse(&w->faults, o->fault, &err) != RC_OK)
		return usage_error(err.msg, NULL);
	if (!world_fill(w, o, &err) || serve_run(w, &o->serve, &err) != RC_OK) {
		fprintf(stderr, "moonhook-twin: %s\n", err.msg);
		return 1;
	}
	return 0;
}

/* Signals are read from a descriptor; no thread may be interrupted by them. */
static void signals_block(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct options o;
	int rc = options_read(&o, argc, argv);
	if (rc >= 0)
		return rc;
	struct world w;
	setlocale(LC_CTYPE, "C.UTF-8"); /* ilike folds as databases do */
	signals_block();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (world_init(&w, strcmp(o.dialect, "docs") == 0 ? DIALECT_DOCS : DIALECT_CORE, o.key,
		    o.key_name)) {
		rc = run(&w, &o);
		hooks_stop(w.hooks);
		w.hooks = NULL;
	} else {
		fprintf(stderr, "moonhook-twin: out of memory\n");
		rc = 1;
	}
	world_done(&w);
	curl_global_cleanup();
	return rc;
}
