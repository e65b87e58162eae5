/* SPDX-License-Identifier: MIT */
/*
 * What an error answer means, as far as both dialects agree.
 * From: dialect_core.c and dialect_docs.c. To: the one result code that decides whether a call is
 * tried again. A server's own words reach a rule only without paths and addresses.
 */
#include <stdio.h>
#include <string.h>

#include "client/dialect.h"

void fault_message(struct fault *fault, const char *text)
{
	size_t n = 0;
	bool start = true;
	for (const char *p = text; *p != '\0' && n + 4 < sizeof(fault->message);) {
		size_t word = strcspn(p, " '\"\t");
		bool place = start && word > 1 &&
			     (*p == '/' || memmem(p, word, "://", 3) != NULL ||
				     memmem(p, word, "rest/", 5) != NULL);
		if (place) {
			n += (size_t)snprintf(fault->message + n, sizeof(fault->message) - n, "..");
			p += word;
			continue;
		}
		start = *p == ' ' || *p == '\'' || *p == '"' || *p == '\t';
		fault->message[n++] = (unsigned char)*p < ' ' || *p == 0x7F ? ' ' : *p;
		p++;
	}
	while (n > 0 && ((unsigned char)fault->message[n - 1] & 0xC0) == 0x80 &&
		n + 4 >= sizeof(fault->message))
		n--; /* never half a character */
	if (n > 0 && (unsigned char)fault->message[n - 1] >= 0xC0)
		n--;
	fault->message[n] = '\0';
}

void fault_absence(struct fault *fault, const char *text)
{
	if (strncmp(text, "Cannot ", 7) == 0)
		fault->absence = ABSENT_ROUTE;
	else if (strcasestr(text, "record") != NULL)
		fault->absence = ABSENT_RECORD;
}

void fault_foreign(struct fault *fault)
{
	if (fault->code != RC_NOT_FOUND)
		return;
	fault->code = RC_UPSTREAM;
	fault_message(fault, "something that is not Twenty's API answered");
}

void fault_of_status(int status, struct fault *ret_fault)
{
	struct fault f = {.code = RC_UPSTREAM};
	const char *text = "Twenty answered with an error";
	if (status == 401 || status == 403) {
		f.code = status == 401 ? RC_AUTH : RC_DENIED;
		f.key = true;
		text = status == 401 ? "Twenty refused the key" : "Twenty does not allow that";
	} else if (status == 404) {
		f.code = RC_NOT_FOUND;
		text = "there is no such record";
	} else if (status == 409) {
		f.code = RC_DUPLICATE;
		text = "a record with that value exists already";
	} else if (status == 413) {
		f.code = RC_TOO_LARGE;
		text = "Twenty finds the request too large";
	} else if (status == 422) {
		f.code = RC_REJECTED;
		text = "Twenty refused the request";
	} else if (status == 429) {
		f.code = RC_LIMITED;
		text = "over Twenty's rate limit";
	} else if (status >= 300 && status < 400)
		text = "Twenty answered with a redirect, which is not followed";
	snprintf(f.message, sizeof(f.message), "%s", text);
	*ret_fault = f;
}
