CREATE TABLE `imported_keys` (
	`digest` text PRIMARY KEY NOT NULL,
	`database` text NOT NULL
);
