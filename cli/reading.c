/* SPDX-License-Identifier: MIT */
/*
 * Asks the store and prints.
 * From: events.c and runs.c, which know what is asked. To: the store, read only; rows.c, detail.c.
 * Fails with a sentence and an exit status.
 */
#include "cli/reading.h"

#include "cli/detail.h"
#include "cli/filter.h"
#include "cli/store.h"

int reading_list(const struct args *args, const struct reading_list *list)
{
	struct queue_filter filter;
	struct queue *queue = NULL;
	struct err err = {.msg = ""};
	enum cli_exit status = filter_read(args, &filter);
	if (status == CLI_OK)
		status = store_open(args, &queue);
	if (status != CLI_OK)
		return status;
	struct rows *rows = rows_open(args->output, list->columns, list->columns_n);
	enum rc rc = rows != NULL ? list->each(queue, &filter, rows, &err)
				  : err_set(&err, RC_NOMEM, "no memory");
	bool none = rows != NULL && !rows_any(rows);
	rows_close(rows, list->none);
	if (rc == RC_OK && none && list->missed != NULL)
		list->missed(queue, &filter);
	queue_close(queue);
	return rc == RC_OK ? CLI_OK : store_fail(&err);
}

int reading_one(const struct args *args, const struct reading_one *one)
{
	struct queue *queue = NULL;
	struct err err = {.msg = ""};
	json_t *found = NULL;
	if (args->operands_n != 1)
		return args_fail(CLI_USAGE, "%s", one->usage);
	enum cli_exit status = store_open(args, &queue);
	if (status != CLI_OK)
		return status;
	if (one->read(queue, args->operands[0], &found, &err) != RC_OK)
		status = store_fail(&err);
	else if (args->output == ARGS_TABLE)
		one->show(found);
	else
		detail_json(args->output, found);
	json_decref(found);
	queue_close(queue);
	return status;
}
