CREATE TABLE job_listing (
  id TEXT PRIMARY KEY,
  company_id TEXT NOT NULL,
  title TEXT NOT NULL,
  location TEXT NOT NULL,
  employment_type TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX job_listing_newest_first ON job_listing (company_id, created_at DESC, id);

-- One listing for each company of the local issuer, so that the first call shows something.
INSERT INTO job_listing VALUES
  ('5f0c1d5e-8f3b-4b52-9d0a-6f1f0a4f7c11', 'acme', 'Rocket engineer', 'Tucson', 'full_time', '2026-11-02T09:00:00.000Z'),
  ('b7a0c1c2-1a52-4a1e-8b83-0d9b6f2f5d22', 'globex', 'Volcano keeper', 'Cypress Creek', 'part_time', '2026-11-03T09:00:00.000Z');
