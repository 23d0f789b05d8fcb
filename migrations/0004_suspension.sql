-- A column more, and no new table as drizzle-kit has it: that would lose the triggers.
ALTER TABLE `api_keys` ADD `suspended_at` integer CONSTRAINT "api_keys_suspended_at" CHECK(typeof("api_keys"."suspended_at") IN ('integer', 'null') AND coalesce("api_keys"."suspended_at" BETWEEN 0 AND 253402300799999, 1));
--> statement-breakpoint
DROP TRIGGER api_keys_updated;
--> statement-breakpoint
CREATE TRIGGER api_keys_updated AFTER UPDATE OF id, company_id, digest, scopes, expires_at, revoked_at, suspended_at ON api_keys
WHEN (OLD.id, OLD.company_id, OLD.digest, OLD.scopes) IS NOT (NEW.id, NEW.company_id, NEW.digest, NEW.scopes)
  OR (OLD.expires_at, OLD.revoked_at, OLD.suspended_at) IS NOT (NEW.expires_at, NEW.revoked_at, NEW.suspended_at)
BEGIN
  INSERT INTO key_changes (digest) VALUES (OLD.digest);
END;
