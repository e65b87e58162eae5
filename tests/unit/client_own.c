/* SPDX-License-Identifier: MIT */
/* Fields of one's own, all the way to a server: the twin's pets, which have one of each kind. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/client_rig.h"

static json_t *call(struct rig *rig, enum client_op op, const char *object, const char *args)
{
	struct rig_answer a = rig_call(rig, op, object, rig_json(args), "e/r/1");
	cr_assert_eq(a.code, RC_OK, "%s: %s", args, a.message);
	json_t *value = json_incref(a.value);
	rig_answer_done(&a);
	return value;
}

Test(client_own, a_record_with_fields_of_ones_own_is_written_found_and_read, .timeout = 60)
{
	struct rig rig;
	struct rig_conf conf = {.twin = "core"};
	cr_assert(rig_open(&rig, &conf));
	json_decref(call(&rig, CLIENT_LIST, "pets", "{'limit':1}"));
	json_t *made = call(&rig, CLIENT_CREATE, "pets",
		"{'data':{'name':'Rex','email':'Vet@Paws.example','phone':'+33612345678',"
		"'averageCostOfKibblePerMonth':12.5,'firstName':'Ann','city':'Ulm',"
		"'traits':'SHY','interestingFacts':'barks','pictures':'https://x.example/1',"
		"'birthday':'2020-02-02','age':3,'isGoodWithKids':true,'species':'DOG'}}");
	cr_expect_str_eq(rig_text(made, "vetEmail.primaryEmail"), "vet@paws.example");
	cr_expect_str_eq(rig_text(made, "vetPhone.primaryPhoneCountryCode"), "FR");
	cr_expect_str_eq(rig_text(made, "averageCostOfKibblePerMonth.amountMicros"), "12500000");
	static const char *const finds[] = {"{'email':'VET@paws.example'}",
		"{'phone':'+33612345678'}", "{'averageCostOfKibblePerMonth':{'gt':12,'lt':13}}",
		"{'firstName':'Ann','city':'Ulm'}", "{'traits':'SHY','name':'Rex'}",
		"{'interestingFacts':'barks'}", "{'birthday':'2020-02-02'}",
		"{'age':3,'isGoodWithKids':true,'species':['DOG'],'name':'Rex'}",
		"{'pictures':{'startsWith':'https://x.example'}}"};
	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
		json_t *args = json_pack("{s:o}", "where", rig_json(finds[i]));
		struct rig_answer a = rig_call(&rig, CLIENT_LIST, "pets", args, "e/r/2");
		cr_expect_eq(a.code, RC_OK, "%s: %s", finds[i], a.message);
		cr_expect_str_eq(
			rig_text(a.value, "records.0.id"), rig_text(made, "id"), "%s", finds[i]);
		cr_expect_eq(
			json_array_size(json_object_get(a.value, "records")), 1, "%s", finds[i]);
		rig_answer_done(&a);
	}
	json_t *sorted = call(&rig, CLIENT_LIST, "pets",
		"{'order':['-averageCostOfKibblePerMonth','email','phone'],'limit':2}");
	cr_expect_eq(json_array_size(json_object_get(sorted, "records")), 1);
	json_decref(sorted);
	json_decref(made);
	rig_close(&rig);
}

Test(client_own, a_name_for_several_fields_is_refused_before_anything_is_sent, .timeout = 60)
{
	struct rig rig;
	struct rig_conf conf = {.twin = "core"};
	cr_assert(rig_open(&rig, &conf));
	json_t *made = rig_api(&rig, "POST", "/rest/metadata/objects",
		"{\"nameSingular\":\"shop\",\"namePlural\":\"shops\",\"labelSingular\":\"Shop\","
		"\"labelPlural\":\"Shops\"}");
	char body[300];
	for (int i = 0; i < 2; i++) {
		snprintf(body, sizeof(body),
			"{\"objectMetadataId\":\"%s\",\"type\":\"EMAILS\",\"name\":\"%s\","
			"\"label\":\"x\"}",
			rig_text(made, "data.createOneObject.id"),
			i == 0 ? "contactEmails" : "billingEmails");
		json_decref(rig_api(&rig, "POST", "/rest/metadata/fields", body));
	}
	json_decref(made);
	json_decref(call(&rig, CLIENT_LIST, "pets", "{'limit':1}"));
	struct rig_answer a =
		rig_call(&rig, CLIENT_LIST, "shops", rig_json("{'where':{'email':'a@b.c'}}"), NULL);
	cr_expect_eq(a.code == RC_OK ? a.submitted : a.code, RC_INVALID);
	rig_answer_done(&a);
	json_decref(call(&rig, CLIENT_CREATE, "shops", "{'data':{'billingEmails':'a@b.c'}}"));
	json_t *found = call(
		&rig, CLIENT_LIST, "shops", "{'where':{'billingEmails.primaryEmail':'a@b.c'}}");
	cr_expect_eq(json_array_size(json_object_get(found, "records")), 1);
	json_decref(found);
	rig_close(&rig);
}
