/* SPDX-License-Identifier: MIT */
/*
 * Classifies addresses, and looks up the ones of a name.
 * From: the command, which tells what a webhook's target means to Twenty; transport.c, before it
 * connects. To: the resolver of the machine. Opens no connection.
 */
#include "client/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"

const char *address_kind_text(enum address_kind kind)
{
	switch (kind) {
	case ADDRESS_UNKNOWN:
		return "unknown";
	case ADDRESS_PUBLIC:
		return "public";
	case ADDRESS_SPECIAL:
		return "not to be reached";
	case ADDRESS_PRIVATE:
		return "private";
	case ADDRESS_LINK:
		return "link-local";
	case ADDRESS_LOOPBACK:
		return "loopback";
	}
	return "";
}

static enum address_kind kind_of_v4(uint32_t a)
{
	static const struct {
		uint32_t net;
		int bits;
		enum address_kind kind;
	} nets[] = {{0x7f000000, 8, ADDRESS_LOOPBACK}, {0x0a000000, 8, ADDRESS_PRIVATE},
		{0xac100000, 12, ADDRESS_PRIVATE}, {0xc0a80000, 16, ADDRESS_PRIVATE},
		{0x64400000, 10, ADDRESS_PRIVATE}, {0xa9fe0000, 16, ADDRESS_LINK},
		{0x00000000, 8, ADDRESS_LOOPBACK}, /* 0.0.0.0 leads to this machine */
		{0xc0000000, 24, ADDRESS_SPECIAL}, {0xc0000200, 24, ADDRESS_SPECIAL},
		{0xc6120000, 15, ADDRESS_SPECIAL}, {0xc6336400, 24, ADDRESS_SPECIAL},
		{0xcb007100, 24, ADDRESS_SPECIAL}, {0xc0586300, 24, ADDRESS_SPECIAL},
		{0xe0000000, 3, ADDRESS_SPECIAL}};
	for (size_t i = 0; i < ARRAY_N(nets); i++)
		if ((a >> (32 - nets[i].bits)) == (nets[i].net >> (32 - nets[i].bits)))
			return nets[i].kind;
	return ADDRESS_PUBLIC;
}

static uint32_t v4_at(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static enum address_kind kind_of_v6(const uint8_t b[static 16])
{
	static const uint8_t zero[15] = {0}, nat64[12] = {0x00, 0x64, 0xff, 0x9b},
			     local64[6] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01},
			     translated[12] = {[8] = 0xff, [9] = 0xff}, teredo[4] = {0x20, 0x01},
			     discard[8] = {0x01};
	if (memcmp(b, zero, 15) == 0 && b[15] <= 1)
		return ADDRESS_LOOPBACK; /* :: leads to this machine, too */
	if (memcmp(b, zero, 10) == 0 && b[10] == 0xff && b[11] == 0xff)
		return kind_of_v4(v4_at(b + 12));
	if (memcmp(b, zero, 12) == 0 || memcmp(b, nat64, 12) == 0 || memcmp(b, translated, 12) == 0)
		return kind_of_v4(v4_at(b + 12));
	if (b[0] == 0x20 && b[1] == 0x02)
		return kind_of_v4(v4_at(b + 2));
	if ((b[0] & 0xfe) == 0xfc || memcmp(b, local64, 6) == 0)
		return ADDRESS_PRIVATE;
	if (b[0] == 0xfe && (b[1] & 0x80) == 0x80) /* link-local, and the old site-local */
		return ADDRESS_LINK;
	bool documentation = b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8;
	bool nobody = memcmp(b, teredo, 4) == 0 || memcmp(b, discard, 8) == 0;
	return b[0] == 0xff || documentation || nobody ? ADDRESS_SPECIAL : ADDRESS_PUBLIC;
}

enum address_kind address_kind_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, address, sizeof(v4));
		return kind_of_v4(ntohl(v4.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, address, sizeof(v6));
		return kind_of_v6(v6.sin6_addr.s6_addr);
	}
	return ADDRESS_UNKNOWN;
}

bool address_within(enum address_reach reach, enum address_kind kind)
{
	switch (reach) {
	case ADDRESS_ANY:
		return true;
	case ADDRESS_NAMED:
		return kind == ADDRESS_PUBLIC || kind == ADDRESS_PRIVATE ||
		       kind == ADDRESS_LOOPBACK;
	case ADDRESS_WORLD:
		return kind == ADDRESS_PUBLIC;
	}
	return false;
}

struct lookup {
	struct gaicb block;
	struct addrinfo hints;
	char host[256];
};

/* The least public of them, and its text. */
static enum address_kind least_public(
	const struct addrinfo *found, char ret_text[static ADDRESS_TEXT_N])
{
	enum address_kind worst = ADDRESS_UNKNOWN;
	for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		enum address_kind kind = address_kind_of(a->ai_addr);
		if (kind <= worst)
			continue;
		worst = kind;
		if (getnameinfo(a->ai_addr, a->ai_addrlen, ret_text, ADDRESS_TEXT_N, NULL, 0,
			    NI_NUMERICHOST) != 0)
			ret_text[0] = '\0';
	}
	return worst;
}

/* "[::1]" without its brackets, "crm.acme.io." without its last dot. */
static void bare_host(const char *host, char *out, size_t out_n)
{
	size_t n = strlen(host);
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	} else if (n > 1 && host[n - 1] == '.') {
		n--;
	}
	snprintf(out, out_n, "%.*s", (int)n, host);
}

enum address_kind address_find(
	const char *host, int64_t wait_ms, char ret_text[static ADDRESS_TEXT_N])
{
	struct lookup *l = calloc(1, sizeof(*l));
	ret_text[0] = '\0';
	if (l == NULL || strlen(host) >= sizeof(l->host)) {
		free(l);
		return ADDRESS_UNKNOWN;
	}
	bare_host(host, l->host, sizeof(l->host));
	l->hints = (struct addrinfo){.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	l->block = (struct gaicb){.ar_name = l->host, .ar_request = &l->hints};
	struct gaicb *list[] = {&l->block};
	const struct gaicb *const wait[] = {&l->block};
	struct timespec patience = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0) {
		free(l);
		return ADDRESS_UNKNOWN;
	}
	(void)gai_suspend(wait, 1, &patience);
	int rc = gai_error(&l->block);
	/* The resolver still writes there: what cannot be taken back from it stays behind. */
	if (rc == EAI_INPROGRESS && gai_cancel(&l->block) != EAI_CANCELED)
		return ADDRESS_UNKNOWN;
	enum address_kind kind =
		rc == 0 ? least_public(l->block.ar_result, ret_text) : ADDRESS_UNKNOWN;
	if (rc == 0)
		freeaddrinfo(l->block.ar_result);
	free(l);
	return kind;
}
