ALTER TABLE `companies` ADD `rate_tier` text;
--> statement-breakpoint
DROP TRIGGER companies_inserted;
--> statement-breakpoint
CREATE TRIGGER companies_inserted AFTER INSERT ON companies
WHEN (NEW.suspended_at, NEW.allowed_ips, NEW.rate_tier) IS NOT (NULL, NULL, NULL)
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys WHERE company_id = NEW.id AND revoked_at IS NULL;
END;
--> statement-breakpoint
DROP TRIGGER companies_updated;
--> statement-breakpoint
CREATE TRIGGER companies_updated AFTER UPDATE OF id, suspended_at, allowed_ips, rate_tier ON companies
WHEN (OLD.id, OLD.suspended_at, OLD.allowed_ips, OLD.rate_tier) IS NOT (NEW.id, NEW.suspended_at, NEW.allowed_ips, NEW.rate_tier)
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys WHERE company_id IN (OLD.id, NEW.id) AND revoked_at IS NULL;
END;
--> statement-breakpoint
DROP TRIGGER companies_deleted;
--> statement-breakpoint
CREATE TRIGGER companies_deleted AFTER DELETE ON companies
WHEN (OLD.suspended_at, OLD.allowed_ips, OLD.rate_tier) IS NOT (NULL, NULL, NULL)
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys WHERE company_id = OLD.id AND revoked_at IS NULL;
END;
