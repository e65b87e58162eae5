/* SPDX-License-Identifier: MIT */
/* A server that answers as a test says, byte by byte, in a child process. */
#ifndef MOONHOOK_TESTS_UNIT_CLIENT_FAKE_H
#define MOONHOOK_TESTS_UNIT_CLIENT_FAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define FAKE_PEOPLE                                                                                \
	"{\"data\":{\"people\":[]},\"totalCount\":0,\"pageInfo\":{\"startCursor\":null,"           \
	"\"endCursor\":null,\"hasNextPage\":false,\"hasPreviousPage\":false}}"

struct fake_shared {     /* seen by the test and the child */
	atomic_int hits; /* requests other than probes */
	atomic_int probes;
	atomic_int connections;
	atomic_int cookies; /* requests that brought one */
	atomic_int mode;    /* for the handler to look at */
	char last[16384];   /* request line of the last one that was no probe */
	char first[16384];  /* of the first */
	char body[1 << 20]; /* of the first */
	int status;         /* for a handler that replays */
	char reply[1 << 20];
};

/* Writes a whole answer, or anything else, to fd. False: the connection is closed. request: its
 * head, NUL-terminated. */
typedef bool (*fake_handler)(int fd, const char *request, struct fake_shared *shared);

struct fake {
	pid_t pid;
	int port;
	char url[64];
	struct fake_shared *shared;
};

/* handler runs in the child; probes (GET /rest/people?limit=1) and what else the client asks on its
 * own account are answered before it is asked. FAKE_OWN: probes come to it; FAKE_ALL: everything.
 */
enum fake_probe { FAKE_CORE, FAKE_OWN, FAKE_ALL };
bool fake_open(struct fake *fake, fake_handler handler, enum fake_probe probe);
void fake_close(struct fake *fake);
/* A complete answer with a length. */
bool fake_answer(int fd, int status, const char *headers, const char *body);
bool fake_write(int fd, const void *bytes, size_t n);

#endif
