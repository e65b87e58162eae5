/* SPDX-License-Identifier: MIT */
/*
 * What a call wrote, as far as its answers tell: whoever hears of these changes again can know them
 * for its own. Part of a call's answer (client.h).
 */
#ifndef MOONHOOK_CLIENT_WRITTEN_H
#define MOONHOOK_CLIENT_WRITTEN_H

#include "client/call.h"

struct written { /* written_done; zero is empty */
	struct client_write *p;
	size_t n, cap;
};

/* Of a call that has ended, well or badly; where memory is short, less than there was. */
void written_read(const struct call *call, enum rc code, struct written *ret_written);
void written_done(struct written *written);
/* The call made this record beside the one that it answers, or before it failed. object: plural. */
void written_also(struct call *call, const char *object, const json_t *record);

#endif
