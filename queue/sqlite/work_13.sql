-- SPDX-License-Identifier: MIT
-- The work, version 13: what the head of a live rule says beside `on`, for people.

ALTER TABLE rule ADD COLUMN options TEXT NOT NULL DEFAULT '';
