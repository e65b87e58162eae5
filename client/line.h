/* SPDX-License-Identifier: MIT */
/*
 * The line to Twenty: is anybody there, and does he let us in? While it is not up, one probe at a
 * time goes out and everything else waits. Pure but for one log line when it goes down and one when
 * it is back.
 *
 *   NEW -> UP            the first probe was answered and understood
 *   NEW, UP -> DOWN      no connection, or several failures in a row
 *   UP -> DOUBT          an answer blamed the key: a probe finds out
 *   NEW, DOUBT, DOWN -> REFUSED   the probe was refused: asked again once a minute
 *   any -> UP            a probe (or a late answer) says so
 */
#ifndef MOONHOOK_CLIENT_LINE_H
#define MOONHOOK_CLIENT_LINE_H

#include <stdbool.h>
#include <stdint.h>

enum line_state { LINE_NEW, LINE_UP, LINE_DOUBT, LINE_DOWN, LINE_REFUSED };

struct line {
	enum line_state state;
	int failures;        /* in a row, while up */
	int probes;          /* failed ones in a row */
	int64_t probe_at_ms; /* mono: when the next probe is due */
	int64_t proved_ms;   /* mono: when a probe was last let in; 0: never */
	int64_t down_ms;     /* mono: since when */
	uint64_t seed;       /* of the jitter */
	char problem[256];   /* for people; "" while up */
};

/* random: any number. */
void line_init(struct line *line, int64_t now_ms, uint64_t random);
/* Nothing came: unsent, the server was not reached at all. problem: "it refuses connections". */
enum line_loss { LINE_UNSENT, LINE_LOST };
void line_failed(struct line *line, int64_t now_ms, enum line_loss loss, const char *problem);
/* A probe got through to something that is not usable. problem: a whole sentence. */
void line_unusable(struct line *line, int64_t now_ms, const char *problem);
/* A usable answer came to something else than a probe. */
void line_worked(struct line *line, int64_t now_ms);
/* A probe was let in and understood. */
void line_proved(struct line *line, int64_t now_ms);
/* An answer blamed the key. */
void line_doubt(struct line *line, int64_t now_ms);
/* A probe was refused. */
void line_refused(struct line *line, int64_t now_ms);
/* 2^n times base_ms, at most max_ms, a random half of it taken off. */
int64_t line_back_off_ms(struct line *line, int n, int64_t base_ms, int64_t max_ms);

#endif
