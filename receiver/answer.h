/* SPDX-License-Identifier: MIT */
/* Answers as JSON: {"id": ..} for what is stored, {"error": ..} for what is refused. */
#ifndef MOONHOOK_RECEIVER_ANSWER_H
#define MOONHOOK_RECEIVER_ANSWER_H

#include <microhttpd.h>

#include "receiver/refusal.h"

enum answer_after { ANSWER_KEEPS_OPEN, ANSWER_CLOSES };

/* Queues the answer; text is the event id or the sentence, and is copied. Where refused, text holds
 * nothing that would need escaping in JSON. MHD_NO closes the connection. Server's thread. */
enum MHD_Result answer_queue(struct MHD_Connection *mhd, enum outcome outcome, const char *text,
	enum answer_after after);

#endif
