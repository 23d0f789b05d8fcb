-- A column more, and no new table as drizzle-kit has it: that would lose the triggers.
ALTER TABLE `api_keys` ADD `allowed_ips` text CONSTRAINT "api_keys_allowed_ips" CHECK("api_keys"."allowed_ips" IS NULL OR (json_valid("api_keys"."allowed_ips") AND json_type("api_keys"."allowed_ips") = 'array'));
--> statement-breakpoint
DROP TRIGGER api_keys_updated;
--> statement-breakpoint
CREATE TRIGGER api_keys_updated AFTER UPDATE OF id, company_id, digest, scopes, metadata, allowed_ips, expires_at, revoked_at, suspended_at ON api_keys
WHEN (OLD.id, OLD.company_id, OLD.digest, OLD.scopes, OLD.metadata, OLD.allowed_ips) IS NOT (NEW.id, NEW.company_id, NEW.digest, NEW.scopes, NEW.metadata, NEW.allowed_ips)
  OR (OLD.expires_at, OLD.revoked_at, OLD.suspended_at) IS NOT (NEW.expires_at, NEW.revoked_at, NEW.suspended_at)
BEGIN
  INSERT INTO key_changes (digest) VALUES (OLD.digest);
END;
