CREATE TABLE `placements` (
	`company_id` text PRIMARY KEY NOT NULL,
	`database` text NOT NULL
);
--> statement-breakpoint
-- Isolates remember where a company lives.
CREATE TRIGGER placements_no_update BEFORE UPDATE ON placements
BEGIN
  SELECT RAISE(ABORT, 'a company never moves');
END;
--> statement-breakpoint
CREATE TRIGGER placements_no_delete BEFORE DELETE ON placements
BEGIN
  SELECT RAISE(ABORT, 'a company never moves');
END;
