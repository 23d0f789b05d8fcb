-- The change feed: whatever a verdict depends on is told to every isolate, also where it is changed by hand.
CREATE TRIGGER api_keys_updated AFTER UPDATE OF id, company_id, digest, scopes, expires_at, revoked_at ON api_keys
WHEN (OLD.id, OLD.company_id, OLD.digest, OLD.scopes) IS NOT (NEW.id, NEW.company_id, NEW.digest, NEW.scopes)
  OR (OLD.expires_at, OLD.revoked_at) IS NOT (NEW.expires_at, NEW.revoked_at)
BEGIN
  INSERT INTO key_changes (digest) VALUES (OLD.digest);
END;
--> statement-breakpoint
CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys
BEGIN
  INSERT INTO key_changes (digest) VALUES (OLD.digest);
END;
--> statement-breakpoint
-- REPLACE removes the old row without firing the trigger above.
CREATE TRIGGER api_keys_replaced BEFORE INSERT ON api_keys
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys WHERE digest = NEW.digest OR id = NEW.id;
END;
--> statement-breakpoint
-- A reader names the last change it knows and must find it again, so the feed is never empty.
INSERT INTO key_changes (digest) VALUES ('');
--> statement-breakpoint
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
--> statement-breakpoint
-- REPLACE would remove the old row without firing the trigger above.
CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
WHEN EXISTS (SELECT 1 FROM audit_events WHERE seq = NEW.seq OR id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
