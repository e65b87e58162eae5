-- SPDX-License-Identifier: MIT
-- The work, version 7: events that are one run.

ALTER TABLE run ADD COLUMN kind INTEGER NOT NULL DEFAULT 0; -- > 0: it has a session
ALTER TABLE event ADD COLUMN joins INTEGER NOT NULL DEFAULT 0; -- > 0: it joined other runs

-- Of runs that stand for several events.
CREATE TABLE session (
	run INTEGER PRIMARY KEY,
	rule TEXT NOT NULL,
	key TEXT NOT NULL, -- '' once it is closed: it may name a person
	open INTEGER NOT NULL, -- 1: more may join
	limit_ms INTEGER NOT NULL,
	n INTEGER NOT NULL, -- events, the first included
	size INTEGER NOT NULL,
	cause INTEGER NOT NULL, -- event.seq of the deepest cause; 0: its first
	words TEXT
) STRICT;
CREATE UNIQUE INDEX session_open ON session (rule, key) WHERE open = 1;

-- The events of a session but the first.
CREATE TABLE joined (
	run INTEGER NOT NULL,
	event INTEGER NOT NULL, -- event.seq
	hidden TEXT, -- fields that the rule does not see of it
	PRIMARY KEY (run, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX joined_event ON joined (event);
