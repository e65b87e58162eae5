/* SPDX-License-Identifier: MIT */
/* splitmix64. From: the crash tests. To: nobody. */
#include "tests/crash/dice.h"

#include <stdlib.h>

#include "base/clock.h"

struct dice dice_new(uint64_t *ret_seed)
{
	const char *text = getenv("SEED");
	*ret_seed = text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10)
						    : (uint64_t)clock_wall_ms();
	return (struct dice){*ret_seed};
}

uint64_t dice_next(struct dice *d)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int64_t dice_below(struct dice *d, int64_t n)
{
	return (int64_t)(dice_next(d) % (uint64_t)n);
}

bool dice_one_in(struct dice *d, int64_t n)
{
	return dice_below(d, n) == 0;
}
