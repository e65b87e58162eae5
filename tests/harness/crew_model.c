/* SPDX-License-Identifier: MIT */
/*
 * The model of a crew, in shared memory under a lock of its own.
 * From: crew.c, its processes. A process that is killed never holds the lock: who kills takes it
 * first.
 */
#include "tests/harness/crew_model.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum state {
	OPEN,   /* not at work: new, or to be tried again */
	LIVE,   /* at work */
	ENDING, /* its end is being written, or has been */
	DOUBT,  /* the same, and its writer is no more: it may have ended or not */
	ENDED,  /* for certain: it was committed, or a later one of its key has started */
};

struct event {
	size_t key[2], next[2];
	unsigned runner;
	unsigned char state;
	bool started;
};

struct key {
	size_t first, last; /* open events, in order */
	size_t live;
};

struct crew_model {
	atomic_flag lock;
	_Atomic unsigned life[CREW_MAX];
	struct crew_tally tally;
	size_t size, events_n, started_n;
	struct key *keys;
	struct event events[];
};

static void take(struct crew_model *m)
{
	while (atomic_flag_test_and_set(&m->lock))
		sched_yield();
}

static void give(struct crew_model *m)
{
	atomic_flag_clear(&m->lock);
}

static void line_up(struct crew_model *m, size_t event)
{
	struct event *e = &m->events[event];
	for (int i = 0; i < 2; i++) {
		e->next[i] = CREW_NONE;
		if (e->key[i] == CREW_NONE)
			continue;
		struct key *k = &m->keys[e->key[i]];
		if (k->first == CREW_NONE) {
			k->first = event;
		} else {
			struct event *last = &m->events[k->last];
			last->next[last->key[0] == e->key[i] ? 0 : 1] = event;
		}
		k->last = event;
	}
}

struct crew_model *crew_model_new(size_t events, size_t keys, const size_t (*key)[2])
{
	size_t size = sizeof(struct crew_model) + events * sizeof(struct event);
	size += keys * sizeof(struct key);
	struct crew_model *m =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return NULL;
	m->size = size;
	m->events_n = events;
	m->keys = (struct key *)(m->events + events);
	for (size_t i = 0; i < keys; i++)
		m->keys[i].first = CREW_NONE;
	for (size_t i = 0; i < events; i++) {
		memcpy(m->events[i].key, key[i], sizeof(m->events[i].key));
		line_up(m, i);
	}
	return m;
}

void crew_model_free(struct crew_model *m)
{
	if (m != NULL)
		munmap(m, m->size);
}

unsigned crew_model_life(struct crew_model *m, size_t runner)
{
	return atomic_load(&m->life[runner]);
}

/* Those before it that are ending have ended: else it could not start. What stands in its way? */
static size_t first_of(struct crew_model *m, size_t key, size_t event)
{
	struct key *k = &m->keys[key];
	while (k->first != CREW_NONE) {
		struct event *f = &m->events[k->first];
		if (f->state != ENDED &&
			(k->first == event || (f->state != ENDING && f->state != DOUBT)))
			break;
		f->state = ENDED;
		k->first = f->next[f->key[0] == key ? 0 : 1];
	}
	return k->first;
}

static void note_start(struct crew_model *m, size_t event)
{
	struct event *e = &m->events[event];
	m->tally.twice += e->state == ENDED || e->state == ENDING;
	m->tally.overlaps += e->state == LIVE;
	for (int i = 0; i < 2; i++) {
		if (e->key[i] == CREW_NONE)
			continue;
		m->tally.inversions += first_of(m, e->key[i], event) != event;
		m->tally.overlaps += m->keys[e->key[i]].live != 0;
		m->keys[e->key[i]].live++;
	}
	m->started_n += !e->started;
	e->started = true;
	m->tally.starts++;
}

static void note_stop(struct crew_model *m, struct event *e)
{
	for (int i = 0; i < 2; i++)
		if (e->key[i] != CREW_NONE && m->keys[e->key[i]].live > 0)
			m->keys[e->key[i]].live--;
}

bool crew_model_start(struct crew_model *m, size_t event, size_t runner, unsigned life)
{
	take(m);
	bool ours = atomic_load(&m->life[runner]) == life;
	if (ours && event < m->events_n) {
		note_start(m, event);
		m->events[event].state = LIVE;
		m->events[event].runner = (unsigned)runner;
	}
	give(m);
	return ours;
}

bool crew_model_stop(struct crew_model *m, size_t event, bool ended, size_t runner, unsigned life)
{
	take(m);
	bool ours = atomic_load(&m->life[runner]) == life;
	struct event *e = &m->events[event];
	if (ours && e->state == LIVE) {
		note_stop(m, e);
		e->state = ended ? ENDING : OPEN;
		m->tally.retries += !ended;
	}
	give(m);
	return ours;
}

void crew_model_ended(struct crew_model *m, size_t event)
{
	take(m);
	struct event *e = &m->events[event];
	if (e->state == ENDING || e->state == DOUBT)
		e->state = ENDED;
	give(m);
}

static void forget(struct crew_model *m, size_t runner)
{
	for (size_t i = 0; i < m->events_n; i++) {
		struct event *e = &m->events[i];
		if (e->runner != runner || (e->state != LIVE && e->state != ENDING))
			continue;
		if (e->state == LIVE)
			note_stop(m, e);
		e->state = e->state == LIVE ? OPEN : DOUBT;
	}
}

void crew_model_lose(struct crew_model *m, size_t runner, pid_t pid, int signal)
{
	siginfo_t ignored;
	take(m);
	if (signal != 0)
		(void)kill(pid, signal);
	/* One that has ended by itself meanwhile is left for its parent to bury. */
	if (signal == SIGSTOP)
		(void)waitid(P_PID, (id_t)pid, &ignored, WSTOPPED | WEXITED | WNOWAIT);
	atomic_fetch_add(&m->life[runner], 1);
	forget(m, runner);
	give(m);
}

void crew_model_late(struct crew_model *m, bool refused, size_t n)
{
	take(m);
	*(refused ? &m->tally.refused : &m->tally.accepted) += n;
	give(m);
}

void crew_model_rescued(struct crew_model *m, size_t n)
{
	take(m);
	m->tally.rescued += n;
	give(m);
}

struct crew_tally crew_model_tally(struct crew_model *m)
{
	take(m);
	struct crew_tally tally = m->tally;
	tally.never = m->events_n - m->started_n;
	give(m);
	return tally;
}
