/** What somebody does who writes the Cache API of a data centre: `forged`, `delayed` or `replayed`. */
const DELAY_MS = 2_000;
/** Answers that are kept to come again. */
const KEPT = 100;
/** Of HMAC-SHA-256, before the text. */
const SIGNATURE_BYTES = 32;

interface Shared {
  readAt: number;
  snapshot: { changes: { seq: number }[]; head: number };
}

export function attackedCaches(caches: CacheStorage, attack: string): CacheStorage {
  const seen: { at: number; bytes: Uint8Array<ArrayBuffer> }[] = [];

  function instead(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    if (attack === "delayed") return seen.findLast(({ at }) => at <= Date.now() - DELAY_MS)?.bytes;
    if (attack === "replayed") return seen[Math.floor(Math.random() * seen.length)]?.bytes;
    return forged(bytes);
  }

  const open = async (name: string) => {
    const cache = await caches.open(name);
    const match: Cache["match"] = async (request) => {
      const found = await cache.match(request);
      if (found !== undefined)
        seen.push({ at: Date.now(), bytes: new Uint8Array(await found.arrayBuffer()) });
      if (seen.length > KEPT) seen.shift();
      const last = seen.at(-1);
      const bytes = last && instead(last.bytes);
      return bytes && new Response(bytes);
    };
    return Object.create(cache, { match: { value: match }, put: { value: cache.put.bind(cache) } });
  };
  return Object.create(caches, { open: { value: open } });
}

/** The newest change is hidden, and all of it was read just now. */
function forged(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const shared: Shared = JSON.parse(new TextDecoder().decode(bytes.subarray(SIGNATURE_BYTES)));
  if (shared.snapshot.changes.length > 1) shared.snapshot.changes.pop();
  shared.snapshot.head = shared.snapshot.changes.at(-1)?.seq ?? 0;
  const text = new TextEncoder().encode(JSON.stringify({ ...shared, readAt: Date.now() }));
  const all = new Uint8Array(SIGNATURE_BYTES + text.length);
  all.set(bytes.subarray(0, SIGNATURE_BYTES));
  all.set(text, SIGNATURE_BYTES);
  return all;
}
