/* SPDX-License-Identifier: MIT */
/* A raw TCP connection to a server on loopback that says exactly the bytes it is given, and reads
 * HTTP answers one by one. Every wait ends after 10 s. */
#ifndef MOONHOOK_TESTS_HARNESS_WIRE_H
#define MOONHOOK_TESTS_HARNESS_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

struct wire {
	int fd;        /* -1: could not connect */
	struct buf in; /* read and not yet used */
};

struct wire_answer {
	int status; /* 0: closed without an answer, -1: nothing in 10 s */
	char head[2048];
	char body[2048];
};

void wire_open(struct wire *w, int port);
/* From another address of 127.0.0.0/8. */
void wire_open_from(struct wire *w, int port, const char *address);
void wire_close(struct wire *w);
/* Closes with a reset. */
void wire_reset(struct wire *w);
/* False where the other side has closed. */
bool wire_send(struct wire *w, struct slice bytes);
bool wire_send_text(struct wire *w, const char *text);
/* The next answer, interim ones (1xx) passed over. */
struct wire_answer wire_read(struct wire *w);
/* True when the other side closes within 10 s; what it sends until then is dropped. */
bool wire_closed(struct wire *w);
/* True while nothing has come and the connection is open. */
bool wire_silent(struct wire *w);

#endif
