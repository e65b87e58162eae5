/* SPDX-License-Identifier: MIT */
/* Which networks an address belongs to: what a server on the internet may reach, and what not. */
#ifndef MOONHOOK_CLIENT_ADDRESS_H
#define MOONHOOK_CLIENT_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_TEXT_N 46 /* an IPv6 address and its NUL */

enum address_kind {
	ADDRESS_UNKNOWN, /* the name has no address, or nobody told it in time */
	ADDRESS_PUBLIC,
	ADDRESS_SPECIAL, /* multicast, documentation, unspecified ..: nobody's */
	ADDRESS_PRIVATE, /* 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7 */
	ADDRESS_LINK,    /* link-local, metadata servers among them */
	ADDRESS_LOOPBACK,
};
const char *address_kind_text(enum address_kind kind); /* "private"; STATIC */

struct sockaddr;
/* The kind of one address. IPv4 inside IPv6 (mapped, NAT64, 6to4) counts as what it is inside. */
enum address_kind address_kind_of(const struct sockaddr *address);

enum address_reach {   /* which of them may be connected to */
	ADDRESS_ANY,   /* all */
	ADDRESS_NAMED, /* not link-local (metadata servers are), and nobody's */
	ADDRESS_WORLD, /* public ones only */
};
bool address_within(enum address_reach reach, enum address_kind kind);

/* The kind of a host in any spelling (name, 127.1, 0x7f.1, 2130706433, [::1]); of several addresses
 * the least public counts (IPv4 inside IPv6: as what it is inside) and is written to ret_text (""
 * where there is none). Blocks, wait_ms at most. */
enum address_kind address_find(
	const char *host, int64_t wait_ms, char ret_text[static ADDRESS_TEXT_N]);

#endif
