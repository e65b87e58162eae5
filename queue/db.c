/* SPDX-License-Identifier: MIT */
/* What every database of the store has: single numbers, and the table meta. From: the files of
 * sql/. To: the driver. */
#include "queue/db.h"

#include "queue/sql/text.h"

enum rc db_number(struct db *db, struct db_stmt *s, int64_t *ret_value, struct err *err)
{
	bool row;
	enum rc rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_value = row ? db_int(s, 0) : 0;
	if (row)
		db_reset(s);
	return RC_OK;
}

enum rc db_meta_get(struct db *db, const char *name, int64_t *ret_value, struct err *err)
{
	struct db_stmt *s = db_use(db, SQL_META_GET);
	db_bind_text(db, s, 1, name);
	return db_number(db, s, ret_value, err);
}

enum rc db_meta_put(struct db *db, const char *name, int64_t value, struct err *err)
{
	struct db_stmt *s = db_use(db, SQL_META_PUT);
	db_bind_text(db, s, 1, name);
	db_bind_int(db, s, 2, value);
	return db_run(db, s, err);
}
