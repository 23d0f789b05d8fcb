import type { Denial } from "../usage/recorder.ts";
import type { Refusal } from "./contract.ts";
import { ELSEWHERE } from "./decide.ts";

/** What a refusal of a genuine key counts as. */
export function denialOf(refusal: Refusal): Denial {
  switch (refusal.error) {
    case "TOKEN_EXPIRED":
      return "expired";
    case "KEY_REVOKED":
      return "revoked";
    case "KEY_SUSPENDED":
      return "suspended";
    case "RATE_LIMITED":
      return "limit";
    default:
      return refusal === ELSEWHERE ? "address" : "scope";
  }
}
