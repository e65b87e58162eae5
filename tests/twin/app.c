/* SPDX-License-Identifier: MIT */
/*
 * The door: who asks, for what, and which part of the twin answers.
 * From: serve.c. To: core.c, docs.c, metadata.c, webhooks.c, graphql.c, openapi.c, control.c.
 * Every request is answered; what is wrong with it becomes an error answer.
 */
#include <stdio.h>
#include <string.h>

#include "tests/twin/call.h"

static const char client_config[] =
	"{\"billing\":{\"isBillingEnabled\":false,\"trialPeriods\":[{\"duration\":30,"
	"\"isCreditCardRequired\":true},{\"duration\":7,\"isCreditCardRequired\":false}]},"
	"\"aiModels\":[],\"authProviders\":{\"google\":false,\"magicLink\":false,\"password\":true,"
	"\"microsoft\":false,\"sso\":[]},\"signInPrefilled\":true,\"isMultiWorkspaceEnabled\":"
	"false,"
	"\"isEmailVerificationRequired\":false,\"defaultSubdomain\":\"app\",\"frontDomain\":"
	"\"127.0.0.1\",\"publicFunctionDomain\":null,\"support\":{\"supportDriver\":\"NONE\"},"
	"\"sentry\":{},\"captcha\":{},\"api\":{\"mutationMaximumAffectedRecords\":100},"
	"\"onboarding\":{\"importContactsCreditsReward\":1,\"inviteTeamCreditsRewardPerUser\":0.5,"
	"\"upgradeCreditsReward\":1,\"installAppsCreditsRewardPerApp\":0.5},"
	"\"isAttachmentPreviewEnabled\":true,\"analyticsEnabled\":false,\"canManageFeatureFlags\":"
	"true,\"publicFeatureFlags\":[{\"key\":\"IS_JUNCTION_RELATIONS_ENABLED\",\"metadata\":{"
	"\"label\":\"Junction Relations\",\"description\":\"Enable many-to-many relations through "
	"junction tables "
	"configuration\"}},{\"key\":\"IS_SETTINGS_DISCOVERY_HERO_ENABLED\",\"metadata\":{"
	"\"label\":\"Settings Discovery Hero\",\"description\":\"Show the per-page hero "
	"illustration + "
	"video walkthrough modal on settings pages\"}}],"
	"\"isMicrosoftMessagingEnabled\":false,\"isMicrosoftCalendarEnabled\":false,"
	"\"isGoogleMessagingEnabled\":false,\"isGoogleCalendarEnabled\":false,"
	"\"isConfigVariablesInDbEnabled\":true,\"isImapSmtpCaldavEnabled\":true,"
	"\"isEmailingDomainInDemoMode\":true,\"allowRequestsToTwentyIcons\":true,"
	"\"isCloudflareIntegrationEnabled\":false,\"isClickHouseConfigured\":false,"
	"\"isWorkspaceSchemaDDLLocked\":false,\"enterpriseInstanceType\":\"production\"}";

static void answer_no_route(struct call *c)
{
	char text[256];
	snprintf(text, sizeof(text), "Cannot %s %.200s", c->method, c->path);
	answer_json(c, 404,
		json_pack(
			"{s:s,s:s,s:i}", "message", text, "error", "Not Found", "statusCode", 404));
}

/* The key decides: full, read-only, revoked, unknown. A real server forbids where the documented
 * one does not know who asks. */
static bool call_authenticate(struct call *c, struct fail *fail)
{
	static const char bearer[] = "Bearer ";
	struct world *w = c->world;
	const char *a = c->authorization;
	int status = w->dialect == DIALECT_DOCS ? 401 : 403;
	if (a == NULL || *a == '\0')
		return fail_with(
			fail, status, "FORBIDDEN_EXCEPTION", NULL, "Missing authentication token");
	const char *key = strncmp(a, bearer, sizeof(bearer) - 1) == 0 ? a + sizeof(bearer) - 1 : "";
	if (w->dead_key != NULL && strcmp(key, w->dead_key) == 0)
		return fail_with(
			fail, status, "FORBIDDEN_EXCEPTION", NULL, "This API Key is revoked");
	c->read_only = w->read_key != NULL && strcmp(key, w->read_key) == 0;
	bool member = w->member_key != NULL && strcmp(key, w->member_key) == 0;
	json_decref(w->actor);
	w->actor = json_incref(member ? w->member : w->program);
	if (c->read_only || member || strcmp(key, w->key) == 0)
		return true;
	return fail_with(fail, 401, "UNAUTHENTICATED", NULL, "Token invalid.");
}

static bool call_parse(struct call *c, struct fail *fail)
{
	if (c->body.n == 0)
		return true;
	json_error_t error;
	c->input = json_loadb(c->body.p, c->body.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (c->input != NULL)
		return true;
	return fail_bad(fail, "Unexpected token in JSON at position %d", error.position);
}

/* The rest of path where it begins with prefix, else NULL. */
static const char *after_prefix(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);
	if (strncmp(path, prefix, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return NULL;
	return path[n] == '/' ? path + n + 1 : path + n;
}

static void rest_answer(struct call *c, const char *path)
{
	const char *rest;
	if ((rest = after_prefix(path, "webhooks")) != NULL ||
		(rest = after_prefix(path, "metadata/webhooks")) != NULL)
		webhooks_answer(c, rest);
	else if ((rest = after_prefix(path, "metadata")) != NULL)
		metadata_answer(c, rest);
	else if (strcmp(path, "open-api/core") == 0)
		openapi_answer(c);
	else if (c->world->dialect == DIALECT_DOCS)
		docs_answer(c);
	else
		core_answer(c);
}

void app_answer(struct call *c)
{
	struct fail fail = {0};
	const char *rest;
	if (strcmp(c->path, "/healthz") == 0) {
		answer_text(c, 200, "application/json; charset=utf-8",
			"{\"status\":\"ok\",\"info\":{},\"error\":{},\"details\":{}}");
		return;
	}
	if (strcmp(c->path, "/client-config") == 0) {
		answer_text(c, 200, "application/json; charset=utf-8", client_config);
		return;
	}
	if ((rest = after_prefix(c->path, "/_twin")) != NULL) {
		control_answer(c, rest);
		return;
	}
	if (strcmp(c->method, "OPTIONS") == 0) {
		answer_text(c, 204, NULL, "");
		call_header(c, "Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
		return;
	}
	rest = after_prefix(c->path, "/rest");
	bool graphql = strcmp(c->path, "/graphql") == 0;
	if (!graphql && (rest == NULL || *rest == '\0')) {
		answer_no_route(c);
		return;
	}
	if (!call_authenticate(c, &fail) || !call_parse(c, &fail))
		answer_fail(c, &fail);
	else if (graphql)
		graphql_answer(c);
	else
		rest_answer(c, rest);
	if (c->world->dialect == DIALECT_DOCS)
		docs_rate_headers(c);
}
