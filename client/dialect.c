/* SPDX-License-Identifier: MIT */
/*
 * What both dialects do alike: how requests begin, what it means when one cannot be built or an
 * answer not be read.
 * From: dialect_core.c and dialect_docs.c. To: request.c. Knows no form of data; what error answers
 * mean is fault.c's.
 */
#include "client/dialect.h"

#include <stdlib.h>

#include "base/uuid.h"

void page_done(struct page *page)
{
	json_decref(page->records);
	free(page->next);
	*page = (struct page){.total = -1};
}

enum rc dialect_built(enum rc rc, struct err *err)
{
	if (rc == RC_TOO_LARGE)
		return err_set(
			err, RC_UNSUPPORTED, "the request would be longer than a server reads");
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for a request");
}

enum rc dialect_start_record(struct request *r, enum request_method method, const char *object,
	const char *id, struct err *err)
{
	if (!uuid_valid(id))
		return err_set(err, RC_DENIED, "an id must be a UUID");
	return dialect_built(request_start(r, method, "/rest/%s/%s", object, id), err);
}

enum rc dialect_start_action(struct request *r, enum request_method method, const char *object,
	const char *action, json_t *body, struct err *err)
{
	enum rc rc =
		body == NULL ? RC_NOMEM : request_start(r, method, "/rest/%s/%s", object, action);
	if (rc == RC_OK)
		rc = request_json(r, body);
	json_decref(body);
	return dialect_built(rc, err);
}

enum rc dialect_strange(struct err *err)
{
	return err_set(err, RC_UPSTREAM, "Twenty's answer is not what was asked for");
}
