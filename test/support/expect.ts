import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { ERRORS, type ErrorCode, type ErrorEnvelope } from "../../src/http/errors.ts";

/** Expects the contract's envelope, complete and with nothing beside it. */
export async function expectError(answer: Response, error: ErrorCode, path?: string): Promise<ErrorEnvelope> {
  const text = await answer.text();
  expect(text).toMatch(/^\{"status"/);
  const envelope: ErrorEnvelope = JSON.parse(text);
  expect(envelope).toEqual({
    status: answer.status,
    error,
    message: expect.stringMatching(/./),
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
    path: path ?? expect.stringMatching(/^\/[^?#]*$/),
    ...(error === "VALIDATION_ERROR" && { details: expect.any(Array) }),
  });
  expect(answer.status).toBe(ERRORS[error].status);
  expect(answer.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
  expect(text).not.toMatch(/\\n *at |SQLITE|D1_|SELECT |INSERT |SyntaxError|Invalid input|\bzod\b|drizzle/i);
  return envelope;
}

/** Expects 422 and gives the broken fields, each with what is wrong. */
export async function brokenFields(answer: Response): Promise<Record<string, string>> {
  const { details = [] } = await expectError(answer, "VALIDATION_ERROR");
  const fields = Object.fromEntries(details.map(({ field, message }) => [field, message]));
  expect(Object.keys(fields)).toHaveLength(details.length);
  return fields;
}

/** Everything the database holds. */
export async function stored(): Promise<Record<string, unknown[]>> {
  const tables = ["api_keys", "audit_events", "key_changes", "sealed_answers"];
  const results = await env.DB.batch(tables.map((table) => env.DB.prepare(`SELECT * FROM ${table}`)));
  return Object.fromEntries(tables.map((table, i) => [table, results[i]?.results ?? []]));
}

/** What is logged from now on, a line an entry; the log itself stays quiet. */
export function logged(): string[] {
  const lines: string[] = [];
  for (const level of ["log", "info", "debug", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => {
      lines.push(parts.map(String).join(" "));
    });
  }
  return lines;
}
