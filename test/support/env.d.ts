declare namespace Cloudflare {
  interface Env {
    TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
    TEST_DB_01: D1Database;
    TEST_DB_02: D1Database;
    TEST_SIGNING_KEYS: Record<string, import("jose").JWK>;
    /** An issuer that people sign in at. */
    TEST_LOCAL_ISSUER: {
      url: string;
      clientId: string;
      clientSecret: string;
      signingKey: import("jose").JWK;
    };
  }
}

/** The text of a page. */
declare module "*.md?raw" {
  const text: string;
  export default text;
}
