import { ApiError } from "../http/errors.ts";
import { parseAddress } from "../lib/address.ts";
import type { Refusal, VerifyOptions } from "./contract.ts";

/** Names that a key may hold as scopes: the catalogue. */
export type Catalogue = Pick<ReadonlyMap<string, string>, "has">;

/**
 * What is wrong with the options of another Worker, or `null`. A wrong question is never taken for one that asks for
 * nothing. Written out, as it stands in the way of every verification.
 */
export function wrongOptions(options: unknown, catalogue: () => Catalogue): string | null {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    return "options must be an object";
  for (const name in options) {
    if (name !== "scopes" && name !== "clientIp" && name !== "consistency")
      return "options have scopes, clientIp and consistency, nothing else";
  }
  const { scopes, clientIp, consistency }: { [name in keyof VerifyOptions]: unknown } = options;
  if (clientIp !== undefined && typeof clientIp !== "string") return "clientIp must be a string";
  if (consistency !== undefined && consistency !== "bounded" && consistency !== "strong")
    return "consistency must be bounded or strong";
  if (scopes === undefined || scopes === null) return null;
  if (!Array.isArray(scopes)) return "scopes must be an array";
  return scopes.length === 0 ? null : wrongScopes(scopes, catalogue());
}

/** The answer to a question that is wrong: never one that could be taken for a bad key, nor for a good one. */
export function misused(fault: string): Refusal {
  return { valid: false, error: "UNAVAILABLE", message: `Wrong question: ${fault}` };
}

/** What is wrong with names of scopes, or `null`. One that no key can hold is the mistake of who asks, not of the key's holder. */
function wrongScopes(scopes: readonly unknown[], catalogue: Catalogue): string | null {
  for (const scope of scopes) {
    if (typeof scope !== "string" || !catalogue.has(scope))
      return "a scope must be one of the catalogue: see SCOPES";
  }
  return null;
}

/**
 * What the query of `/public/v1/verify` asks for: `scope`, which may be repeated or hold several with spaces between,
 * and `ip`, the address of the proxy's caller.
 *
 * @throws ApiError `BAD_REQUEST` for everything else.
 */
export function readQuestion(url: string, catalogue: () => Catalogue): VerifyOptions {
  const scopes: string[] = [];
  let clientIp: string | undefined;
  for (const [name, value] of new URL(url).searchParams) {
    if (name === "scope") {
      scopes.push(...value.split(" "));
    } else if (name === "ip") {
      if (clientIp !== undefined || parseAddress(value) === null) throw wrong("ip: must be one IP address");
      clientIp = value;
    } else {
      throw wrong("The query has scope and ip, nothing else");
    }
  }
  const fault = scopes.length === 0 ? null : wrongScopes(scopes, catalogue());
  if (fault !== null) throw wrong(`scope: ${fault}`);
  return { scopes, ...(clientIp !== undefined && { clientIp }) };
}

function wrong(message: string): ApiError {
  return new ApiError("BAD_REQUEST", { message });
}
