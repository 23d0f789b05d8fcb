import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { DatabaseError, onPrimary } from "../../src/db/client.ts";
import { hooked } from "../support/d1.ts";

/** How often work that always fails with `message` is tried, and what comes of it. */
async function tried(message: string): Promise<{ attempts: number; fault: unknown }> {
  let attempts = 0;
  const failing = hooked(env.DB, () => {
    attempts++;
    throw new Error(`D1_ERROR: ${message}`);
  });
  const fault = await onPrimary(failing, (db) => db.run("SELECT 'x'")).catch((thrown: unknown) => thrown);
  return { attempts, fault };
}

describe("what Cloudflare names as retryable is tried three times and then means that the database is unavailable", () => {
  test.each([
    "D1 DB reset because its code was updated.",
    "Internal error while starting up D1 DB storage caused object to be reset.",
    "Network connection lost.",
    "Internal error in D1 DB storage caused object to be reset.",
    "Cannot resolve D1 DB due to transient issue on remote node.",
    "Can't read from request stream because client disconnected.",
  ])("%s", async (message) => {
    const { attempts, fault } = await tried(message);
    expect(attempts).toBe(3);
    expect(fault).toBeInstanceOf(DatabaseError);
  });
});

test.each([
  "D1 DB is overloaded. Requests queued for too long.",
  "D1 DB is overloaded. Too many requests queued.",
])("an overloaded database is unavailable, and gets no more to do: %s", async (message) => {
  const { attempts, fault } = await tried(message);
  expect(attempts).toBe(1);
  expect(fault).toBeInstanceOf(DatabaseError);
});

describe("a fault of the statement is tried once and stays what it is", () => {
  test.each([
    "UNIQUE constraint failed: api_keys.digest: SQLITE_CONSTRAINT",
    "no such column: later: SQLITE_ERROR",
    "D1 DB storage operation exceeded timeout which caused object to be reset.",
    "D1 DB's isolate exceeded its memory limit and was reset.",
    "D1 DB exceeded its CPU time limit and was reset.",
  ])("%s", async (message) => {
    const { attempts, fault } = await tried(message);
    expect(attempts).toBe(1);
    expect(fault).not.toBeInstanceOf(DatabaseError);
    expect(fault).toMatchObject({ cause: { message: `D1_ERROR: ${message}` } });
  });

  test("also where a parameter quotes a retryable one", async () => {
    let attempts = 0;
    const counting = hooked(env.DB, () => void attempts++);
    const { sql } = await import("drizzle-orm");
    const work = onPrimary(counting, (db) => db.run(sql`SELECT json(${"Network connection lost."})`));
    await expect(work).rejects.not.toBeInstanceOf(DatabaseError);
    expect(attempts).toBe(1);
  });
});

test("a bug in the work itself is no fault of the database", async () => {
  let attempts = 0;
  const work = onPrimary(env.DB, async () => {
    attempts++;
    throw new TypeError("undefined is not a function");
  });
  await expect(work).rejects.toBeInstanceOf(TypeError);
  expect(attempts).toBe(1);
});
