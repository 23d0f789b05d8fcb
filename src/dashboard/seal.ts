import { EncryptJWT, errors, jwtDecrypt } from "jose";

const utf8 = new TextEncoder();

/** What is sealed for one of these opens for no other, nor for any other use of a pepper. */
export type SealUse = "dashboard" | "operator dashboard";

/** What the browser keeps for the dashboard, readable and changeable by nobody but this deployment. */
export interface Seal {
  /** @returns a JWE in compact form, which opens for this purpose alone and for `lifetimeSeconds`. */
  seal(purpose: string, payload: object, lifetimeSeconds: number): Promise<string>;
  /** @returns the payload; null when there is none, it has expired, or it was not sealed here for this purpose. */
  open(purpose: string, sealed: string | undefined): Promise<object | null>;
}

/**
 * Seals by `dir` and A256GCM under keys derived from the peppers by HKDF-SHA-256, so the dashboard
 * needs no further secret. The newest pepper seals, each opens.
 *
 * @param peppers - Generation character to pepper, the newest last; not empty.
 * @param now - Milliseconds since the epoch.
 */
export function pepperSeal(peppers: ReadonlyMap<string, string>, now: () => number, use: SealUse): Seal {
  const info = utf8.encode(`latchkey ${use} seal v1`);

  async function keyOf(generation: string | undefined): Promise<Uint8Array | null> {
    const pepper = peppers.get(generation ?? "");
    if (pepper === undefined) return null;
    const secret = await crypto.subtle.importKey("raw", utf8.encode(pepper), "HKDF", false, ["deriveBits"]);
    const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
    return new Uint8Array(await crypto.subtle.deriveBits(hkdf, secret, 256));
  }

  return {
    async seal(purpose, payload, lifetimeSeconds) {
      const kid = [...peppers.keys()].at(-1);
      const key = await keyOf(kid);
      if (kid === undefined || key === null) throw new TypeError("pepperSeal: no pepper");
      return new EncryptJWT({ payload })
        .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid })
        .setAudience(purpose)
        .setExpirationTime(Math.floor(now() / 1000) + lifetimeSeconds)
        .encrypt(key);
    },

    async open(purpose, sealed) {
      if (sealed === undefined) return null;
      try {
        const opened = await jwtDecrypt<{ payload: object }>(
          sealed,
          async ({ kid }) => {
            const key = await keyOf(kid);
            if (key === null) throw new errors.JWEDecryptionFailed();
            return key;
          },
          {
            audience: purpose,
            currentDate: new Date(now()),
            requiredClaims: ["exp"],
            keyManagementAlgorithms: ["dir"],
            contentEncryptionAlgorithms: ["A256GCM"],
          },
        );
        return opened.payload.payload;
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
}
