/* SPDX-License-Identifier: MIT */
/* What a record shows of what was written, and where it is none the worse for showing nothing. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"
#include "client/evidence.h"
#include "tests/unit/client_rig.h"

#define ID "11111111-2222-4333-8444-555555555555"
#define OTHER "99999999-2222-4333-8444-555555555555"

Test(client_evidence, a_record_shows_what_was_written_or_it_does_not)
{
	static const struct {
		const char *record, *data;
		bool shown;
	} cases[] = {
		{"{'jobTitle':'CTO','city':'x'}", "{'jobTitle':'CTO'}", true},
		{"{'jobTitle':'CEO'}", "{'jobTitle':'CTO'}", false},
		{"{}", "{'jobTitle':'CTO'}", false},
		{"{'jobTitle':''}", "{'jobTitle':null}", true},
		{"{'jobTitle':'CEO'}", "{'jobTitle':''}", false},
		{"{'tags':null}", "{'tags':[]}", true},
		{"{'n':1.0}", "{'n':1}", true},
		{"{'n':'1'}", "{'n':1}", false},
		{"{'name':{'firstName':'A','lastName':'B'}}", "{'name':{'firstName':'A'}}", true},
		{"{'name':{'firstName':'A','lastName':'B'}}", "{'name':{'firstName':'B'}}", false},
		{"{'name':null}", "{'name':{'firstName':'A'}}", false},
		{"{'name':null}", "{'name':{}}", false},
		{"{'name':{'firstName':'A'}}", "{'name':{}}", false},
		{"{'emails':{'primaryEmail':'a@b.io'}}", "{'emails':{'primaryEmail':'A@B.io'}}",
			true},
		{"{'name':{'firstName':'a'}}", "{'name':{'firstName':'A'}}", false},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		json_t *record = rig_json(cases[i].record), *data = rig_json(cases[i].data);
		cr_expect_eq(evidence_shows(record, data), cases[i].shown, "%s of %s",
			cases[i].data, cases[i].record);
		json_decref(record);
		json_decref(data);
	}
}

Test(client_evidence, only_another_relation_is_held_against_a_server)
{
	static const struct {
		const char *record, *data;
		enum rc code;
	} cases[] = {
		{"{'companyId':'" ID "'}", "{'companyId':'" ID "'}", RC_OK},
		{"{'companyId':'" ID "'}", "{'companyId':'" OTHER "'}", RC_UNSUPPORTED},
		{"{'companyId':null}", "{'companyId':'" OTHER "'}", RC_UNSUPPORTED},
		/* what the answer does not show is not judged */
		{"{'id':'" ID "'}", "{'companyId':'" OTHER "'}", RC_OK},
		{"{'companyId':'" ID "'}", "{'companyId':null}", RC_UNSUPPORTED},
		{"{'companyId':null}", "{'companyId':null}", RC_OK},
		{"{'companyId':'" ID "'}", "{'company':{'disconnect':true}}", RC_UNSUPPORTED},
		{"{'companyId':'" ID "'}", "{'company':{'connect':{'where':{'id':'" OTHER "'}}}}",
			RC_UNSUPPORTED},
		{"{'companyId':'" ID "'}", "{'company':{'connect':'" ID "'}}", RC_OK},
		/* no relation, whatever its name ends with */
		{"{'taxId':'12'}", "{'taxId':'13'}", RC_OK},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct err err = {.msg = ""};
		json_t *record = rig_json(cases[i].record), *data = rig_json(cases[i].data);
		cr_expect_eq(evidence_relations(record, data, "made", &err), cases[i].code,
			"%s of %s: %s", cases[i].data, cases[i].record, err.msg);
		json_decref(record);
		json_decref(data);
	}
}
