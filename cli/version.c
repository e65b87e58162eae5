/* SPDX-License-Identifier: MIT */
/* The verb `version`: which build this is, and with what. */
#include <curl/curl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <sqlite3.h>
#include <stdio.h>

#include "cli/args.h"

#include "base/version.h"

static int run_version(const struct args *args)
{
	const char *curl = curl_version_info(CURLVERSION_NOW)->version;
	if (args->output == ARGS_TABLE)
		printf("moonhook %s\nlibmicrohttpd %s · libcurl %s · jansson %s · SQLite %s\n",
			version_text(), MHD_get_version(), curl, JANSSON_VERSION,
			sqlite3_libversion());
	else
		printf("{\"version\":\"%s\",\"libmicrohttpd\":\"%s\",\"libcurl\":\"%s\","
		       "\"jansson\":\"%s\",\"sqlite\":\"%s\"}\n",
			version_text(), MHD_get_version(), curl, JANSSON_VERSION,
			sqlite3_libversion());
	return CLI_OK;
}

const struct verb verb_version = {
	.name = "version",
	.operands = "",
	.summary = "which build this is",
	.examples = {"moonhook version", "moonhook version -o json", "moonhook --version"},
	.exits = {CLI_USAGE},
	.run = run_version,
};
