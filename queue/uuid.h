/* SPDX-License-Identifier: MIT */
/* Ids of records that are UUIDs, as 16 bytes. */
#ifndef MOONHOOK_QUEUE_UUID_H
#define MOONHOOK_QUEUE_UUID_H

#include <stdbool.h>
#include <stdint.h>

enum { UUID_TEXT_N = 36, UUID_BYTES_N = 16 };

/* False where text is none; takes only the one spelling that the way back gives: small letters. */
bool uuid_parse(const char *text, uint8_t ret_uuid[static UUID_BYTES_N]);
void uuid_format(const uint8_t *uuid, char text[static UUID_TEXT_N + 1]);

#endif
