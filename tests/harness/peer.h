/* SPDX-License-Identifier: MIT */
/*
 * The runner's side of one real worker in a child process, for tests. Speaks the frames by its own
 * reading of frame.h, so that it notices when the two sides of the program agree on a mistake.
 */
#ifndef MOONHOOK_TESTS_HARNESS_PEER_H
#define MOONHOOK_TESTS_HARNESS_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/buf.h"
#include "runner/worker/frame.h"

struct peer {
	pid_t pid;
	int fd;
	struct buf in;
	int beats; /* signs of life (BEAT of run 0) that came in between */
};

struct peer_frame {
	enum frame_kind kind;
	uint32_t run, generation;
	json_t *payload; /* owned by the receiver */
};

/* Starts body (worker_main) in a child with the socket as its descriptor 3 and waits for READY. */
bool peer_start(struct peer *p, int (*body)(void));
/* Sends a frame; payload is stolen. */
bool peer_send(struct peer *p, enum frame_kind kind, uint32_t run, uint32_t gen, json_t *payload);
bool peer_send_bytes(struct peer *p, struct slice bytes);
/* The next frame that is no mere sign of life; false when none comes in time or the worker is gone.
 */
bool peer_receive(struct peer *p, int wait_ms, struct peer_frame *ret_frame);
/* Loads a file; answers its HEAD. GIVES. */
json_t *peer_load(struct peer *p, const char *hash, const char *file, const char *source);
/* Closes the socket and waits for the worker's end; answers the status of waitpid. */
int peer_stop(struct peer *p);
/* The same with SIGKILL. */
int peer_kill(struct peer *p);

#endif
