/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes what a child takes for its configuration. What is taken is sorted, can be asked for, and
 * comes out as the same bytes when it is packed again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *conf = NULL, *again = NULL;
	struct conf_setting s;
	struct buf out;
	struct err err;
	if (conf_import((struct slice){(const char *)data, size}, &conf, &err) != RC_OK)
		return 0;
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < conf_n(conf); i++) {
		conf_at(conf, i, &s);
		if (conf_text(conf, s.key) == NULL || strcmp(conf_text(conf, s.key), s.value) != 0)
			abort();
		if (conf_export(conf, &s.key, 1, &out, &err) != RC_OK ||
			conf_import(buf_slice(&out), &again, &err) != RC_OK)
			abort();
		if (conf_text(again, s.key) == NULL)
			abort();
		conf_free(again);
		buf_clear(&out);
	}
	for (size_t n = 0; conf_name(conf, "source", n) != NULL; n++)
		;
	buf_done(&out);
	conf_free(conf);
	return 0;
}
