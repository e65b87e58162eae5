-- SPDX-License-Identifier: MIT
-- The inbox, version 1. One writer: the receiver.
-- Rows are only ever appended at the end and removed from the front, so a batch touches few pages.

CREATE TABLE delivery (
	seq INTEGER PRIMARY KEY, -- order of arrival; never used twice (see meta.last_seq)
	id TEXT NOT NULL,
	source TEXT NOT NULL,
	received_ms INTEGER NOT NULL,
	quarantine TEXT, -- NULL: route it
	headers BLOB,
	body BLOB
) STRICT;
CREATE INDEX delivery_quarantined ON delivery (seq) WHERE quarantine IS NOT NULL;

-- Deduplication; sqlite_seen.c says how. seen is a log in order of arrival, seen_old the index over
-- what the memory of the writer no longer holds.
CREATE TABLE seen (seq INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
CREATE TABLE seen_old (hash INTEGER, seq INTEGER, PRIMARY KEY (hash, seq)) STRICT, WITHOUT ROWID;

-- last_seq; seen_seed, seen_pass, seen_pass_before, seen_at
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
