/* SPDX-License-Identifier: MIT */
/*
 * Deadlines, counts and the end of connections.
 * From: the receiver's and the console's HTTP server on every step of a request; their main threads
 * tick. To: shutdown(2) on the socket of a connection that is late, which the server's thread then
 * notices and closes.
 *
 * Invariants: a socket is touched only while its connection is in the list, and the server closes
 * it only after taking it out, so a number that was given to another file is never shut down.
 * It does not read, write or close a socket.
 */
#include "base/connection.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define NEVER INT64_MAX
#define STUCK_MS 500 /* an answer this old that still is not taken */

struct connections {
	struct connections_conf conf;
	_Atomic int64_t idle_until_ms, busy_until_ms; /* mono; of a drain, else NEVER */
	pthread_mutex_t lock; /* guards what follows, and prev, next, late of each */
	struct connection *first;
	size_t n, late_n;
};

#define MAY(to) (1u << (to))
static const unsigned moves[PHASE_N] = {
	[PHASE_FRESH] = MAY(PHASE_HEAD),
	[PHASE_IDLE] = MAY(PHASE_HEAD),
	[PHASE_HEAD] = MAY(PHASE_BODY) | MAY(PHASE_ANSWER) | MAY(PHASE_IDLE),
	[PHASE_BODY] = MAY(PHASE_COMMIT) | MAY(PHASE_ANSWER) | MAY(PHASE_IDLE),
	[PHASE_COMMIT] = MAY(PHASE_ANSWER) | MAY(PHASE_IDLE),
	[PHASE_ANSWER] = MAY(PHASE_IDLE),
};

struct connections *connections_new(const struct connections_conf *conf)
{
	struct connections *cs = calloc(1, sizeof(*cs));
	if (cs == NULL)
		return NULL;
	if (pthread_mutex_init(&cs->lock, NULL) != 0) {
		free(cs);
		return NULL;
	}
	cs->conf = *conf;
	atomic_init(&cs->idle_until_ms, NEVER);
	atomic_init(&cs->busy_until_ms, NEVER);
	return cs;
}

void connections_free(struct connections *cs)
{
	if (cs == NULL)
		return;
	pthread_mutex_destroy(&cs->lock);
	free(cs);
}

/* An IPv6 customer has a /64 to himself, so that is what counts as one address. */
static struct in6_addr address_of(const struct sockaddr *sa)
{
	struct in6_addr a = IN6ADDR_ANY_INIT;
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} in;
	if (sa == NULL)
		return a;
	if (sa->sa_family == AF_INET) {
		memcpy(&in.v4, sa, sizeof(in.v4));
		memset(a.s6_addr + 10, 0xff, 2);
		memcpy(a.s6_addr + 12, &in.v4.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in.v6, sa, sizeof(in.v6));
		size_t n = IN6_IS_ADDR_V4MAPPED(&in.v6.sin6_addr) ? 16 : 8;
		memcpy(a.s6_addr, in.v6.sin6_addr.s6_addr, n);
	}
	return a;
}

static bool sends(enum phase phase)
{
	return phase == PHASE_FRESH || phase == PHASE_IDLE || phase == PHASE_HEAD ||
	       phase == PHASE_BODY;
}

/* Whoever is to send, or does not take his answer, can be cut off; the store's work cannot. */
static bool may_be_cut(const struct connection *c, int64_t now_ms)
{
	return sends(c->phase) || (c->phase == PHASE_ANSWER && now_ms - c->since_ms >= STUCK_MS);
}

/* With the lock held. */
static void cut(struct connections *cs, struct connection *c, int how)
{
	c->late = true;
	cs->late_n++;
	shutdown(c->fd, how);
}

/* The one that has kept us waiting for longest (older ones come later in the list); of `address`,
 * or of any where NULL. ret_n: how many there are. With the lock held. */
static struct connection *find_slowest(
	struct connections *cs, const struct in6_addr *address, size_t *ret_n)
{
	struct connection *slowest = NULL;
	int64_t now_ms = clock_mono_ms();
	*ret_n = 0;
	for (struct connection *c = cs->first; c != NULL; c = c->next) {
		if (c->late)
			continue;
		if (address != NULL && memcmp(&c->address, address, sizeof(*address)) != 0)
			continue;
		++*ret_n;
		if (may_be_cut(c, now_ms) && (slowest == NULL || c->since_ms <= slowest->since_ms))
			slowest = c;
	}
	return slowest;
}

static void tell(const struct connections *cs, enum connection_cut why, size_t n)
{
	if (n != 0 && cs->conf.tell != NULL)
		cs->conf.tell(why, n);
}

/* With the lock held; c is in the list. */
static bool make_room(struct connections *cs, struct connection *c)
{
	size_t open = cs->n - cs->late_n, n = 0;
	struct connection *slowest = NULL;
	if (open > cs->conf.max)
		slowest = find_slowest(cs, NULL, &n);
	else if (open > cs->conf.per_address)
		slowest = find_slowest(cs, &c->address, &n);
	if (slowest == NULL || (open <= cs->conf.max && n <= cs->conf.per_address))
		return false;
	cut(cs, slowest, SHUT_RDWR);
	return true;
}

void connection_add(
	struct connections *cs, struct connection *c, int fd, const struct sockaddr *address)
{
	int64_t now_ms = clock_mono_ms();
	c->fd = fd;
	c->late = false;
	c->address = address_of(address);
	atomic_init(&c->phase, PHASE_FRESH);
	atomic_init(&c->since_ms, now_ms);
	atomic_init(&c->deadline_ms, now_ms + cs->conf.headers_ms);
	pthread_mutex_lock(&cs->lock);
	c->prev = NULL;
	c->next = cs->first;
	if (cs->first != NULL)
		cs->first->prev = c;
	cs->first = c;
	cs->n++;
	bool crowded = make_room(cs, c);
	pthread_mutex_unlock(&cs->lock);
	if (crowded)
		tell(cs, CONNECTION_CROWDED, 1);
}

void connection_remove(struct connections *cs, struct connection *c)
{
	pthread_mutex_lock(&cs->lock);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		cs->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	cs->n--;
	if (c->late)
		cs->late_n--;
	pthread_mutex_unlock(&cs->lock);
}

void connection_move(struct connections *cs, struct connection *c, enum phase to)
{
	enum phase from = c->phase;
	int64_t now_ms = clock_mono_ms(), deadline_ms = NEVER;

	assert((moves[from] & MAY(to)) != 0);
	switch (to) {
	case PHASE_HEAD:
		deadline_ms = from == PHASE_FRESH ? c->deadline_ms : now_ms + cs->conf.headers_ms;
		break;
	case PHASE_FRESH:
		deadline_ms = now_ms + cs->conf.headers_ms;
		break;
	case PHASE_IDLE:
		deadline_ms = now_ms + cs->conf.idle_ms;
		break;
	case PHASE_BODY:
	case PHASE_ANSWER:
		deadline_ms = now_ms + cs->conf.body_ms;
		break;
	case PHASE_COMMIT:
	case PHASE_N:
		break;
	}
	atomic_store_explicit(&c->deadline_ms, NEVER, memory_order_relaxed);
	atomic_store_explicit(&c->phase, to, memory_order_release);
	atomic_store_explicit(&c->since_ms, now_ms, memory_order_relaxed);
	atomic_store_explicit(&c->deadline_ms, deadline_ms, memory_order_release);
}

static bool waits(enum phase phase)
{
	return phase == PHASE_FRESH || phase == PHASE_IDLE;
}

void connections_tick(struct connections *cs)
{
	int64_t now_ms = clock_mono_ms();
	size_t heads = 0, bodies = 0;

	pthread_mutex_lock(&cs->lock);
	for (struct connection *c = cs->first; c != NULL; c = c->next) {
		enum phase phase = c->phase;
		if (c->late)
			continue;
		/* What has come already is still read and answered: only its end is closed. */
		if (waits(phase) && now_ms >= cs->idle_until_ms)
			cut(cs, c, SHUT_RD);
		else if (phase != PHASE_COMMIT && now_ms >= cs->busy_until_ms)
			cut(cs, c, SHUT_RDWR);
		else if (now_ms >= c->deadline_ms) {
			heads += phase == PHASE_FRESH || phase == PHASE_HEAD;
			bodies += phase == PHASE_BODY;
			cut(cs, c, SHUT_RDWR);
		}
	}
	pthread_mutex_unlock(&cs->lock);
	tell(cs, CONNECTION_SLOW_HEADERS, heads);
	tell(cs, CONNECTION_SLOW_BODY, bodies);
}

void connections_drain(struct connections *cs, int64_t grace_ms, int64_t bound_ms)
{
	int64_t now_ms = clock_mono_ms();
	atomic_store(&cs->busy_until_ms, now_ms + bound_ms);
	atomic_store(&cs->idle_until_ms, now_ms + grace_ms);
}

bool connections_draining(const struct connections *cs)
{
	return atomic_load_explicit(&cs->idle_until_ms, memory_order_relaxed) != NEVER;
}

size_t connections_n(struct connections *cs)
{
	pthread_mutex_lock(&cs->lock);
	size_t n = cs->n;
	pthread_mutex_unlock(&cs->lock);
	return n;
}
