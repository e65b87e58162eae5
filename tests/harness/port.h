/* SPDX-License-Identifier: MIT */
/* Free ports of loopback. */
#ifndef MOONHOOK_TESTS_HARNESS_PORT_H
#define MOONHOOK_TESTS_HARNESS_PORT_H

/* A TCP port of 127.0.0.1 that nobody holds at this moment; 0 where there is none. */
int port_free(void);

#endif
