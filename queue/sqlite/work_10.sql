-- SPDX-License-Identifier: MIT
-- The work, version 10: how much a rule has written, and runs that write nothing.

CREATE TABLE spend (
	rule TEXT NOT NULL,
	slot_ms INTEGER NOT NULL, -- wall: when it begins
	n INTEGER NOT NULL,
	PRIMARY KEY (rule, slot_ms)
) STRICT, WITHOUT ROWID;

-- Records that rules had destroyed, and whose copies here have to go.
CREATE TABLE erasure (record TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Runs whose effects are recorded, not done.
CREATE TABLE shadow (run INTEGER PRIMARY KEY) STRICT;
