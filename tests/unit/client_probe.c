/* SPDX-License-Identifier: MIT */
/* What the first answer of a server shows: its dialect, or why nothing may be sent there. */
#include "client/probe.h"

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/client_rig.h"

#define CORE "{'data':{'people':[]},'totalCount':0,'pageInfo':{}}"
#define DOCS "{'data':[],'pageInfo':{}}"
#define CORE_ERROR(status, code)                                                                   \
	"{'statusCode':" status ",'error':'E','messages':['no'],'code':'" code "'}"
#define DOCS_ERROR(status, code)                                                                   \
	"{'statusCode':" status ",'message':'no','error':'E','code':'" code "'}"

Test(client_probe, an_answer_shows_the_dialect_or_why_it_is_none)
{
	static const struct {
		const char *choice;
		int status;
		const char *body; /* NULL: no JSON */
		enum probe_verdict verdict;
		const struct dialect *dialect;
	} cases[] = {
		{"auto", 200, CORE, PROBE_KNOWN, &dialect_core},
		{"auto", 200, DOCS, PROBE_KNOWN, &dialect_docs},
		/* A key that may not see people shows it by the form of the refusal. */
		{"auto", 403, CORE_ERROR("403", "PERMISSION_DENIED"), PROBE_KNOWN, &dialect_core},
		{"auto", 403, DOCS_ERROR("403", "PERMISSION_DENIED"), PROBE_KNOWN, &dialect_docs},
		{"auto", 400, CORE_ERROR("400", "X"), PROBE_KNOWN, &dialect_core},
		{"core", 200, CORE, PROBE_KNOWN, &dialect_core},
		{"docs", 200, DOCS, PROBE_KNOWN, &dialect_docs},
		/* The documented delete destroys for good on a real server, and the other way. */
		{"docs", 200, CORE, PROBE_STRANGE, NULL},
		{"core", 200, DOCS, PROBE_STRANGE, NULL},
		{"docs", 403, CORE_ERROR("403", "PERMISSION_DENIED"), PROBE_STRANGE, NULL},
		{"auto", 401, CORE_ERROR("401", "UNAUTHENTICATED"), PROBE_REFUSED, NULL},
		{"auto", 403, CORE_ERROR("403", "FORBIDDEN"), PROBE_REFUSED, NULL},
		{"auto", 429, NULL, PROBE_LIMITED, NULL},
		{"auto", 503, NULL, PROBE_FAILING, NULL},
		{"auto", 200, NULL, PROBE_STRANGE, NULL},
		{"auto", 200, "{'data':{'companies':[]}}", PROBE_STRANGE, NULL},
		{"auto", 200, "{'data':null}", PROBE_STRANGE, NULL},
		{"auto", 404, "{'error':'not found'}", PROBE_STRANGE, NULL},
		{"auto", 302, DOCS, PROBE_STRANGE, NULL},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct probe probe;
		char problem[200] = "";
		json_t *body = cases[i].body != NULL ? rig_json(cases[i].body) : NULL;
		probe_init(&probe, cases[i].choice);
		enum probe_verdict v =
			probe_understand(&probe, cases[i].status, body, problem, sizeof(problem));
		cr_expect_eq(v, cases[i].verdict, "case %zu: %d", i, (int)v);
		cr_expect_eq(probe.dialect, cases[i].dialect, "case %zu", i);
		cr_expect_eq(problem[0] != '\0', v == PROBE_STRANGE, "case %zu: %s", i, problem);
		json_decref(body);
		probe_done(&probe);
	}
}
