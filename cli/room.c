/* SPDX-License-Identifier: MIT */
/*
 * The hidden verb `room NAME`: this program as one of its own children.
 * From: child.c and the runner, by exec. Next: the room's main. Not for people.
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "cli/args.h"
#include "console/console.h"
#include "receiver/receiver.h"
#include "runner/runner.h"
#include "runner/worker/worker.h"

static const struct {
	const char *name;
	int (*run)(void);
} rooms[] = {
	{"receiver", receiver_main},
	{"runner", runner_main},
	{"worker", worker_main},
	{"console", console_main},
};

/* Started through /proc/self/exe, it would show as "exe" in ps and top. */
static void name_process(const char *room)
{
	char name[16];
	snprintf(name, sizeof(name), "moon-%s", room);
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

static int run_room(const struct args *args)
{
	for (size_t i = 0; i < ARRAY_N(rooms); i++) {
		if (args->operands_n != 1 || strcmp(args->operands[0], rooms[i].name) != 0)
			continue;
		name_process(rooms[i].name);
		return rooms[i].run();
	}
	return args_fail(CLI_USAGE, "`moonhook room` is started by `moonhook serve` only");
}

const struct verb verb_room = {
	.name = "room",
	.operands = "NAME",
	.summary = "a part of the daemon; started by serve",
	.examples = {"moonhook serve"},
	.hidden = true,
	.exits = {CLI_USAGE},
	.run = run_room,
};
