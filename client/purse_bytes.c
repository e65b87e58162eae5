/* SPDX-License-Identifier: MIT */
/*
 * The one budget as bytes: whole numbers of 7 bits a byte, the sign in the lowest bit.
 * From: ration.c. To: whoever keeps them (client_purse), and back. The first number is that of the
 * form. Bytes that cannot be read are as good as lost.
 */
#include <string.h>

#include "client/purse.h"

#define FORM 1
#define NUMBER_BYTES 10 /* the longest */

struct pen {
	char *p;
	const char *end;
	bool bad;
};

static void write_number(struct pen *pen, int64_t value)
{
	uint64_t bits = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
	if (pen->end - pen->p < NUMBER_BYTES) {
		pen->bad = true;
		return;
	}
	for (; bits >= 0x80; bits >>= 7)
		*pen->p++ = (char)(bits | 0x80);
	*pen->p++ = (char)bits;
}

static int64_t read_number(struct slice *in, bool *bad)
{
	uint64_t bits = 0;
	for (int shift = 0; in->n > 0 && shift < 64; shift += 7) {
		unsigned char c = (unsigned char)*in->p++;
		in->n--;
		bits |= (uint64_t)(c & 0x7F) << shift;
		if (c < 0x80)
			return (int64_t)(bits >> 1 ^ (0 - (bits & 1)));
	}
	*bad = true;
	return 0;
}

static int read_int(struct slice *in, bool *bad)
{
	int64_t value = read_number(in, bad);
	*bad = *bad || value < 0 || value > INT32_MAX / 2;
	return (int)(*bad ? 0 : value);
}

/* Thousandths: a number of requests, or of milliseconds. */
static void write_part(struct pen *pen, double value)
{
	write_number(pen, (int64_t)(value * 1000 + 0.5));
}

static double read_part(struct slice *in, bool *bad)
{
	return (double)read_number(in, bad) / 1000;
}

static void write_budget(struct pen *pen, const struct budget *b)
{
	write_part(pen, b->burst);
	write_part(pen, b->interval_ms);
	write_part(pen, b->tokens);
	write_number(pen, b->last_ms);
	write_number(pen, b->blocked_until_ms);
	write_number(pen, b->refusals);
	write_number(pen, b->trial);
	write_number(pen, b->raise_at_ms);
	write_number(pen, b->patience_ms);
	write_number(pen, b->raised);
	write_number(pen, b->slack_ms);
	write_number(pen, b->smooth);
	write_number(pen, b->smooth_n);
}

static void read_budget(struct slice *in, struct budget *b, bool *bad)
{
	b->burst = read_part(in, bad);
	b->interval_ms = read_part(in, bad);
	b->tokens = read_part(in, bad);
	b->last_ms = read_number(in, bad);
	b->blocked_until_ms = read_number(in, bad);
	b->refusals = read_int(in, bad);
	b->trial = read_number(in, bad) != 0;
	b->raise_at_ms = read_number(in, bad);
	b->patience_ms = read_number(in, bad);
	b->raised = read_number(in, bad) != 0;
	b->slack_ms = read_number(in, bad);
	b->smooth = read_int(in, bad);
	b->smooth_n = read_int(in, bad);
}

size_t purse_write(const struct purse *p, char out[static PURSE_BYTES_MAX])
{
	struct pen pen = {out, out + PURSE_BYTES_MAX, false};
	write_number(&pen, FORM);
	write_number(&pen, p->per_hour);
	write_budget(&pen, &p->budget);
	write_number(&pen, p->place_ms);
	write_number(&pen, p->trial_ms);
	write_number(&pen, p->refused_ms);
	write_number(&pen, p->slot);
	for (size_t i = 0; i < PURSE_SLOTS; i++)
		write_number(&pen, p->slots[i]);
	write_number(&pen, (int64_t)p->sharers_n);
	for (size_t i = 0; i < p->sharers_n; i++) {
		const struct purse_sharer *s = &p->sharers[i];
		write_number(&pen, (int64_t)s->id);
		write_number(&pen, s->n);
		write_number(&pen, s->lane);
		write_number(&pen, s->turn);
		write_number(&pen, s->due_ms);
	}
	return pen.bad ? 0 : (size_t)(pen.p - out);
}

/* So that sums of them are numbers, too. */
static bool is_time(int64_t ms)
{
	return ms >= 0 && ms < INT64_C(1) << 53;
}

static bool is_sound(const struct purse *p)
{
	const struct budget *b = &p->budget;
	bool sound = is_time(p->slot) && is_time(p->slot * PURSE_SLOT_MS) && b->slack_ms >= 0 &&
		     b->smooth_n > 0 && b->slack_ms <= BUDGET_WAIT_MAX_MS && b->patience_ms > 0 &&
		     b->tokens >= 0 && b->burst >= 1 && b->interval_ms > 0 && b->refusals >= 0 &&
		     is_time(b->last_ms) && is_time(b->blocked_until_ms) &&
		     is_time(b->raise_at_ms) && is_time(p->place_ms) && is_time(p->trial_ms) &&
		     is_time(p->refused_ms) && is_time(b->patience_ms);
	for (size_t i = 0; i < PURSE_SLOTS; i++)
		sound = sound && p->slots[i] >= 0 && p->slots[i] < INT32_MAX;
	for (size_t i = 0; i < p->sharers_n; i++) {
		const struct purse_sharer *s = &p->sharers[i];
		sound = sound && is_time(s->n) && is_time(s->turn) && is_time(s->due_ms);
	}
	return sound;
}

/* Another configuration: nothing beyond it, and all of it where nothing less was learned. */
static void adapt(struct budget *b, const struct budget *ours, bool changed)
{
	bool learned = b->raise_at_ms != 0;
	b->most_burst = ours->burst;
	b->least_interval_ms = ours->interval_ms;
	if ((changed && !learned) || b->burst > ours->burst)
		b->burst = ours->burst;
	if ((changed && !learned) || b->interval_ms < ours->interval_ms)
		b->interval_ms = ours->interval_ms;
	double slowest_ms =
		ours->interval_ms > BUDGET_WAIT_MAX_MS ? ours->interval_ms : BUDGET_WAIT_MAX_MS;
	b->interval_ms = b->interval_ms < slowest_ms ? b->interval_ms : slowest_ms;
	b->tokens = b->tokens < b->burst ? b->tokens : b->burst;
}

static bool read_all(struct purse *p, struct slice in, int64_t per_hour)
{
	bool bad = false;
	bad = read_number(&in, &bad) != FORM || bad;
	struct budget ours = p->budget;
	p->per_hour = read_number(&in, &bad);
	read_budget(&in, &p->budget, &bad);
	p->place_ms = read_number(&in, &bad);
	p->trial_ms = read_number(&in, &bad);
	p->refused_ms = read_number(&in, &bad);
	p->slot = read_number(&in, &bad);
	for (size_t i = 0; i < PURSE_SLOTS; i++)
		p->slots[i] = read_number(&in, &bad);
	int64_t n = read_number(&in, &bad);
	bad = bad || n < 0 || n > PURSE_SHARERS;
	for (int64_t i = 0; !bad && i < n; i++) {
		struct purse_sharer *s = &p->sharers[p->sharers_n++];
		s->id = (uint64_t)read_number(&in, &bad);
		s->n = read_number(&in, &bad);
		s->lane = read_number(&in, &bad);
		s->turn = read_number(&in, &bad);
		s->due_ms = read_number(&in, &bad);
	}
	if (bad || in.n != 0 || !is_sound(p))
		return false;
	adapt(&p->budget, &ours, p->per_hour != per_hour);
	p->per_hour = per_hour;
	return true;
}

void purse_read(struct purse *p, struct slice bytes, int64_t per_hour, int64_t now_ms)
{
	purse_init(p, per_hour, now_ms);
	if (bytes.n > 0 && !read_all(p, bytes, per_hour))
		purse_init_unknown(p, per_hour, now_ms);
}
