import { expect, test } from "vitest";
import { ERRORS } from "../../src/http/errors.ts";
import { isVerifyError } from "../../src/verify/refusal.ts";

test("an error of the wire is that of a verdict where the contract has it, and nothing else is", () => {
  expect(new Set(Object.keys(ERRORS).filter(isVerifyError))).toEqual(
    new Set([
      "UNAUTHORIZED",
      "TOKEN_EXPIRED",
      "KEY_REVOKED",
      "KEY_SUSPENDED",
      "FORBIDDEN",
      "RATE_LIMITED",
      "UNAVAILABLE",
    ]),
  );
  for (const other of ["", "constructor", "unauthorized", 401, null, undefined])
    expect(isVerifyError(other)).toBe(false);
});
