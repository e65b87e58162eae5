/* SPDX-License-Identifier: MIT */
/*
 * Every attack in tests/hostile/lua, each the body of a rule, against a real worker: it ends by
 * itself at its limits, or, where C code loops, by the SIGKILL that the runner would send. After a
 * polite end the same worker runs an honest rule, and what that rule finds is as it should be.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/file.h"
#include "runner/worker/worker.h"
#include "tests/harness/peer.h"

#define FOLDER "tests/hostile/lua"
#define CPU_MS 100
#define GRACE_MS 600  /* processor time past the limit before SIGKILL */
#define WALL_MS 60000 /* nothing may take longer, however busy the machine is */

/* Loops in C code that nobody can interrupt: patterns, and the unwinding of a very deep stack;
 * everything else has to end politely. */
static const char *const killed[] = {"08_pattern_exp.lua", "10_gsub_quadratic.lua",
	"70_close_calls_itself.lua", "78_pattern_lazy.lua"};

/* What an honest rule sees after an attack: nothing of it. */
static const char canary[] =
	"rule 'canary' { on = 'person.created', run = function(event)\n"
	"  assert(('x'):rep(3) == 'xxx' and ('x'):upper() == 'X' and json.encode({1}) == '[1]')\n"
	"  assert(event.record.id == 'r' and missing == nil and #table.pack(1, 2) == 2)\n"
	"  local n = 0 for k in pairs { a = 1, b = 2 } do n = n + 1 end assert(n == 2)\n"
	"  skip 'alive'\n"
	"end }";

static int64_t cpu_ms(pid_t pid)
{
	clockid_t clock;
	struct timespec t;
	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool start(struct peer *p, const char *hash, const char *rule)
{
	json_t *event = json_pack(
		"{s:s, s:s, s:{s:s}}", "id", "e", "name", "person.created", "record", "id", "r");
	return peer_send(p, FRAME_START, 1, 1,
		json_pack("{s:s, s:s, s:o, s:i, s:i}", "hash", hash, "rule", rule, "event", event,
			"cpu_ms", CPU_MS, "memory", 32 << 20));
}

/* Answers a call with an error, so that rules that go on after it do. */
static bool refuse(struct peer *p, const json_t *call)
{
	return peer_send(p, FRAME_RESUME, 1, 1,
		json_pack("{s:O, s:{s:s, s:s, s:i, s:b}}", "path", json_object_get(call, "path"),
			"error", "code", "not_found", "message", "there is none", "status", 404,
			"retryable", 0));
}

/* Waits for END, feeding calls. "killed" where the run used more than its grace. GIVES. */
static char *await_end(struct peer *p)
{
	int64_t used = cpu_ms(p->pid), until = clock_mono_ms() + WALL_MS;
	while (clock_mono_ms() < until) {
		struct peer_frame frame;
		if (!peer_receive(p, 20, &frame)) {
			if (cpu_ms(p->pid) - used < CPU_MS + GRACE_MS)
				continue;
			int status = peer_kill(p);
			bool by_us = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
			return strdup(by_us ? "killed" : "crashed");
		}
		if (frame.kind == FRAME_END) {
			char *text = json_dumps(frame.payload, JSON_COMPACT | JSON_SORT_KEYS);
			json_decref(frame.payload);
			return text;
		}
		if (frame.kind == FRAME_CALL || frame.kind == FRAME_SIDE)
			refuse(p, frame.payload);
		json_decref(frame.payload);
	}
	peer_kill(p);
	return strdup("stuck");
}

static char *attack(const char *name, bool *ret_alive)
{
	struct peer p;
	struct buf body, source;
	char path[300];
	buf_init(&body, 1 << 20);
	buf_init(&source, 1 << 20);
	snprintf(path, sizeof(path), FOLDER "/%s", name);
	cr_assert_eq(file_read(-100, path, FILE_LINKS_REFUSED, &body, NULL), RC_OK, "%s", path);
	cr_assert_eq(buf_printf(&source,
			     "rule 'attack' { on = 'person.created', run = function(event)\n"
			     "%s\nend }",
			     body.p),
		RC_OK);
	cr_assert(peer_start(&p, worker_main));
	json_t *head = peer_load(&p, "attack", name, source.p);
	cr_assert(json_is_array(json_object_get(head, "rules")), "%s: %s", name,
		json_string_value(json_object_get(head, "error")));
	json_decref(head);
	cr_assert(start(&p, "attack", "attack"));
	char *how = await_end(&p);
	*ret_alive = p.pid > 0;
	if (p.pid > 0) {
		json_decref(peer_load(&p, "canary", "canary.lua", canary));
		cr_assert(start(&p, "canary", "canary"));
		char *after = await_end(&p);
		cr_expect(after != NULL && strstr(after, "\"why\":\"alive\"") != NULL,
			"after %s: %s", name, after);
		free(after);
		int status = peer_stop(&p);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %x", name,
			status);
	}
	buf_done(&body);
	buf_done(&source);
	return how;
}

static bool may_be_killed(const char *name)
{
	for (size_t i = 0; i < ARRAY_N(killed); i++)
		if (strcmp(killed[i], name) == 0)
			return true;
	return false;
}

static int is_lua(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot != NULL && strcmp(dot, ".lua") == 0;
}

Test(worker_attacks, every_attack_ends_at_its_limit_and_harms_no_other_run, .timeout = 600)
{
	struct dirent **entries;
	int n = scandir(FOLDER, &entries, is_lua, alphasort);
	cr_assert_geq(n, 90, "the attacks are in %s, found from the project's folder", FOLDER);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		bool alive;
		char *how = attack(name, &alive);
		fprintf(stderr, "  %-34s %.160s\n", name, how);
		cr_expect(alive || may_be_killed(name), "%s: %s", name, how);
		cr_expect_str_neq(how, "crashed", "%s", name);
		cr_expect_str_neq(how, "stuck", "%s", name);
		free(how);
		free(entries[i]);
	}
	free(entries);
}
