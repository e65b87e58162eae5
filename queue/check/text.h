/* SPDX-License-Identifier: MIT */
/* The questions of `store check`, as data, and who puts them. */
#ifndef MOONHOOK_QUEUE_CHECK_TEXT_H
#define MOONHOOK_QUEUE_CHECK_TEXT_H

#include "queue/check.h"

/* Each answers one row: how many, and one of them as a text. The inbox of SQLite is `inbox`. */
struct check_question { /* STATIC */
	const char *kind, *what, *means, *fix;
	const char *sqlite;   /* NULL: only asked of the other */
	const char *postgres; /* NULL: likewise; "": as SQLite */
};
extern const struct check_question check_questions[];
extern const size_t check_questions_n;
/* Is it about a risk that `durability = "relaxed"` allows by name? */
bool check_question_allowed(const struct check_question *q);

/* A row of an answer: its number, and its text ("" for NULL). */
typedef enum rc (*check_row_fn)(void *ctx, int64_t n, const char *text, struct err *err);

struct check_driver { /* STATIC */
	/* GIVES what the others take. In one state that lasts. */
	enum rc (*open)(const struct queue_place *place, void **ret_self,
		struct queue_mark *ret_mark, bool *ret_relaxed, struct err *err);
	enum rc (*ask)(void *self, const char *sql, check_row_fn fn, void *ctx, struct err *err);
	/* What the database says of its pages: a row for each thing that is wrong. ret_asked: it
	 * could be asked. */
	enum rc (*pages)(void *self, check_row_fn fn, void *ctx, bool *ret_asked, struct err *err);
	void (*close)(void *self);
	bool postgres;
};
extern const struct check_driver check_sqlite, check_postgres;

#endif
