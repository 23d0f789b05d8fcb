/** What somebody does who writes the Cache API of a data centre: `forged`, `delayed` or `replayed`. */
const DELAY_MS = 2_000;
/** Texts of one address that are kept to come again. */
const KEPT = 20;
/** Of HMAC-SHA-256, before the text. */
const SIGNATURE_BYTES = 32;

interface Text {
  at: number;
  bytes: Uint8Array<ArrayBuffer>;
}

interface SharedFeed {
  readAt: number;
  snapshot: { changes: { seq: number }[]; head: number };
}

interface SharedRecord {
  record: Record<string, unknown>;
  company: unknown;
}

export function attackedCaches(caches: CacheStorage, attack: string): CacheStorage {
  const seen = new Map<string, Text[]>();

  function instead(texts: readonly Text[]): Uint8Array<ArrayBuffer> | undefined {
    if (attack === "delayed") return texts.findLast(({ at }) => at <= Date.now() - DELAY_MS)?.bytes;
    if (attack === "replayed") return texts[Math.floor(Math.random() * texts.length)]?.bytes;
    const last = texts.at(-1);
    return last && forged(last.bytes);
  }

  const open = async (name: string) => {
    const cache = await caches.open(name);
    const match: Cache["match"] = async (request) => {
      const url = new Request(request).url;
      const texts = seen.get(url) ?? [];
      const found = await cache.match(request);
      if (found !== undefined)
        texts.push({ at: Date.now(), bytes: new Uint8Array(await found.arrayBuffer()) });
      // The first ones stay: of a key, those from before it was revoked.
      if (texts.length > KEPT) texts.splice(KEPT / 2, 1);
      seen.set(url, texts);
      const bytes = instead(texts);
      return bytes && new Response(bytes);
    };
    return Object.create(cache, { match: { value: match }, put: { value: cache.put.bind(cache) } });
  };
  return Object.create(caches, { open: { value: open } });
}

/** Of the feed the newest change is hidden, and all of it was read just now. Of a record, all that speaks against the key. */
function forged(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const shared: SharedFeed | SharedRecord = JSON.parse(
    new TextDecoder().decode(bytes.subarray(SIGNATURE_BYTES)),
  );
  if ("record" in shared) {
    Object.assign(shared.record, { revokedAt: null, suspendedAt: null, allowedIps: null });
    shared.company = null;
  } else {
    const { changes } = shared.snapshot;
    if (changes.length > 1) changes.pop();
    shared.snapshot.head = changes.at(-1)?.seq ?? 0;
    shared.readAt = Date.now();
  }
  const text = new TextEncoder().encode(JSON.stringify(shared));
  const all = new Uint8Array(SIGNATURE_BYTES + text.length);
  all.set(bytes.subarray(0, SIGNATURE_BYTES));
  all.set(text, SIGNATURE_BYTES);
  return all;
}
