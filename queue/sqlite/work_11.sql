-- SPDX-License-Identifier: MIT
-- The work, version 11: an event that is routed once more keeps the headers of its delivery.

ALTER TABLE event_body ADD COLUMN headers BLOB NOT NULL DEFAULT x'';
