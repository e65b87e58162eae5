-- SPDX-License-Identifier: MIT
-- The work, version 6: pausing, and what people do by hand.

CREATE TABLE pause (
	rule TEXT PRIMARY KEY, -- "*": all
	why TEXT NOT NULL,
	since_ms INTEGER NOT NULL,
	ending INTEGER NOT NULL -- 1: resumed, its runs come back bit by bit
) STRICT, WITHOUT ROWID;
-- Parked runs: waiting, due_ms -1, or minus the time that they wait for. They have no row in hold.
CREATE INDEX run_parked ON run (rule) WHERE due_ms < 0;
CREATE INDEX run_parked_seq ON run (seq) WHERE due_ms < 0;

CREATE TABLE issue (
	kind TEXT NOT NULL,
	about TEXT NOT NULL,
	text TEXT NOT NULL,
	event TEXT NOT NULL,
	count INTEGER NOT NULL,
	first_ms INTEGER NOT NULL,
	last_ms INTEGER NOT NULL,
	acknowledged INTEGER NOT NULL,
	PRIMARY KEY (kind, about)
) STRICT, WITHOUT ROWID;

-- Deliveries whose headers and body have to go; the receiver, who owns them, looks here.
CREATE TABLE scrub (delivery INTEGER PRIMARY KEY) STRICT;

-- Who had what done by hand. Never pruned.
CREATE TABLE audit (
	seq INTEGER PRIMARY KEY,
	at_ms INTEGER NOT NULL,
	uid INTEGER NOT NULL,
	what TEXT NOT NULL, -- the order as JSON
	n INTEGER NOT NULL, -- how many it changed; -1: it has not ended (yet)
	result TEXT NOT NULL
) STRICT;
