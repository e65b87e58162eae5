/* SPDX-License-Identifier: MIT */
/*
 * crash-open FOLDER inbox|work: opens one side of a store for writing, which makes it or brings it
 * up to date, and closes it again. 0, or 1 with a sentence.
 * From: migrations.c, with the shim in front of it.
 */
#include <stdio.h>
#include <string.h>

#include "queue/queue.h"

int main(int argc, char **argv)
{
	struct queue *q = NULL;
	struct err err = {.msg = "usage: crash-open FOLDER inbox|work"};
	if (argc != 3) {
		fprintf(stderr, "%s\n", err.msg);
		return 2;
	}
	enum queue_side side = strcmp(argv[2], "inbox") == 0 ? QUEUE_RECEIVER : QUEUE_RUNNER;
	enum rc rc = queue_open(argv[1], side, &q, &err);
	queue_close(q);
	if (rc != RC_OK)
		fprintf(stderr, "%s\n", err.msg);
	return rc == RC_OK ? 0 : 1;
}
