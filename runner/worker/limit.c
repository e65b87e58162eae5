/* SPDX-License-Identifier: MIT */
/*
 * The soft end of processor time: timer, signal, hook.
 * From: run.c and rule.c around every entry into Lua. To: state.c, which raises. Fails before the
 * sandbox only. Does not end C code.
 */
#include "runner/worker/limit.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "runner/worker/state.h"

/* What the signal handler needs; one thread, one timer. */
static timer_t timer;
static lua_State *volatile running;
static volatile sig_atomic_t rung;
static int64_t entered_us;

static void raise_end(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	struct state *state = state_of(L);
	state_finish(L, state->end == STATE_ALIVE ? STATE_CPU : state->end);
}

void limit_stop(lua_State *L)
{
	lua_sethook(L, raise_end, LUA_MASKCOUNT, 1);
}

static void on_timer(int signal_number)
{
	(void)signal_number;
	rung = 1;
	lua_State *L = running;
	if (L != NULL)
		limit_stop(L);
}

enum rc limit_open(struct err *err)
{
	struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGPROF);
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
	if (sigaction(SIGPROF, &action, NULL) != 0 || sigprocmask(SIG_UNBLOCK, &set, NULL) != 0 ||
		timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0)
		return err_set_errno(err, RC_IO, errno, "no timer of processor time");
	return RC_OK;
}

static void set_timer(int64_t us)
{
	struct itimerspec at = {.it_value = {us / 1000000, us % 1000000 * 1000}};
	timer_settime(timer, 0, &at, NULL);
}

void limit_enter(lua_State *L, int64_t us)
{
	entered_us = clock_cpu_us();
	rung = 0;
	running = L;
	if (us > 0) {
		set_timer(us);
	} else {
		rung = 1;
		limit_stop(L);
	}
}

void limit_follow(lua_State *L)
{
	running = L;
	if (rung)
		limit_stop(L);
}

int64_t limit_leave(void)
{
	running = NULL;
	set_timer(0);
	return clock_cpu_us() - entered_us;
}

bool limit_passed(void)
{
	return rung != 0;
}
