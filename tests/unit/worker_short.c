/* SPDX-License-Identifier: MIT */
/* Short names of records, whatever object they are of: by the form of the record alone. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

/* The body sees the record as r. */
static void hold(struct worker_rig *rig, const char *record, const char *body)
{
	char lua[1024], answers[2048];
	snprintf(lua, sizeof(lua), "local r = twenty.pets:get('x') %s", body);
	snprintf(answers, sizeof(answers), "[{\"value\":%s}]", record);
	json_t *outcome = worker_rig_run(rig, lua, answers);
	json_t *end = json_object_get(outcome, "end");
	char *text = json_dumps(end, JSON_COMPACT);
	cr_expect_str_eq(
		json_string_value(json_object_get(end, "outcome")), "done", "%s: %s", body, text);
	free(text);
	json_decref(outcome);
}

WORKER_TEST(worker_short, a_record_of_ones_own_object_has_short_names)
{
	hold(rig,
		"{\"id\":\"1\",\"name\":\"Toby\",\"vetEmail\":{\"primaryEmail\":\"v@w.x\","
		"\"additionalEmails\":[]},\"vetPhone\":{\"primaryPhoneNumber\":\"789\","
		"\"primaryPhoneCallingCode\":\"+33\",\"additionalPhones\":[]},"
		"\"owner\":{\"firstName\":\"A\",\"lastName\":\"B\"},\"location\":"
		"{\"addressCity\":\"Ulm\",\"addressStreet1\":\"S\",\"addressLat\":1.5},"
		"\"website\":{\"primaryLinkUrl\":\"https://w.x\"},"
		"\"pictures\":{\"primaryLinkUrl\":\"https://p.x\"},"
		"\"blogLink\":{\"primaryLinkUrl\":\"https://b.x\"},\"bioV2\":{\"markdown\":\"# "
		"m\"},"
		"\"extraData\":{},\"createdBy\":{\"source\":\"API\",\"name\":\"x\"}}",
		"assert(r.name == 'Toby' and r.email == 'v@w.x' and r.phone == '+33789') "
		"assert(r.firstName == 'A' and r.lastName == 'B' and r.city == 'Ulm') "
		"assert(r.street == 'S' and r.latitude == 1.5 and r.country == nil) "
		"assert(r.domain == 'https://w.x' and r.blog == 'https://b.x' and r.bio == '# m') "
		"assert(r.pictures.primaryLinkUrl and r.linkedin == nil and r.nothing == nil) "
		"assert(r[1] == nil and r[true] == nil and rawget(r, 'email') == nil)");
}

WORKER_TEST(worker_short, several_that_fit_are_no_short_name)
{
	hold(rig,
		"{\"id\":\"1\",\"a\":{\"primaryEmail\":\"a@x\"},\"b\":{\"additionalEmails\":[]},"
		"\"home\":{\"addressCity\":\"Ulm\"},\"work\":{\"addressStreet1\":\"S\"}}",
		"assert(r.email == nil and r.city == nil and r.street == nil)");
	hold(rig,
		"{\"id\":\"1\",\"emails\":{\"primaryEmail\":\"a@x\"},"
		"\"billing\":{\"primaryEmail\":\"b@x\"},\"phones\":{\"primaryPhoneNumber\":\"1\"},"
		"\"whatsapp\":{\"primaryPhoneNumber\":\"2\"}}",
		"assert(r.email == 'a@x' and r.phone == '1')");
}

WORKER_TEST(worker_short, an_own_field_and_other_records_are_left_alone)
{
	hold(rig,
		"{\"id\":\"1\",\"email\":\"own\",\"vet\":{\"primaryEmail\":\"v@x\"},"
		"\"name\":\"N\",\"company\":{\"id\":\"2\",\"firstName\":\"F\","
		"\"emails\":{\"primaryEmail\":\"c@x\"}}}",
		"assert(r.email == 'own' and r.firstName == nil) "
		"assert(r.company.email == 'c@x' and r.company.firstName == 'F')");
	hold(rig, "{\"id\":\"1\",\"userEmail\":\"m@x\",\"name\":{\"firstName\":\"F\"}}",
		"assert(r.email == 'm@x' and r.firstName == 'F' and r.lastName == nil)");
}
