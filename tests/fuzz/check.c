/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: any bytes as a rule file. Nothing is read behind its end, no depth exhausts the
 * stack, each finding has a place in the text, and a text that is refused says why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/check/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = {"a", "sla breached", NULL};
	const struct check_world world = {.rules = words,
		.modules = words,
		.sources = words,
		.hosts = words,
		.secrets = words};
	struct check_findings findings = {0};
	struct check *check = check_new(&world);
	char *text = malloc(size + 1); /* its own memory, so that ASan sees its end */
	if (check == NULL || text == NULL)
		abort();
	memcpy(text, data, size);
	if (check_add(check, "a.lua", (struct slice){text, size}, CHECK_RULE_FILE, NULL) != RC_OK ||
		check_run(check, &findings, NULL) != RC_OK)
		abort();
	for (size_t i = 0; i < findings.n; i++)
		if (findings.p[i].text == NULL || findings.p[i].line < 0 ||
			findings.p[i].column < 1 || (size_t)findings.p[i].line > size + 1)
			abort();
	check_findings_done(&findings);
	check_free(check);
	free(text);
	return 0;
}
