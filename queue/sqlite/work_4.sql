-- SPDX-License-Identifier: MIT
-- The work, version 4: our own writes, and what they set off.
-- Actions are the numbers of enum queue_action.

CREATE TABLE written (
	seq INTEGER PRIMARY KEY,
	record TEXT NOT NULL,
	object TEXT NOT NULL,
	action INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	since_ms INTEGER NOT NULL, -- > 0: at_ms may be of a later time
	written_ms INTEGER NOT NULL,
	fields TEXT, -- name=hash of its value, name~hash ..
	run INTEGER NOT NULL,
	rule TEXT NOT NULL,
	depth INTEGER NOT NULL
) STRICT;
CREATE INDEX written_record ON written (record, at_ms);

-- Of events that came of one of our writes; the others have no row.
CREATE TABLE event_cause (
	seq INTEGER PRIMARY KEY, -- event.seq
	run INTEGER NOT NULL,
	depth INTEGER NOT NULL,
	fields TEXT NOT NULL
) STRICT;

-- Of runs whose rule does not see every field of the event.
CREATE TABLE run_hidden (run INTEGER PRIMARY KEY, fields TEXT NOT NULL) STRICT;
