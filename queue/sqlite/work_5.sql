-- SPDX-License-Identifier: MIT
-- The work, version 5: filling gaps.

-- How far each object has been looked through: queue/gap.h.
CREATE TABLE gap (
	object TEXT PRIMARY KEY,
	first_ms INTEGER NOT NULL,
	from_ms INTEGER NOT NULL,
	asked_ms INTEGER NOT NULL,
	swept_ms INTEGER NOT NULL,
	problem TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Records whose changes up to until_ms were told of by asking.
CREATE TABLE told (
	record TEXT NOT NULL,
	object TEXT NOT NULL,
	until_ms INTEGER NOT NULL,
	told_ms INTEGER NOT NULL,
	PRIMARY KEY (record, object)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_age ON told (told_ms);
