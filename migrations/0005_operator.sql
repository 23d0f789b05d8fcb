CREATE TABLE `key_counts` (
	`company_id` text PRIMARY KEY NOT NULL,
	`keys` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `key_counts_most` ON `key_counts` (`keys`,`company_id`);--> statement-breakpoint
CREATE TABLE `busy_keys` (
	`day` text NOT NULL,
	`key_id` text NOT NULL,
	`company_id` text NOT NULL,
	`allowed` integer NOT NULL,
	`denied` integer NOT NULL,
	PRIMARY KEY(`day`, `key_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `company_days` (
	`day` text NOT NULL,
	`company_id` text NOT NULL,
	`allowed` integer NOT NULL,
	`denied` integer NOT NULL,
	PRIMARY KEY(`day`, `company_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `company_days_most` ON `company_days` (`day`,`allowed`,`company_id`);--> statement-breakpoint
DROP INDEX `api_keys_expired`;--> statement-breakpoint
DROP INDEX `api_keys_generation`;--> statement-breakpoint
CREATE INDEX `api_keys_prefix` ON `api_keys` (`key_prefix`,`id`);--> statement-breakpoint
CREATE INDEX `api_keys_creator` ON `api_keys` (`created_by_subject`,`created_at`,`id`) WHERE "api_keys"."created_by_subject" is not null;--> statement-breakpoint
CREATE INDEX `api_keys_expired` ON `api_keys` (`expires_at`,`id`) WHERE "api_keys"."expires_at" is not null;--> statement-breakpoint
CREATE INDEX `api_keys_generation` ON `api_keys` (`generation`,CASE WHEN "expires_at" IS NULL THEN 253402300800000 ELSE "expires_at" END,`id`) WHERE "api_keys"."revoked_at" is null;
--> statement-breakpoint
INSERT INTO key_counts (company_id, keys) SELECT company_id, count(*) FILTER (WHERE revoked_at IS NULL) FROM api_keys GROUP BY company_id;
--> statement-breakpoint
INSERT INTO key_counts (company_id, keys) SELECT id, 0 FROM companies WHERE id NOT IN (SELECT company_id FROM key_counts);
--> statement-breakpoint
-- Every company is counted, and its keys that are not revoked, also where they are changed by hand.
CREATE TRIGGER key_counts_company AFTER INSERT ON companies
BEGIN
  INSERT INTO key_counts (company_id, keys) SELECT NEW.id, 0
  WHERE NOT EXISTS (SELECT 1 FROM key_counts WHERE company_id = NEW.id);
END;
--> statement-breakpoint
CREATE TRIGGER key_counts_inserted AFTER INSERT ON api_keys
BEGIN
  INSERT INTO key_counts (company_id, keys) SELECT NEW.company_id, 0
  WHERE NOT EXISTS (SELECT 1 FROM key_counts WHERE company_id = NEW.company_id);
  UPDATE key_counts SET keys = keys + 1 WHERE company_id = NEW.company_id AND NEW.revoked_at IS NULL;
END;
--> statement-breakpoint
CREATE TRIGGER key_counts_updated AFTER UPDATE OF company_id, revoked_at ON api_keys
WHEN (OLD.company_id, OLD.revoked_at IS NULL) IS NOT (NEW.company_id, NEW.revoked_at IS NULL)
BEGIN
  INSERT INTO key_counts (company_id, keys) SELECT NEW.company_id, 0
  WHERE NOT EXISTS (SELECT 1 FROM key_counts WHERE company_id = NEW.company_id);
  UPDATE key_counts SET keys = keys - 1 WHERE company_id = OLD.company_id AND OLD.revoked_at IS NULL;
  UPDATE key_counts SET keys = keys + 1 WHERE company_id = NEW.company_id AND NEW.revoked_at IS NULL;
END;
--> statement-breakpoint
CREATE TRIGGER key_counts_deleted AFTER DELETE ON api_keys
BEGIN
  UPDATE key_counts SET keys = keys - 1 WHERE company_id = OLD.company_id AND OLD.revoked_at IS NULL;
END;
