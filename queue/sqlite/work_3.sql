-- SPDX-License-Identifier: MIT
-- The work, version 3: what was last seen of each record.

-- One step from (object, record) to its copy. Texts are packed (queue/pack.h). meta.copy_bytes is how
-- much they hold, as sqlite_copy.c counts it.
CREATE TABLE copy (
	object TEXT NOT NULL,
	record ANY NOT NULL, -- 16 bytes of a UUID, else its text
	updated_ms INTEGER NOT NULL,
	seen_ms INTEGER NOT NULL,
	state INTEGER NOT NULL, -- enum queue_copy_state
	text BLOB NOT NULL,
	PRIMARY KEY (object, record)
) STRICT, WITHOUT ROWID;

-- What routing found out about the record before the event: packed; NULL: nothing, or no run asks.
ALTER TABLE event ADD COLUMN past BLOB;
