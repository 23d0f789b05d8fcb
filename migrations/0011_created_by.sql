ALTER TABLE `api_keys` ADD `created_by_issuer` text;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `created_by_subject` text;