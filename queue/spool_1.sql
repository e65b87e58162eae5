-- SPDX-License-Identifier: MIT
-- The spool, version 1. One writer: the receiver. Deliveries wait here in order while the store is
-- away; what has reached it is removed from the front.

CREATE TABLE spooled (
	seq INTEGER PRIMARY KEY, -- order of arrival
	id TEXT NOT NULL,
	source TEXT NOT NULL,
	received_ms INTEGER NOT NULL,
	quarantine TEXT, -- NULL: route it
	headers BLOB NOT NULL,
	body BLOB NOT NULL,
	key BLOB -- dedupe key, source NUL key; NULL: never a repeat
) STRICT;
-- who: a number by which the store knows this spool.
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX spooled_key ON spooled (key) WHERE key IS NOT NULL;
