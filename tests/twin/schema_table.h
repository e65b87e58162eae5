/* SPDX-License-Identifier: MIT */
/* Objects and fields as const data, and the words in which that data is written. */
#ifndef MOONHOOK_TESTS_TWIN_SCHEMA_TABLE_H
#define MOONHOOK_TESTS_TWIN_SCHEMA_TABLE_H

/* X(code, name in the metadata) */
#define FIELD_TYPES(X)                                                                             \
	X(FT_UUID, "UUID")                                                                         \
	X(FT_TEXT, "TEXT")                                                                         \
	X(FT_DATE_TIME, "DATE_TIME")                                                               \
	X(FT_DATE, "DATE")                                                                         \
	X(FT_NUMBER, "NUMBER")                                                                     \
	X(FT_BOOLEAN, "BOOLEAN")                                                                   \
	X(FT_SELECT, "SELECT")                                                                     \
	X(FT_MULTI_SELECT, "MULTI_SELECT")                                                         \
	X(FT_RATING, "RATING")                                                                     \
	X(FT_POSITION, "POSITION")                                                                 \
	X(FT_TS_VECTOR, "TS_VECTOR")                                                               \
	X(FT_ACTOR, "ACTOR")                                                                       \
	X(FT_FULL_NAME, "FULL_NAME")                                                               \
	X(FT_EMAILS, "EMAILS")                                                                     \
	X(FT_PHONES, "PHONES")                                                                     \
	X(FT_LINKS, "LINKS")                                                                       \
	X(FT_ADDRESS, "ADDRESS")                                                                   \
	X(FT_CURRENCY, "CURRENCY")                                                                 \
	X(FT_RICH_TEXT, "RICH_TEXT")                                                               \
	X(FT_RAW_JSON, "RAW_JSON")                                                                 \
	X(FT_ARRAY, "ARRAY")                                                                       \
	X(FT_FILES, "FILES")                                                                       \
	X(FT_RELATION, "RELATION")                                                                 \
	X(FT_MORPH, "MORPH_RELATION")

enum field_type {
#define X(code, name) code,
	FIELD_TYPES(X)
#undef X
		FT_N,
};

#define FF_NUL 0x01u  /* may be null */
#define FF_UNI 0x02u  /* no two rows share it, soft-deleted ones included */
#define FF_SYS 0x04u  /* isSystem */
#define FF_EDI 0x08u  /* isUIEditable */
#define FF_RDO 0x10u  /* isUIReadOnly */
#define FF_MANY 0x20u /* relation: the other side holds the id (ONE_TO_MANY) */
#define FF_CAS 0x40u  /* relation: goes when its target goes, else it is set to null */

#define OF_SYSTEM 0x01u
#define OF_EDITABLE 0x02u
#define OF_CREATABLE 0x04u
#define OF_READONLY 0x08u
#define OF_SEARCHABLE 0x10u

struct field_def {
	const char *name;
	enum field_type type;
	unsigned flags;
	const char *label;
	const char *dflt;     /* JSON as the metadata writes it ("'NEW'" for a text), or NULL */
	const char *options;  /* VALUE:Label:colour|.. or NULL */
	const char *settings; /* JSON or NULL */
	const char *target;   /* relations: singular name of the other object */
	const char *inverse;  /* FF_MANY: the field over there that points back */
};

struct object_def {
	const char *singular, *plural;
	const char *id;
	const char *label, *labels;
	unsigned flags;
	const struct field_def *fields;
	unsigned field_n;
	const char *shortcut; /* or NULL */
	const char *criteria; /* what makes two rows duplicates: "a.b+a.c|d", or NULL */
};

/* A row of a table; what follows the label is optional: .dflt = "0", .options = .. */
#define FIELD(n, t, fl, l, ...)                                                                    \
	{                                                                                          \
		.name = (n), .type = (t), .flags = (fl), .label = (l), __VA_ARGS__                 \
	}
#define OBJECT(s, p, i, l, ls, fl, a, ...)                                                         \
	{                                                                                          \
		.singular = (s), .plural = (p), .id = (i), .label = (l), .labels = (ls),           \
		.flags = (fl), .fields = (a), .field_n = sizeof(a) / sizeof((a)[0]), __VA_ARGS__   \
	}

#define ACTOR_SYSTEM "{\"name\":\"'System'\",\"source\":\"'MANUAL'\",\"workspaceMemberId\":null}"
#define ACTOR_NOBODY "{\"name\":\"''\",\"source\":\"'MANUAL'\"}"

/* Fields that nearly every object has. */
#define F_ID FIELD("id", FT_UUID, FF_SYS | FF_RDO, "Id", .dflt = "\"uuid\"")
#define F_CREATED_AT                                                                               \
	FIELD("createdAt", FT_DATE_TIME, FF_SYS | FF_RDO, "Creation date", .dflt = "\"now\"")
#define F_UPDATED_AT                                                                               \
	FIELD("updatedAt", FT_DATE_TIME, FF_SYS | FF_RDO, "Last update", .dflt = "\"now\"")
#define F_DELETED_AT FIELD("deletedAt", FT_DATE_TIME, FF_NUL | FF_SYS | FF_RDO, "Deleted at")
#define F_UPDATED_BY                                                                               \
	FIELD("updatedBy", FT_ACTOR, FF_SYS | FF_RDO, "Updated by", .dflt = ACTOR_SYSTEM)
#define F_CREATED_BY                                                                               \
	FIELD("createdBy", FT_ACTOR, FF_SYS | FF_RDO, "Created by", .dflt = ACTOR_SYSTEM)
#define F_POSITION FIELD("position", FT_POSITION, FF_SYS | FF_EDI, "Position", .dflt = "0")
#define F_SEARCH_VECTOR                                                                            \
	FIELD("searchVector", FT_TS_VECTOR, FF_NUL | FF_SYS | FF_EDI, "Search vector")
#define F_NAME FIELD("name", FT_TEXT, FF_NUL | FF_EDI, "Name")

/* The same as people cannot change them, and as objects have them that a workspace made. */
#define F_NAME_RDO FIELD("name", FT_TEXT, FF_NUL | FF_RDO, "Name")
#define F_POSITION_RDO FIELD("position", FT_POSITION, FF_SYS | FF_RDO, "Position", .dflt = "0")
#define F_SEARCH_VECTOR_RDO                                                                        \
	FIELD("searchVector", FT_TS_VECTOR, FF_NUL | FF_SYS | FF_RDO, "Search vector")
#define F_UPDATED_BY_NOBODY                                                                        \
	FIELD("updatedBy", FT_ACTOR, FF_SYS | FF_RDO, "Updated by", .dflt = ACTOR_NOBODY)
#define F_CREATED_BY_NOBODY                                                                        \
	FIELD("createdBy", FT_ACTOR, FF_SYS | FF_RDO, "Created by", .dflt = ACTOR_NOBODY)

/* Relations: rows over there point back here, or this row points at one over there. */
#define MANY(n, fl, l, t, i) FIELD(n, FT_RELATION, (fl) | FF_MANY, l, .target = (t), .inverse = (i))
#define ONE(n, fl, l, t) FIELD(n, FT_RELATION, fl, l, .target = (t))
/* One of the objects that a task, a note, a file or a line of a history may be about. */
#define TARGET(n, fl, l, t) FIELD("target" n, FT_MORPH, fl, l, .target = (t))

/* Rows that stand together in many objects. */
#define F_LIFE F_ID, F_CREATED_AT, F_UPDATED_AT, F_DELETED_AT
#define F_KEPT F_CREATED_BY, F_UPDATED_BY, F_POSITION, F_SEARCH_VECTOR
#define F_SHOWN F_POSITION, F_CREATED_BY, F_UPDATED_BY, F_SEARCH_VECTOR
#define F_MADE F_CREATED_BY_NOBODY, F_DELETED_AT, F_POSITION_RDO, F_UPDATED_AT, F_UPDATED_BY_NOBODY
/* What may be about a row of an object that a workspace made; i: the field over there. */
#define F_ABOUT(i)                                                                                 \
	MANY("timelineActivities", FF_NUL | FF_EDI, "Timeline Activities", "timelineActivity", i), \
		MANY("attachments", FF_NUL | FF_EDI, "Attachments", "attachment", i),              \
		MANY("noteTargets", FF_NUL | FF_EDI, "Notes", "noteTarget", i),                    \
		MANY("taskTargets", FF_NUL | FF_EDI, "Tasks", "taskTarget", i)
#define F_CUSTOM_TARGETS                                                                           \
	TARGET("Rocket", FF_NUL | FF_EDI, "Rocket", "rocket"),                                     \
		TARGET("Pet", FF_NUL | FF_EDI, "Pet", "pet"),                                      \
		TARGET("SurveyResult", FF_NUL | FF_EDI, "SurveyResult", "surveyResult"),           \
		TARGET("EmploymentHistory", FF_NUL | FF_EDI, "EmploymentHistory",                  \
			"employmentHistory"),                                                      \
		TARGET("PetCareAgreement", FF_NUL | FF_EDI, "PetCareAgreement",                    \
			"petCareAgreement")

extern const struct object_def schema_crm[];
extern const unsigned schema_crm_n;
extern const struct object_def schema_plumbing[];
extern const unsigned schema_plumbing_n;

#endif
