/* SPDX-License-Identifier: MIT */
/*
 * The objects that people work with in a Twenty 2.21 workspace, as data: what GET
 * /rest/metadata/objects of a real server lists, without what only a browser needs.
 * From: nothing. To: schema.c, which makes the living schema of it. Cannot fail.
 * Does not hold what can be worked out: join columns, the ids of fields, the empty value of a type.
 */
#include "tests/twin/schema_table.h"

#include <stddef.h>

static const struct field_def person_fields[] = {
	F_LIFE,
	FIELD("name", FT_FULL_NAME, FF_NUL | FF_EDI, "Name"),
	FIELD("emails", FT_EMAILS, FF_NUL | FF_UNI | FF_EDI, "Emails",
		.settings = "{\"maxNumberOfValues\":1}"),
	FIELD("linkedinLink", FT_LINKS, FF_NUL | FF_EDI, "Linkedin"),
	FIELD("jobTitle", FT_TEXT, FF_NUL | FF_EDI, "Job Title"),
	FIELD("phones", FT_PHONES, FF_NUL | FF_EDI, "Phones",
		.settings = "{\"maxNumberOfValues\":1}"),
	FIELD("avatarUrl", FT_TEXT, FF_NUL | FF_SYS | FF_EDI, "Avatar"),
	FIELD("avatarFile", FT_FILES, FF_NUL | FF_SYS | FF_EDI, "Avatar File",
		.settings = "{\"maxNumberOfValues\":1}"),
	F_SHOWN,
	MANY("attachments", FF_NUL | FF_EDI, "Attachments", "attachment", "targetPerson"),
	MANY("calendarEventParticipants", FF_NUL | FF_EDI, "Calendar Event Participants",
		"calendarEventParticipant", "person"),
	ONE("company", FF_NUL | FF_EDI, "Company", "company"),
	MANY("listMemberships", FF_NUL | FF_EDI, "Lists", "messageListMember", "person"),
	MANY("messageParticipants", FF_NUL | FF_EDI, "Message Participants", "messageParticipant",
		"person"),
	MANY("noteTargets", FF_NUL | FF_RDO, "Notes", "noteTarget", "targetPerson"),
	MANY("pointOfContactForOpportunities", FF_NUL | FF_EDI, "Opportunities", "opportunity",
		"pointOfContact"),
	MANY("taskTargets", FF_NUL | FF_RDO, "Tasks", "taskTarget", "targetPerson"),
	MANY("timelineActivities", FF_NUL | FF_EDI, "Events", "timelineActivity", "targetPerson"),
	FIELD("intro", FT_TEXT, FF_NUL | FF_EDI, "Intro"),
	FIELD("whatsapp", FT_PHONES, FF_EDI, "Whatsapp",
		.dflt = "{\"additionalPhones\":null,\"primaryPhoneNumber\":null,"
			"\"primaryPhoneCallingCode\":\"'+33'\",\"primaryPhoneCountryCode\":\"'FR'"
			"\"}"),
	FIELD("workPreference", FT_MULTI_SELECT, FF_NUL | FF_EDI, "Work Preference",
		.options = "ON_SITE:On-Site:green|HYBRID:Hybrid:turquoise|REMOTE_WORK:Remote "
			   "Work:sky"),
	FIELD("performanceRating", FT_RATING, FF_NUL | FF_EDI, "Performance Rating",
		.options = "RATING_1:1:|RATING_2:2:|RATING_3:3:|RATING_4:4:|RATING_5:5:"),
	MANY("caredForPets", FF_NUL | FF_EDI, "Cared For Pets", "petCareAgreement",
		"caretakerPerson"),
	MANY("previousCompanies", FF_NUL | FF_EDI, "Previous Companies", "employmentHistory",
		"person"),
};

static const struct field_def company_fields[] = {
	F_LIFE,
	F_NAME,
	FIELD("domainName", FT_LINKS, FF_NUL | FF_UNI | FF_EDI, "Domain Name",
		.settings = "{\"maxNumberOfValues\":1}"),
	FIELD("address", FT_ADDRESS, FF_NUL | FF_EDI, "Address"),
	FIELD("linkedinLink", FT_LINKS, FF_NUL | FF_EDI, "Linkedin"),
	FIELD("annualRevenue", FT_CURRENCY, FF_NUL | FF_EDI, "Annual Revenue"),
	F_SHOWN,
	MANY("attachments", FF_NUL | FF_EDI, "Attachments", "attachment", "targetCompany"),
	MANY("people", FF_NUL | FF_EDI, "People", "person", "company"),
	ONE("accountOwner", FF_NUL | FF_EDI, "Account Owner", "workspaceMember"),
	MANY("taskTargets", FF_NUL | FF_RDO, "Tasks", "taskTarget", "targetCompany"),
	MANY("noteTargets", FF_NUL | FF_RDO, "Notes", "noteTarget", "targetCompany"),
	MANY("opportunities", FF_NUL | FF_EDI, "Opportunities", "opportunity", "company"),
	MANY("timelineActivities", FF_NUL | FF_EDI, "Timeline Activities", "timelineActivity",
		"targetCompany"),
	FIELD("employees", FT_NUMBER, FF_NUL | FF_EDI, "Employees"),
	FIELD("tagline", FT_TEXT, FF_EDI, "Tagline", .dflt = "\"''\""),
	FIELD("introVideo", FT_LINKS, FF_NUL | FF_EDI, "Intro Video"),
	FIELD("workPolicy", FT_MULTI_SELECT, FF_NUL | FF_EDI, "Work Policy",
		.options = "ON_SITE:On-Site:green|HYBRID:Hybrid:turquoise|REMOTE_WORK:Remote "
			   "Work:sky"),
	FIELD("visaSponsorship", FT_BOOLEAN, FF_NUL | FF_EDI, "Visa Sponsorship", .dflt = "false"),
	MANY("caredForPets", FF_NUL | FF_EDI, "Cared For Pets", "petCareAgreement",
		"caretakerCompany"),
	MANY("previousEmployees", FF_NUL | FF_EDI, "Previous Employees", "employmentHistory",
		"company"),
};

static const struct field_def opportunity_fields[] = {
	F_LIFE,
	F_NAME,
	FIELD("amount", FT_CURRENCY, FF_NUL | FF_EDI, "Amount"),
	FIELD("closeDate", FT_DATE_TIME, FF_NUL | FF_EDI, "Close date"),
	FIELD("stage", FT_SELECT, FF_EDI, "Stage", .dflt = "\"'NEW'\"",
		.options = "NEW:New:red|SCREENING:Screening:purple|MEETING:Meeting:sky|PROPOSAL:"
			   "Proposal:turquoise|CUSTOMER:Customer:yellow"),
	F_SHOWN,
	MANY("attachments", FF_NUL | FF_EDI, "Attachments", "attachment", "targetOpportunity"),
	ONE("company", FF_NUL | FF_EDI, "Company", "company"),
	MANY("noteTargets", FF_NUL | FF_RDO, "Notes", "noteTarget", "targetOpportunity"),
	ONE("pointOfContact", FF_NUL | FF_EDI, "Point of Contact", "person"),
	MANY("taskTargets", FF_NUL | FF_RDO, "Tasks", "taskTarget", "targetOpportunity"),
	MANY("timelineActivities", FF_NUL | FF_EDI, "Timeline Activities", "timelineActivity",
		"targetOpportunity"),
	ONE("owner", FF_NUL | FF_EDI, "Owner", "workspaceMember"),
};

static const struct field_def task_fields[] = {
	F_LIFE,
	F_POSITION,
	FIELD("title", FT_TEXT, FF_NUL | FF_EDI, "Title"),
	FIELD("bodyV2", FT_RICH_TEXT, FF_NUL | FF_EDI, "Body"),
	FIELD("dueAt", FT_DATE_TIME, FF_NUL | FF_EDI, "Due Date"),
	FIELD("status", FT_SELECT, FF_NUL | FF_EDI, "Status",
		.dflt = "\"'TO"
			"DO'\"",
		.options = "TO"
			   "DO:To do:sky|IN_PROGRESS:In progress:purple|DONE:Done:green"),
	F_CREATED_BY,
	F_UPDATED_BY,
	F_SEARCH_VECTOR,
	MANY("attachments", FF_NUL | FF_EDI, "Attachments", "attachment", "targetTask"),
	MANY("taskTargets", FF_NUL | FF_EDI, "Relations", "taskTarget", "task"),
	ONE("assignee", FF_NUL | FF_EDI, "Assignee", "workspaceMember"),
	MANY("timelineActivities", FF_NUL | FF_EDI, "Timeline Activities", "timelineActivity",
		"targetTask"),
};

static const struct field_def note_fields[] = {
	F_LIFE,
	F_POSITION,
	FIELD("title", FT_TEXT, FF_NUL | FF_EDI, "Title"),
	FIELD("bodyV2", FT_RICH_TEXT, FF_NUL | FF_EDI, "Body"),
	F_CREATED_BY,
	F_UPDATED_BY,
	F_SEARCH_VECTOR,
	MANY("attachments", FF_NUL | FF_EDI, "Attachments", "attachment", "targetNote"),
	MANY("noteTargets", FF_NUL | FF_EDI, "Relations", "noteTarget", "note"),
	MANY("timelineActivities", FF_NUL | FF_EDI, "Timeline Activities", "timelineActivity",
		"targetNote"),
};

static const struct field_def taskTarget_fields[] = {
	F_LIFE,
	F_KEPT,
	TARGET("Company", FF_NUL | FF_RDO | FF_CAS, "Target", "company"),
	TARGET("Opportunity", FF_NUL | FF_RDO | FF_CAS, "Target", "opportunity"),
	TARGET("Person", FF_NUL | FF_RDO | FF_CAS, "Target", "person"),
	ONE("task", FF_NUL | FF_RDO | FF_CAS, "Task", "task"),
	F_CUSTOM_TARGETS,
};

static const struct field_def noteTarget_fields[] = {
	F_LIFE,
	F_KEPT,
	TARGET("Company", FF_NUL | FF_RDO | FF_CAS, "Target", "company"),
	ONE("note", FF_NUL | FF_RDO | FF_CAS, "Note", "note"),
	TARGET("Person", FF_NUL | FF_RDO | FF_CAS, "Target", "person"),
	TARGET("Opportunity", FF_NUL | FF_RDO | FF_CAS, "Target", "opportunity"),
	F_CUSTOM_TARGETS,
};

static const struct field_def workspaceMember_fields[] = {
	F_LIFE,
	F_POSITION_RDO,
	FIELD("name", FT_FULL_NAME, FF_RDO, "Name"),
	FIELD("colorScheme", FT_TEXT, FF_SYS | FF_RDO, "Color Scheme", .dflt = "\"'System'\""),
	FIELD("locale", FT_TEXT, FF_SYS | FF_RDO, "Language", .dflt = "\"'en'\""),
	FIELD("avatarUrl", FT_TEXT, FF_NUL | FF_SYS | FF_RDO, "Avatar Url"),
	FIELD("userEmail", FT_TEXT, FF_NUL | FF_UNI | FF_SYS | FF_RDO, "User Email"),
	FIELD("jobTitle", FT_TEXT, FF_NUL | FF_SYS | FF_RDO, "Job Title"),
	FIELD("calendarStartDay", FT_NUMBER, FF_SYS | FF_RDO, "Start of the week", .dflt = "7",
		.settings = "{\"dataType\":\"int\"}"),
	FIELD("userId", FT_UUID, FF_SYS | FF_RDO, "User Id"),
	FIELD("timeZone", FT_TEXT, FF_SYS | FF_RDO, "Time zone", .dflt = "\"'system'\""),
	FIELD("dateFormat", FT_SELECT, FF_SYS | FF_RDO, "Date format", .dflt = "\"'SYSTEM'\"",
		.options = "SYSTEM:System:turquoise|MONTH_FIRST:Month First:red|DAY_FIRST:Day "
			   "First:purple|YEAR_FIRST:Year First:sky"),
	FIELD("timeFormat", FT_SELECT, FF_SYS | FF_RDO, "Time format", .dflt = "\"'SYSTEM'\"",
		.options = "SYSTEM:System:sky|HOUR_24:24HRS:red|HOUR_12:12HRS:purple"),
	FIELD("numberFormat", FT_SELECT, FF_SYS | FF_RDO, "Number format", .dflt = "\"'SYSTEM'\"",
		.options = "SYSTEM:System:turquoise|COMMAS_AND_DOT:Commas and "
			   "dot:blue|SPACES_AND_COMMA:Spaces and comma:green|DOTS_AND_COMMA:Dots "
			   "and comma:orange|APOSTROPHE_AND_DOT:Apostrophe and dot:purple"),
	F_SEARCH_VECTOR_RDO,
	F_CREATED_BY,
	F_UPDATED_BY,
	MANY("blocklist", FF_RDO, "Blocklist", "blocklist", "workspaceMember"),
	MANY("calendarEventParticipants", FF_RDO, "Calendar Event Participants",
		"calendarEventParticipant", "workspaceMember"),
	MANY("accountOwnerForCompanies", FF_RDO, "Account Owner For Companies", "company",
		"accountOwner"),
	MANY("messageParticipants", FF_RDO, "Message Participants", "messageParticipant",
		"workspaceMember"),
	MANY("ownedOpportunities", FF_RDO, "Owned opportunities", "opportunity", "owner"),
	MANY("assignedTasks", FF_RDO, "Assigned tasks", "task", "assignee"),
	MANY("timelineActivities", FF_NUL | FF_RDO, "Events", "timelineActivity",
		"workspaceMember"),
};

static const struct field_def pet_fields[] = {
	F_SEARCH_VECTOR_RDO,
	F_NAME,
	F_ID,
	F_CREATED_AT,
	F_MADE,
	F_ABOUT("targetPet"),
	FIELD("species", FT_SELECT, FF_NUL | FF_EDI, "Species",
		.options = "DOG:Dog:blue|CAT:Cat:red|BIRD:Bird:green|FISH:Fish:yellow|RABBIT:"
			   "Rabbit:purple|HAMSTER:Hamster:orange"),
	FIELD("traits", FT_MULTI_SELECT, FF_NUL | FF_EDI, "Traits",
		.options = "PLAYFUL:Playful:blue|FRIENDLY:Friendly:red|PROTECTIVE:Protective:green|"
			   "SHY:Shy:yellow|BRAVE:Brave:purple|CURIOUS:Curious:orange"),
	FIELD("comments", FT_TEXT, FF_NUL | FF_EDI, "Comments"),
	FIELD("age", FT_NUMBER, FF_NUL | FF_EDI, "Age"),
	FIELD("location", FT_ADDRESS, FF_NUL | FF_EDI, "Location"),
	FIELD("vetPhone", FT_PHONES, FF_NUL | FF_EDI, "Vet phone"),
	FIELD("vetEmail", FT_EMAILS, FF_NUL | FF_EDI, "Vet email"),
	FIELD("birthday", FT_DATE, FF_NUL | FF_EDI, "Birthday"),
	FIELD("isGoodWithKids", FT_BOOLEAN, FF_NUL | FF_EDI, "Is good with kids"),
	FIELD("pictures", FT_LINKS, FF_NUL | FF_EDI, "Pictures"),
	FIELD("averageCostOfKibblePerMonth", FT_CURRENCY, FF_NUL | FF_EDI,
		"Average cost of kibble per month"),
	FIELD("makesOwnerThinkOf", FT_FULL_NAME, FF_NUL | FF_EDI, "Makes its owner think of"),
	FIELD("soundSwag", FT_RATING, FF_NUL | FF_EDI, "Sound swag (bark style, meow style, etc.)",
		.options = "RATING_1:1:|RATING_2:2:|RATING_3:3:|RATING_4:4:|RATING_5:5:"),
	FIELD("bio", FT_TEXT, FF_NUL | FF_EDI, "Bio"),
	FIELD("interestingFacts", FT_ARRAY, FF_NUL | FF_EDI, "Interesting facts"),
	FIELD("extraData", FT_RAW_JSON, FF_NUL | FF_EDI, "Extra data"),
	MANY("caretakers", FF_NUL | FF_EDI, "Caretakers", "petCareAgreement", "pet"),
	FIELD("polymorphicOwnerSurveyResult", FT_MORPH, FF_NUL | FF_EDI, "Polymorphic Owner",
		.target = "surveyResult"),
	FIELD("polymorphicOwnerRocket", FT_MORPH, FF_NUL | FF_EDI, "Polymorphic Owner",
		.target = "rocket"),
	FIELD("polymorphicHelperSurveyResults", FT_MORPH, FF_NUL | FF_EDI | FF_MANY,
		"Polymorphic Helper", .target = "surveyResult", .inverse = "helpedPets"),
	FIELD("polymorphicHelperRockets", FT_MORPH, FF_NUL | FF_EDI | FF_MANY, "Polymorphic Helper",
		.target = "rocket", .inverse = "helpedPets"),
};

static const struct field_def rocket_fields[] = {
	F_NAME,
	F_ID,
	F_CREATED_AT,
	F_MADE,
	F_SEARCH_VECTOR_RDO,
	F_ABOUT("targetRocket"),
	MANY("ownedPets", FF_NUL | FF_EDI, "Owned Pets", "pet", "polymorphicOwnerRocket"),
	ONE("helpedPets", FF_NUL | FF_EDI, "Helped Pets", "pet"),
};

static const struct field_def surveyResult_fields[] = {
	F_CREATED_AT,
	F_NAME,
	F_ID,
	F_MADE,
	F_SEARCH_VECTOR_RDO,
	F_ABOUT("targetSurveyResult"),
	FIELD("score", FT_NUMBER, FF_NUL | FF_EDI, "Score (Float 3 decimals)",
		.settings = "{\"type\":\"number\",\"dataType\":\"float\",\"decimals\":3}"),
	FIELD("percentageOfCompletion", FT_NUMBER, FF_NUL | FF_EDI,
		"Percentage of completion (Float 3 decimals + percentage)",
		.settings = "{\"type\":\"percentage\",\"dataType\":\"float\",\"decimals\":6}"),
	FIELD("participants", FT_NUMBER, FF_NUL | FF_EDI, "Participants (Int)",
		.settings = "{\"type\":\"number\",\"dataType\":\"int\"}"),
	FIELD("averageEstimatedNumberOfAtomsInTheUniverse", FT_NUMBER, FF_NUL | FF_EDI,
		"Average estimated number of atoms in the universe (BigInt)",
		.settings = "{\"type\":\"number\",\"dataType\":\"bigint\"}"),
	FIELD("comments", FT_TEXT, FF_NUL | FF_EDI, "Comments (Max 5 rows)",
		.settings = "{\"displayedMaxRows\":5}"),
	FIELD("shortNotes", FT_TEXT, FF_NUL | FF_EDI, "Short notes (Max 1 row)",
		.settings = "{\"displayedMaxRows\":1}"),
	FIELD("files", FT_FILES, FF_NUL | FF_EDI, "Files", .settings = "{\"maxNumberOfValues\":5}"),
	MANY("ownedPets", FF_NUL | FF_EDI, "Owned Pets", "pet", "polymorphicOwnerSurveyResult"),
	ONE("helpedPets", FF_NUL | FF_EDI, "Helped Pets", "pet"),
};

static const struct field_def petCareAgreement_fields[] = {
	F_ID,
	F_CREATED_AT,
	F_MADE,
	F_SEARCH_VECTOR_RDO,
	F_ABOUT("targetPetCareAgreement"),
	ONE("pet", FF_NUL | FF_EDI, "Pet", "pet"),
	FIELD("caretakerPerson", FT_MORPH, FF_NUL | FF_EDI, "Caretaker", .target = "person"),
	FIELD("caretakerCompany", FT_MORPH, FF_NUL | FF_EDI, "Caretaker", .target = "company"),
};

static const struct field_def employmentHistory_fields[] = {
	F_ID,
	F_CREATED_AT,
	F_MADE,
	F_SEARCH_VECTOR_RDO,
	F_ABOUT("targetEmploymentHistory"),
	ONE("person", FF_NUL | FF_EDI, "Person", "person"),
	ONE("company", FF_NUL | FF_EDI, "Company", "company"),
};

const struct object_def schema_crm[] = {
	OBJECT("person", "people", "ade8e493-3da5-4736-ac35-20cbfdffd037", "Person", "People",
		OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, person_fields, .shortcut = "P",
		.criteria = "name.firstName+name.lastName|linkedinLink.primaryLinkUrl|emails."
			    "primaryEmail"),
	OBJECT("company", "companies", "1231a733-568a-4a09-bbb4-77c6ad69cb1c", "Company",
		"Companies", OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, company_fields,
		.shortcut = "C", .criteria = "name|domainName.primaryLinkUrl"),
	OBJECT("opportunity", "opportunities", "fb0607b5-37a8-47af-b736-5190c5e50892",
		"Opportunity", "Opportunities", OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE,
		opportunity_fields, .shortcut = "O"),
	OBJECT("task", "tasks", "cab2b8fb-67e9-4ee7-83d9-4bfe116f7d67", "Task", "Tasks",
		OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, task_fields, .shortcut = "T"),
	OBJECT("note", "notes", "69e8f38e-fefa-40f4-949c-fcaaaec12b35", "Note", "Notes",
		OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, note_fields, .shortcut = "N"),
	OBJECT("taskTarget", "taskTargets", "d229cbf9-ff8a-43e7-acca-d003b87e8a4e", "Task Target",
		"Task Targets", OF_SYSTEM | OF_EDITABLE, taskTarget_fields),
	OBJECT("noteTarget", "noteTargets", "a42fce35-7a12-48f5-8137-09a5b208ef70", "Note Target",
		"Note Targets", OF_SYSTEM | OF_EDITABLE, noteTarget_fields),
	OBJECT("workspaceMember", "workspaceMembers", "8cd4e65c-4098-4d13-b16b-9377e68fc5e1",
		"Workspace Member", "Workspace Members", OF_SYSTEM | OF_EDITABLE | OF_SEARCHABLE,
		workspaceMember_fields),
	OBJECT("pet", "pets", "76d72cf6-1ade-4f63-aa58-c1c94f2f6f17", "Pet", "Pets",
		OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, pet_fields),
	OBJECT("rocket", "rockets", "8c3fe6cc-0395-4f74-8e34-613216257a4c", "Rocket", "Rockets",
		OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, rocket_fields),
	OBJECT("surveyResult", "surveyResults", "6c3db5d9-8451-4ba4-a0da-125a78bb310a",
		"Survey result", "Survey results", OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE,
		surveyResult_fields),
	OBJECT("petCareAgreement", "petCareAgreements", "51c19138-e278-46ec-9b41-f1c585d968c7",
		"Pet Care Agreement", "Pet Care Agreements",
		OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, petCareAgreement_fields),
	OBJECT("employmentHistory", "employmentHistories", "4f356e1c-ef6c-492d-9be2-bd474994ac97",
		"Employment History", "Employment Histories",
		OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, employmentHistory_fields),
};

const unsigned schema_crm_n = sizeof(schema_crm) / sizeof(schema_crm[0]);
