/* SPDX-License-Identifier: MIT */
/*
 * Random programs under random deaths: a rule executes what its event says (reads, effects, blocks
 * of branches, repeats), while workers are killed, the runner dies or drains, and answers are lost.
 * From: a seed, which is printed. To: what the twin says. Each effect happened once; what a program
 * had read before its effects it read again alike, or it would be stopped; what it reads behind
 * them is what there is in the life of the runner in which it ended. Runs of a record come one
 * after the other.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "tests/unit/runner_stage.h"

#ifdef __SANITIZE_ADDRESS__ /* everything takes several times as long */
#define PROGRAMS 300
#else
#define PROGRAMS 1000
#endif
#define RECORDS (PROGRAMS / 3)
#define LIVES_MAX 400
#define TEXT_MAX 160
#define COUNTER "99999999-2222-4333-8444-555555555555"
#define FAULTS "cut=2%,slow=250:2%,reset=1%"

/* r read, t time, x random, f caught failure, v caught refusal, c create, u update what was created
 * last, y come again unless the counter is odd, ( | ) branches */
static const char rule_text[] =
	"rule \"prog\" { on = \"person.*\", cpu = \"20s\", retry = { max = 100 }, "
	"max_writes = \"9999999/s\", run = "
	"function(e)\n"
	"  local text, at, n, name = e.record.jobTitle, 1, 0, e.record.city\n"
	"  local function parse()\n"
	"    local list = {}\n"
	"    while at <= #text do\n"
	"      local c = text:sub(at, at)\n"
	"      at = at + 1\n"
	"      if c == \"|\" or c == \")\" then return list end\n"
	"      if c == \"(\" then\n"
	"        local block = {}\n"
	"        repeat block[#block + 1] = parse() until text:sub(at - 1, at - 1) == \")\"\n"
	"        list[#list + 1] = { block = block }\n"
	"      else n = n + 1; list[#list + 1] = { op = c, n = n } end\n"
	"    end\n"
	"    return list\n"
	"  end\n"
	"  local function counter() return twenty.notes:get(\"" COUNTER "\").title end\n"
	"  local function go(list, seen)\n"
	"    local note\n"
	"    for _, s in ipairs(list) do\n"
	"      if s.block then\n"
	"        local fs = {}\n"
	"        for i, b in ipairs(s.block) do fs[i] = function() return go(b, seen) end end\n"
	"        seen = table.concat({ parallel(table.unpack(fs)) }, \"|\")\n"
	"      elseif s.op == \"r\" then seen = seen .. counter() .. \",\"\n"
	"      elseif s.op == \"t\" then seen = seen .. now()\n"
	"      elseif s.op == \"x\" then seen = seen .. random(1000000)\n"
	"      elseif s.op == \"f\" then seen = seen .. tostring(pcall(twenty.people.get, "
	"twenty.people, \"x\"))\n"
	"      elseif s.op == \"v\" then seen = seen .. tostring(pcall(twenty.notes.create, "
	"twenty.notes, { nothing = 1 }))\n"
	"      elseif s.op == \"c\" then\n"
	"        note = twenty.notes:create { title = name .. \"/\" .. s.n .. \" \" .. "
	"seen:sub(-60) }\n"
	"      elseif s.op == \"u\" then\n"
	"        twenty.notes:update(note.id, { title = name .. \"/\" .. s.n .. \"u \" .. "
	"seen:sub(-60) })\n"
	"      elseif s.op == \"y\" then\n"
	"        if tonumber(counter()) % 2 == 0 then retry_after(\"5m\") end\n"
	"      end\n"
	"    end\n"
	"    return seen\n"
	"  end\n"
	"  go(parse(), \"\")\n"
	"  log.info(\"end \" .. counter())\n"
	"end }\n";

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
	stage_rule(&s, "a.lua", rule_text);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_random, .init = open_stage, .fini = close_stage, .timeout = 300);

struct program {
	char text[TEXT_MAX];
	int creates, updates;
};

struct world {
	uint64_t random;
	struct program programs[PROGRAMS];
	size_t n;
	int64_t began_ms[LIVES_MAX + 2]; /* wall: of each life, from 1 */
	int lives, kills, drains;
	bool forget; /* the control: journals are lost with the runner */
};

static struct world w;

static size_t below(size_t n)
{
	w.random ^= w.random << 13;
	w.random ^= w.random >> 7;
	w.random ^= w.random << 17;
	return (size_t)(w.random % n);
}

/* --- programs ----------------------------------------------------------------------------------
 */

static void say(struct program *p, char c)
{
	size_t n = strlen(p->text);
	cr_assert_lt(n + 1, TEXT_MAX);
	p->text[n] = c;
	p->text[n + 1] = '\0';
}

static void write_list(struct program *p, int depth)
{
	for (size_t n = 1 + below(5); n > 0 && strlen(p->text) < TEXT_MAX - 40; n--) {
		size_t dice = below(100);
		if (dice < 12 && depth < 2) {
			say(p, '(');
			for (size_t branches = 1 + below(3); branches > 0; branches--) {
				write_list(p, depth + 1);
				say(p, branches > 1 ? '|' : ')');
			}
		} else if (dice < 45) {
			say(p, 'c');
			p->creates++;
			if (below(3) == 0) {
				say(p, 'u');
				p->updates++;
			}
		} else {
			static const char reads[] = "rrrrrrrrrrrttxxffvvy";
			say(p, reads[below(sizeof(reads) - 1)]);
		}
	}
}

static void deliver_programs(size_t n)
{
	static struct queue_delivery batch[PROGRAMS];
	static char bodies[PROGRAMS][512];
	struct err err = {0};
	static struct uuid records[RECORDS];
	w.n = n;
	for (size_t i = 0; i < RECORDS; i++)
		cr_assert_eq(uuid_new(&records[i], &err), RC_OK);
	for (size_t i = 0; i < n; i++) {
		write_list(&w.programs[i], 0);
		int size = snprintf(bodies[i], sizeof(bodies[i]),
			"{\"eventName\":\"person.updated\",\"record\":{\"id\":\"%s\",\"city\":\"p%"
			"zu\","
			"\"jobTitle\":\"%s\"},\"updatedFields\":[\"jobTitle\"]}",
			records[below(RECORDS)].text, i, w.programs[i].text);
		batch[i] = (struct queue_delivery){.source = "twenty",
			.body = {bodies[i], (size_t)size},
			.received_ms = clock_wall_ms()};
		cr_assert_eq(id_new(batch[i].received_ms, &batch[i].id, &err), RC_OK);
	}
	cr_assert_eq(queue_inbox_put(s.inbox, batch, n, &err), RC_OK, "%s", err.msg);
}

/* --- the twin ----------------------------------------------------------------------------------
 */

static void set_counter(const char *method, const char *path)
{
	char body[96];
	free(stage_ask(&s, "POST", "/_twin/fault", "none"));
	snprintf(body, sizeof(body), "{\"id\":\"" COUNTER "\",\"title\":\"%d\"}", w.lives);
	free(stage_ask(&s, method, path, body));
	free(stage_ask(&s, "POST", "/_twin/fault", FAULTS));
}

/* --- deaths ------------------------------------------------------------------------------------
 */

/* Not one with a run that is under suspicion already: three deaths would be its end, rightly. */
static void kill_a_worker(void)
{
	struct pool *pool = &s.runner->pool;
	struct worker *worker = &pool->workers[below(pool->n)];
	bool fit = worker->state == WORKER_READY;
	for (const struct run *run = worker->runs; run != NULL; run = run->next)
		fit = fit && run->deaths_seen < 2 && !run->suspect;
	if (!fit || worker->runs_n == 0)
		return;
	kill(worker->pid, SIGKILL);
	w.kills++;
}

static void forget_journals(void)
{
	char path[256];
	sqlite3 *db = NULL;
	snprintf(path, sizeof(path), "%s/work.db", conf_text(s.conf, "store"));
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, "DELETE FROM journal", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* A life lasts its time, on a slow machine until some runs have ended, and no longer than there is
 * something to be done. */
static bool is_over(int64_t from_ms, int64_t ms, int64_t ended)
{
	int64_t passed = clock_mono_ms() - from_ms;
	struct queue_counts c = stage_counts(&s);
	if (c.runs[QUEUE_DUE] + c.runs[QUEUE_WAITING] + c.runs[QUEUE_RUNNING] == 0)
		return c.runs[QUEUE_DONE] > 0;
	bool idle = s.runner->runs.live_n == 0 && c.runs[QUEUE_DUE] == 0 && passed > 50;
	return idle || (passed >= ms && (c.runs[QUEUE_DONE] >= ended + 20 || passed >= 4 * ms));
}

static void live_once(int64_t ms)
{
	int64_t from = clock_mono_ms(), next_kill = from + 20;
	int64_t ended = stage_counts(&s).runs[QUEUE_DONE], killed_at = ended;
	while (!is_over(from, ms, ended)) {
		int64_t next_look = clock_mono_ms() + 10;
		while (clock_mono_ms() < next_look && s.runner->fatal == RC_OK)
			stage_turn(&s, 1);
		cr_assert_eq(s.runner->fatal, RC_OK);
		if (clock_mono_ms() < next_kill)
			continue;
		next_kill = clock_mono_ms() + 20 + (int64_t)below(40);
		/* On a slow machine, too, some run comes to its end between two deaths: one that
		 * dies alone with its worker three times is to blame. */
		int64_t done = stage_counts(&s).runs[QUEUE_DONE];
		if (done == killed_at)
			continue;
		killed_at = done;
		kill_a_worker();
	}
}

static void die(void)
{
	if (below(6) == 0) {
		w.drains++;
		stage_stop(&s);
	} else {
		stage_crash(&s);
	}
	if (w.forget)
		forget_journals();
	w.lives++;
	set_counter("PATCH", "/rest/notes/" COUNTER);
	clock_shift_wall_ms(20 * 60000); /* what waits is due */
	w.began_ms[w.lives] = clock_wall_ms();
	stage_again(&s);
}

static void run_all(size_t programs, uint64_t seed)
{
	w.random = seed | 1;
	w.lives = 1;
	stage_start(&s, STAGE_TWIN, "limits = { runs = 64 }");
	set_counter("POST", "/rest/notes");
	w.began_ms[1] = clock_wall_ms();
	deliver_programs(programs);
	while (!stage_ended(&s, (long)w.n)) {
		/* The control has few programs, and needs its deaths all the same. */
		live_once(w.forget ? 40 : 100 + (int64_t)below(300));
		if (stage_ended(&s, (long)w.n))
			break;
		cr_assert_lt(w.lives, LIVES_MAX, "it comes to no end");
		die();
	}
	stage_look(&s);
}

/* --- what has to hold --------------------------------------------------------------------------
 */

struct found {
	size_t notes, twice, missing, unchanged; /* records */
	size_t written_twice, written;           /* changes that the twin accepted */
	size_t stopped, stale;                   /* runs */
	size_t behind, overtaken;                /* runs behind another of their record */
};

static int life_of(int64_t wall_ms)
{
	int life = 1;
	while (life < w.lives && w.began_ms[life + 1] <= wall_ms)
		life++;
	return life;
}

static void look_at_runs(struct found *f)
{
	for (size_t i = 0; i < s.runs_n; i++) {
		const struct stage_run *run = &s.runs[i];
		const char *end = strstr(run->log, "end ");
		if (run->state != QUEUE_DONE) {
			f->stopped++;
			printf("%s: %s\n", queue_state_name(run->state), run->error);
		} else if (end == NULL || strtol(end + 4, NULL, 10) != life_of(run->ended_ms)) {
			f->stale++;
		}
	}
}

/* Runs of a record, in the order of arrival: each begins when the one before has ended. */
static void look_at_order(struct found *f)
{
	for (size_t i = 0; i < s.runs_n; i++) {
		size_t next = i + 1;
		while (next < s.runs_n && strcmp(s.runs[next].key, s.runs[i].key) != 0)
			next++;
		if (next == s.runs_n)
			continue;
		f->behind++;
		f->overtaken += s.runs[next].started_ms < s.runs[i].ended_ms;
	}
}

/* Each create has one note, whose title is the update's where there is one. */
static void look_at_notes(struct found *f)
{
	char *text = stage_ask(&s, "GET", "/_twin/records/notes", NULL);
	json_t *all = json_loads(text, JSON_DECODE_ANY, NULL), *each;
	json_t *list = json_is_array(all) ? all : json_object_get(all, "notes");
	static unsigned char seen[PROGRAMS][TEXT_MAX];
	size_t i;
	memset(seen, 0, sizeof(seen));
	json_array_foreach(list, i, each)
	{
		const char *title = json_string_value(json_object_get(each, "title"));
		size_t program = 0, op = 0;
		int end = 0;
		if (title == NULL || sscanf(title, "p%zu/%zu%n", &program, &op, &end) != 2)
			continue;
		cr_assert(program < w.n && op < TEXT_MAX);
		f->notes++;
		size_t made = title[end] == 'u' ? op - 1 : op;
		f->twice += seen[program][made]++ != 0;
		seen[program][made] |= title[end] == 'u' ? 64 : 0;
	}
	for (size_t p = 0; p < w.n; p++) {
		size_t op = 0;
		for (const char *c = w.programs[p].text; *c != '\0'; c++) {
			if (strchr("(|)", *c) != NULL)
				continue;
			op++;
			f->missing += *c == 'c' && seen[p][op] == 0;
			f->unchanged += *c == 'u' && (seen[p][op - 1] & 64) == 0;
		}
	}
	json_decref(all);
	free(text);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A note is changed once by its program, so that its path stands once in the twin's log. */
static void look_at_changes(struct found *f)
{
	char *text = stage_ask(&s, "GET", "/_twin/log", NULL), *rest = text;
	char **paths = calloc(PROGRAMS * TEXT_MAX, sizeof(*paths));
	size_t n = 0;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		if (strstr(line, "\"PATCH\"") == NULL || strstr(line, COUNTER) != NULL)
			continue;
		json_t *row = json_loads(line, 0, NULL);
		const char *path = json_string_value(json_object_get(row, "path"));
		if (path != NULL && json_integer_value(json_object_get(row, "status")) == 200)
			paths[n++] = strdup(path);
		json_decref(row);
	}
	qsort(paths, n, sizeof(*paths), compare);
	for (size_t i = 1; i < n; i++)
		f->written_twice += strcmp(paths[i], paths[i - 1]) == 0;
	f->written = n;
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
	free(text);
}

static struct found look(uint64_t seed)
{
	struct found f = {0};
	size_t creates = 0, updates = 0;
	for (size_t i = 0; i < w.n; i++) {
		creates += (size_t)w.programs[i].creates;
		updates += (size_t)w.programs[i].updates;
	}
	look_at_runs(&f);
	look_at_order(&f);
	look_at_notes(&f);
	look_at_changes(&f);
	printf("seed %" PRIu64 "%s: %zu programs, %zu creates, %zu updates; %d lives of the runner "
	       "(%d drained), %d workers killed: %zu notes, %zu twice, %zu missing, %zu not "
	       "changed; %zu changes, %zu twice; %zu runs stopped, %zu read behind their effects "
	       "what was old; %zu came behind another of their record, %zu overtook it\n",
		seed, w.forget ? ", journals lost" : "", w.n, creates, updates, w.lives, w.drains,
		w.kills, f.notes, f.twice, f.missing, f.unchanged, f.written, f.written_twice,
		f.stopped, f.stale, f.behind, f.overtaken);
	return f;
}

static uint64_t seed_of(void)
{
	const char *text = getenv("MOONHOOK_SEED");
	return text != NULL ? strtoull(text, NULL, 10) : (uint64_t)clock_wall_ms();
}

Test(runner_random, a_thousand_programs_have_each_effect_once_whatever_dies)
{
	uint64_t seed = seed_of();
	run_all(PROGRAMS, seed);
	struct found f = look(seed);
	cr_expect_eq(f.twice + f.missing + f.unchanged, 0);
	cr_expect_eq(f.written_twice, 0);
	cr_expect_eq(f.stopped, 0);
	cr_expect_eq(f.stale, 0);
	cr_expect_eq(f.overtaken, 0);
	cr_expect_gt(f.behind, PROGRAMS / 2);
	cr_expect_geq(w.lives, 5);
}

Test(runner_random, without_a_journal_effects_happen_twice)
{
	uint64_t seed = seed_of();
	w.forget = true;
	run_all(PROGRAMS / 10, seed);
	struct found f = look(seed);
	cr_expect_gt(f.written_twice, 0, "so the count can be something else than 0");
}
