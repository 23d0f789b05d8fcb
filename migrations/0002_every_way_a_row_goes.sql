-- Whatever a verdict depends on, and what decides which row a statement replaces. REPLACE removes rows without firing the
-- trigger of deletion: by rowid, id, digest or replaces_id.
DROP TRIGGER api_keys_replaced;
--> statement-breakpoint
CREATE TRIGGER api_keys_replaced BEFORE INSERT ON api_keys
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys
  WHERE rowid = NEW.rowid OR id = NEW.id OR digest = NEW.digest OR replaces_id = NEW.replaces_id;
END;
--> statement-breakpoint
CREATE TRIGGER api_keys_displaced BEFORE UPDATE ON api_keys
WHEN (OLD.rowid, OLD.id, OLD.digest, OLD.replaces_id) IS NOT (NEW.rowid, NEW.id, NEW.digest, NEW.replaces_id)
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys
  WHERE (rowid = NEW.rowid OR id = NEW.id OR digest = NEW.digest OR replaces_id = NEW.replaces_id) AND rowid <> OLD.rowid;
END;
