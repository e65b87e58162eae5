/* SPDX-License-Identifier: MIT */
/* The verbs that ask the store and print its answer: lists, and one thing with all there is of it.
 */
#ifndef MOONHOOK_CLI_READING_H
#define MOONHOOK_CLI_READING_H

#include "cli/args.h"
#include "cli/rows.h"
#include "queue/queue.h"

struct reading_list { /* STATIC */
	const struct rows_column *columns;
	size_t columns_n;
	const char *none; /* said where there is no row */
	/* Says on stderr what else there is to say where no row was found; may be NULL. */
	void (*missed)(struct queue *queue, const struct queue_filter *filter);
	/* Puts the row of each that the filter lets through. */
	enum rc (*each)(struct queue *queue, const struct queue_filter *filter, struct rows *rows,
		struct err *err);
};

struct reading_one {       /* STATIC */
	const char *usage; /* said where not one id is named */
	/* id: whole or its beginning. GIVES. */
	enum rc (*read)(struct queue *queue, const char *id, json_t **ret_one, struct err *err);
	void (*show)(const json_t *one); /* for people */
};

/* Both answer the exit status; what fails is said on stderr. */
int reading_list(const struct args *args, const struct reading_list *list);
int reading_one(const struct args *args, const struct reading_one *one);

#endif
