/* SPDX-License-Identifier: MIT */
/* Certificates made for one test: an authority of its own, and servers it vouches for. */
#ifndef MOONHOOK_TESTS_HARNESS_CERTIFICATE_H
#define MOONHOOK_TESTS_HARNESS_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

/* Writes <dir>/ca.pem (the authority), <dir>/cert.pem and <dir>/key.pem (a server that it vouches
 * for). name: the one the server answers to, "localhost". valid_s: from now on; negative: it
 * expired that long ago. */
bool certificate_make(const char *dir, const char *name, int64_t valid_s);
/* A server that vouches for itself: cert.pem and key.pem. */
bool certificate_make_alone(const char *dir, const char *name);

#endif
