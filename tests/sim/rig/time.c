/* SPDX-License-Identifier: MIT */
/*
 * A clock that is set, not read.
 * From: base/clock.c, and whatever asks for random bytes; the linker leads their calls here
 * (--wrap). To: nobody. The processor's clocks stay real.
 */
#include "tests/sim/rig/time.h"

#include <string.h>
#include <sys/types.h>
#include <time.h>

#define BEGIN_US (3600 * INT64_C(1000000))
#define BEGIN_WALL_US (1795424400 * INT64_C(1000000)) /* 2026-11-23T09:00:00Z */

static int64_t now_us = BEGIN_US;
static uint64_t dice_seed = 1, bytes_seed = 1; /* apart: bytes may be kept for later */

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags);
int __wrap_RAND_bytes(unsigned char *bytes, int n);

void time_begin(uint64_t seed)
{
	now_us = BEGIN_US;
	dice_seed = bytes_seed = seed;
}

int64_t time_us(void)
{
	return now_us;
}

void time_jump(int64_t to_us)
{
	if (to_us > now_us)
		now_us = to_us;
}

static uint64_t next(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint64_t time_dice(uint64_t n)
{
	return n > 1 ? next(&dice_seed) % n : 0;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	if (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME && id != CLOCK_MONOTONIC)
		return __real_clock_gettime(id, ts);
	int64_t us = id == CLOCK_REALTIME ? now_us - BEGIN_US + BEGIN_WALL_US : now_us;
	*ts = (struct timespec){us / 1000000, us % 1000000 * 1000};
	return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t x = next(&bytes_seed);
		memcpy((char *)bytes + i, &x, n - i < 8 ? n - i : 8);
	}
	return (ssize_t)n;
}

int __wrap_RAND_bytes(unsigned char *bytes, int n)
{
	return __wrap_getrandom(bytes, (size_t)n, 0) == n;
}
