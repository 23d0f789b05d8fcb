CREATE TABLE `companies` (
	`id` text PRIMARY KEY NOT NULL,
	`suspended_at` integer,
	`suspended_reason` text,
	`allowed_ips` text,
	`max_live_keys` integer,
	`max_key_lifetime_days` integer,
	`scopes` text,
	CONSTRAINT "companies_suspended_at" CHECK(typeof("companies"."suspended_at") IN ('integer', 'null') AND coalesce("companies"."suspended_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "companies_max_live_keys" CHECK(typeof("companies"."max_live_keys") IN ('integer', 'null') AND coalesce("companies"."max_live_keys" >= 0, 1)),
	CONSTRAINT "companies_max_key_lifetime_days" CHECK(typeof("companies"."max_key_lifetime_days") IN ('integer', 'null') AND coalesce("companies"."max_key_lifetime_days" >= 0, 1)),
	CONSTRAINT "companies_allowed_ips" CHECK("companies"."allowed_ips" IS NULL OR (json_valid("companies"."allowed_ips") AND json_type("companies"."allowed_ips") = 'array')),
	CONSTRAINT "companies_scopes" CHECK("companies"."scopes" IS NULL OR (json_valid("companies"."scopes") AND json_type("companies"."scopes") = 'array'))
);
--> statement-breakpoint
ALTER TABLE `audit_events` ADD `is_operator` integer DEFAULT false NOT NULL;
--> statement-breakpoint
-- What becomes of a company is told as a change of each of its keys, but for the revoked ones, which stay just that.
CREATE TRIGGER companies_inserted AFTER INSERT ON companies
WHEN (NEW.suspended_at, NEW.allowed_ips) IS NOT (NULL, NULL)
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys WHERE company_id = NEW.id AND revoked_at IS NULL;
END;
--> statement-breakpoint
CREATE TRIGGER companies_updated AFTER UPDATE OF id, suspended_at, allowed_ips ON companies
WHEN (OLD.id, OLD.suspended_at, OLD.allowed_ips) IS NOT (NEW.id, NEW.suspended_at, NEW.allowed_ips)
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys WHERE company_id IN (OLD.id, NEW.id) AND revoked_at IS NULL;
END;
--> statement-breakpoint
CREATE TRIGGER companies_deleted AFTER DELETE ON companies
WHEN (OLD.suspended_at, OLD.allowed_ips) IS NOT (NULL, NULL)
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys WHERE company_id = OLD.id AND revoked_at IS NULL;
END;
--> statement-breakpoint
-- REPLACE removes rows without firing the trigger above: by rowid or id.
CREATE TRIGGER companies_replaced BEFORE INSERT ON companies
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys
  WHERE company_id IN (SELECT id FROM companies WHERE rowid = NEW.rowid OR id = NEW.id) AND revoked_at IS NULL;
END;
--> statement-breakpoint
CREATE TRIGGER companies_displaced BEFORE UPDATE ON companies
WHEN (OLD.rowid, OLD.id) IS NOT (NEW.rowid, NEW.id)
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys
  WHERE company_id IN (SELECT id FROM companies WHERE (rowid = NEW.rowid OR id = NEW.id) AND rowid <> OLD.rowid)
    AND revoked_at IS NULL;
END;
