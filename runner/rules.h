/* SPDX-License-Identifier: MIT */
/*
 * The folder of rules -> the live set. Loading asks a worker for the head of each new file, so it
 * takes a while; until it is over the old set is live, then the new one is, at once.
 *
 * A broken file leaves its older version live. After a start that is the one which the store says
 * was live before; a file that has been deleted has none. Where the whole folder cannot be read at
 * a start, and there were rules before, nothing is routed until it can.
 */
#ifndef MOONHOOK_RUNNER_RULES_H
#define MOONHOOK_RUNNER_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "runner/folder.h"
#include "runner/pool.h"
#include "runner/ruleset.h"

struct runner;

#define RULES_SLOT 0xc0000000u /* + index: `run` of the frames that load candidates */

struct rules_choice {             /* BORROWS; what of the folder is live, for tests of rules */
	const char *const *files; /* NULL-terminated */
	const char *const *names; /* likewise; NULL: all rules of those files */
	bool clock;               /* rules of cron and every, too */
	/* Changes the texts of those files before they are loaded. */
	void (*edit)(void *ctx, struct folder *folder);
	void *ctx;
};

struct candidate {                /* a file that is being loaded */
	struct folder_file *file; /* BORROWS */
	struct version *source;   /* whose head is wanted: the file's, then the store's */
	struct rulefile *done;    /* its new version, once known */
	char *error;              /* why it has none */
	char *report;             /* the line it is about; NULL: not known */
	char *doubt;              /* what the workspace seems to lack of it; NULL: nothing */
	bool recalled;            /* the store has been asked for an older version */
	struct rulefile *stored;  /* that one, where none is live here */
	int64_t stored_ms;        /* wall: since when it was live */
	int crashes;              /* workers that died while others were loaded with it */
	bool asked;
	struct rulefile *chosen; /* done, or an older one; BORROWS */
};

struct rules {
	struct ruleset *live;
	bool loading, again;   /* one more reload was asked for meanwhile */
	bool loaded;           /* once at least */
	int64_t again_ms;      /* mono; when to look for a folder that is away; 0: never */
	bool answer;           /* the supervisor waits for an answer */
	const char *said_kind; /* the answer, held until the commit; NULL: none. STATIC */
	char *said;
	struct folder folder;         /* of the load under way */
	struct candidate *candidates; /* one for each file */
	size_t candidates_n;
	uint32_t generation;
};

/* Starts to load the folder. The answer goes to the supervisor when it is over, where it asked. */
void rules_reload(struct runner *r);
/* This runner leads from now on: its rules, which have been loaded, are those that are live. */
void rules_publish(struct runner *r);
/* A worker answered LOAD. */
void rules_head(struct runner *r, struct worker *worker, const struct frame *frame);
/* A worker died over this task. blamed: it was at it. */
void rules_gone(struct runner *r, const struct pool_task *task, bool blamed, const struct err *why);
/* Asks for what has not been asked yet; call it when a worker became ready. */
void rules_push(struct runner *r);
/* Sends the answer that waits, if there is one; call it when all is committed, so that whoever asks
 * next sees what it speaks of. */
void rules_answer(struct runner *r);
void rules_close(struct runner *r);

#endif
