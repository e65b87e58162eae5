/* SPDX-License-Identifier: MIT */
/*
 * Opens the store for reading.
 * From: events, runs, tail. It never writes: what changes something goes through the daemon.
 */
#include "cli/store.h"

#include <string.h>
#include <unistd.h>

#include "cli/settings.h"
#include "queue/place.h"

int store_fail(const struct err *err)
{
	return args_fail(err->code == RC_BUSY ? CLI_BUSY : CLI_FAILED, "%s", err->msg);
}

enum cli_exit store_open(const struct args *args, struct queue **ret_queue)
{
	struct conf *conf = NULL;
	struct err err = {.msg = ""};
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_PARTIAL, &conf);
	if (status != CLI_OK)
		return status;
	const char *store = conf_text(conf, "store");
	struct queue_place place;
	queue_place_of(conf, &place);
	if (strchr(store, ':') == NULL && access(store, F_OK) != 0)
		status = args_fail(CLI_FAILED,
			"there is no store at %s yet; `moonhook serve` makes it (relative to the "
			"folder it is started in)",
			store);
	else if (queue_place_open(&place, QUEUE_READER, 0, ret_queue, &err) != RC_OK)
		status = store_fail(&err);
	conf_free(conf);
	return status;
}

enum cli_exit store_place(const struct args *args, const char *word, struct conf **conf,
	struct queue_place *ret_place)
{
	*ret_place = (struct queue_place){.store = word};
	if (strcmp(word, "-") != 0)
		return CLI_OK;
	enum cli_exit status =
		*conf != NULL ? CLI_OK : cli_settings_load(args, CLI_SETTINGS_PARTIAL, conf);
	if (status == CLI_OK)
		queue_place_of(*conf, ret_place);
	return status;
}
