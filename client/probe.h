/* SPDX-License-Identifier: MIT */
/*
 * The first question to a server, and the one that finds out whether it is back: which dialect does
 * it speak? A read, so that it can do no harm.
 */
#ifndef MOONHOOK_CLIENT_PROBE_H
#define MOONHOOK_CLIENT_PROBE_H

#include "client/dialect.h"

struct probe {
	const struct dialect *chosen;  /* by configuration; NULL: auto */
	const struct dialect *dialect; /* that is spoken; NULL: not known yet */
	struct request request;
	bool on_wire;
	bool schema_asked;      /* core: the description of the API was asked for */
	bool schema_read;       /* it came: what it does not name is not there */
	int schema_tries;       /* how often nothing came */
	bool soft_delete;       /* it has the parameter soft_delete */
	bool restore_by_path;   /* it has PATCH /people/{id}/restore */
	bool restore_by_filter; /* it has PATCH /restore/people?filter= */
};

enum probe_verdict {
	PROBE_KNOWN,   /* dialect is set */
	PROBE_REFUSED, /* the key is wrong */
	PROBE_LIMITED, /* over the budget: asked again */
	PROBE_FAILING, /* a server that has trouble, 5xx */
	PROBE_STRANGE, /* not a Twenty, or not the one that was configured */
};

/* choice: "auto", "core", "docs". */
void probe_init(struct probe *probe, const char *choice);
void probe_done(struct probe *probe);
enum rc probe_ask(struct probe *probe, struct err *err) must_check;
/* body: NULL where it was no JSON. problem gets a sentence for STRANGE. */
enum probe_verdict probe_understand(
	struct probe *probe, int status, const json_t *body, char *problem, size_t problem_n);
/* The description of the API (core), as bytes: it is large, and a few words of it matter. */
enum rc probe_ask_schema(struct probe *probe, struct err *err) must_check;
void probe_read_schema(struct probe *probe, struct slice body);
/* No description came. True: it is worth asking again. */
bool probe_miss_schema(struct probe *probe, int status);

#endif
