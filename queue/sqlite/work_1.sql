-- SPDX-License-Identifier: MIT
-- The work, version 1. One writer: the runner.
-- States are the numbers of enum queue_state, codes the names of the result codes.

CREATE TABLE event (
	seq INTEGER PRIMARY KEY, -- delivery.seq << 24, + n for the n-th born in the work behind it
	id TEXT NOT NULL,
	source TEXT NOT NULL,
	name TEXT NOT NULL,
	object TEXT NOT NULL,
	record TEXT NOT NULL,
	via TEXT NOT NULL,
	reason TEXT NOT NULL,
	state INTEGER NOT NULL,
	received_ms INTEGER NOT NULL,
	open INTEGER NOT NULL, -- runs of it that have not ended
	run_first INTEGER NOT NULL, -- its runs are run_first .. run_first + run_n - 1
	run_n INTEGER NOT NULL
) STRICT;
CREATE INDEX event_id ON event (id);

-- Only of events that no delivery brought.
CREATE TABLE event_body (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

CREATE TABLE run (
	seq INTEGER PRIMARY KEY, -- order: (event, rule)
	id TEXT NOT NULL,
	event INTEGER NOT NULL,
	rule TEXT NOT NULL,
	source INTEGER NOT NULL, -- source.n
	key TEXT NOT NULL,
	hold INTEGER NOT NULL, -- hash of the key; 0: holds none
	hold2 INTEGER NOT NULL, -- the same of its second key
	state INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	attempt_next INTEGER NOT NULL, -- 1: the next claim counts one more
	attempts_max INTEGER NOT NULL,
	deaths INTEGER NOT NULL,
	due_ms INTEGER NOT NULL, -- > 0 only of runs that wait for a time
	created_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL,
	api_calls INTEGER NOT NULL,
	code TEXT,
	error TEXT,
	detail TEXT,
	log TEXT
) STRICT;
CREATE INDEX run_id ON run (id);
-- Only what has not ended: due 0, waiting 1, running 2.
CREATE INDEX run_open ON run (state) WHERE state < 3;
CREATE INDEX run_timed ON run (due_ms) WHERE due_ms > 0;

-- Who holds or waits for a key: the first of all its keys may be claimed.
CREATE TABLE hold (key INTEGER, run INTEGER, PRIMARY KEY (key, run)) STRICT, WITHOUT ROWID;

-- Append-only: an intent is one row, its answer a later one with the same path.
CREATE TABLE journal (
	seq INTEGER PRIMARY KEY,
	run INTEGER NOT NULL,
	path TEXT NOT NULL,
	method TEXT NOT NULL,
	object TEXT NOT NULL,
	effect INTEGER NOT NULL,
	digest BLOB NOT NULL,
	request BLOB,
	answer BLOB,
	code TEXT,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL,
	requests INTEGER NOT NULL
) STRICT;
CREATE INDEX journal_run ON journal (run);

CREATE TABLE source (
	n INTEGER PRIMARY KEY,
	hash TEXT NOT NULL UNIQUE,
	file TEXT,
	text BLOB -- NULL: named by a run, never stored
) STRICT;

CREATE TABLE rule (
	n INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	file TEXT NOT NULL,
	line INTEGER NOT NULL,
	ons TEXT NOT NULL,
	state TEXT NOT NULL,
	error TEXT NOT NULL,
	loaded_ms INTEGER NOT NULL
) STRICT;

-- Second dedupe, over the digest of an event; as in the inbox.
CREATE TABLE seen (seq INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
CREATE TABLE seen_old (hash INTEGER, seq INTEGER, PRIMARY KEY (hash, seq)) STRICT, WITHOUT ROWID;

CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- One row, written once per transaction.
CREATE TABLE progress (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	position INTEGER NOT NULL, -- delivery.seq of the newest that has been routed
	last_event INTEGER NOT NULL,
	last_run INTEGER NOT NULL,
	counts BLOB NOT NULL -- events by state, runs by state; 64 bits each, little endian
) STRICT;
INSERT INTO progress VALUES (1, 0, 0, 0, zeroblob(144));
