/* SPDX-License-Identifier: MIT */
/* The only source of time. Wall time is for people and signatures; everything that waits uses mono.
 */
#ifndef MOONHOOK_BASE_CLOCK_H
#define MOONHOOK_BASE_CLOCK_H

#include <stdint.h>
#include <sys/types.h>

#define CLOCK_TEXT_N 25 /* "2026-11-23T18:20:54.425Z" and its NUL */

/* Milliseconds since 1970, UTC. */
int64_t clock_wall_ms(void);
/* Milliseconds, counts while the machine sleeps, never jumps (CLOCK_BOOTTIME). */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
/* Processor time used by the calling thread. */
int64_t clock_cpu_us(void);
/* Processor time used by a whole process so far; -1 where it is gone. */
int64_t clock_process_us(pid_t pid);

/* Tests: wall time stands still at wall_ms; 0 gives the real clock back. */
void clock_set_wall_ms(int64_t wall_ms);
/* Tests: the wall clock is set by so much and runs on. */
void clock_shift_wall_ms(int64_t ms);
/* Tests: adds to the monotonic clock. */
void clock_skip_mono_ms(int64_t ms);

/* Writes ISO 8601 with milliseconds in UTC. */
void clock_format(int64_t wall_ms, char text[static CLOCK_TEXT_N]);
/* Reads "YYYY-MM-DDTHH:MM:SS[.fraction]Z"; -1 where it is not one. */
int64_t clock_parse(const char *text);

#endif
