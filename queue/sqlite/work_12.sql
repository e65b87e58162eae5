-- SPDX-License-Identifier: MIT
-- The work, version 12: rules that have got another name.

ALTER TABLE run ADD COLUMN born TEXT; -- the name that its source knows its rule by; NULL: the same

-- What is done already, so that it is done once.
CREATE TABLE renamed (
	was TEXT NOT NULL,
	name TEXT NOT NULL,
	PRIMARY KEY (was, name)
) STRICT, WITHOUT ROWID;
