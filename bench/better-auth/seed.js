import { DatabaseSync } from "node:sqlite";
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";

/**
 * `node seed.js auth.sqlite 500` makes a database of better-auth with two users and so many keys, by turns theirs, and one more that is disabled. Prints
 * the users' ids and the keys.
 */
const [file = "", count = "0"] = process.argv.slice(2);
const database = new DatabaseSync(file);
const auth = betterAuth({
  database,
  baseURL: "http://localhost",
  secret: "a secret for this bench, which is of no value elsewhere",
  telemetry: { enabled: false },
  logger: { disabled: true },
  plugins: [apiKey()],
});
await (await getMigrations(auth.options)).runMigrations();
const { internalAdapter } = await auth.$context;
const users = [];
for (const name of ["ada", "grace"]) {
  const user = await internalAdapter.createUser({ email: `${name}@acme.example`, name, emailVerified: true });
  users.push(user.id);
}
const create = (i) =>
  auth.api.createApiKey({
    body: {
      userId: users[i % 2],
      name: `Key ${i}`,
      ...(i % 3 === 0 && { permissions: { jobs: ["read", "write"] } }),
      ...(i % 5 === 0 && { expiresIn: 30 * 86_400 }),
    },
  });
database.exec("BEGIN"); // or each key waits for the disk
const keys = [];
for (let i = 0; i < Number(count); i++) keys.push((await create(i)).key);
const disabled = await create(0);
await auth.api.updateApiKey({ body: { keyId: disabled.id, userId: users[0], enabled: false } });
database.exec("COMMIT");
process.stdout.write(JSON.stringify({ users, keys, disabled: disabled.key }));
