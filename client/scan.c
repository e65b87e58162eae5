/* SPDX-License-Identifier: MIT */
/*
 * Counting what a JSON parser would have to build.
 * From: answer.c, answers of a server that may be hostile. A parsed value costs up to a hundred
 * times its bytes, so what would grow past the limits is refused before it is parsed.
 */
#include "client/scan.h"

bool scan_json(struct slice bytes, int depth_max, size_t parts_max)
{
	int depth = 0;
	size_t parts = 0;
	bool text = false;
	for (size_t i = 0; i < bytes.n; i++) {
		char c = bytes.p[i];
		if (text) {
			if (c == '\\')
				i++;
			else if (c == '"')
				text = false;
			continue;
		}
		if (c == '"')
			text = true;
		else if (c == '{' || c == '[') {
			parts++;
			if (++depth > depth_max)
				return false;
		} else if (c == '}' || c == ']')
			depth--;
		else if (c == ',' || c == ':')
			parts++;
		if (parts > parts_max)
			return false;
	}
	return true;
}
