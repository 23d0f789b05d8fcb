import { BlockList, isIP, isIPv4 as isIPv4Text } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Address,
  addressList,
  formatAddress,
  isIPv4,
  parseAddress,
  parseBlock,
} from "../../src/lib/address.ts";

const NONE = [1, 1, 1, 1] as const;
const RUNS = { numRuns: 3_000 };
const addresses = fc.oneof(fc.ipV4(), fc.ipV6());
/** Near to addresses, so that some are and most are not. */
const nearly = fc.oneof(
  addresses,
  fc.string({ unit: fc.constantFrom(..."0123456789abf:."), maxLength: 20 }),
  fc
    .tuple(addresses, fc.nat(40), fc.constantFrom(...":.0f", "::", "%1", " ", "g"))
    .map(([text, at, more]) => {
      const i = at % (text.length + 1);
      return text.slice(0, i) + more + text.slice(i);
    }),
);

test("a text is an address where Node says so, but for zones", () => {
  fc.assert(
    fc.property(nearly, (text) => {
      expect(parseAddress(text) !== null, text).toBe(isIP(text) !== 0 && !text.includes("%"));
    }),
    RUNS,
  );
});

test("an address has one text, from which it is read again", () => {
  fc.assert(
    fc.property(addresses, (text) => {
      const address = parseAddress(text);
      const shown = address && formatAddress(address);
      expect(parseAddress(shown ?? "")).toEqual(address);
      expect(isIPv4Text(shown ?? "")).toBe(address !== null && isIPv4(address));
    }),
    RUNS,
  );
});

test("is in a list as Node's own BlockList has it", () => {
  const block = fc.oneof(
    fc.tuple(fc.ipV4(), fc.nat(32), fc.constant("ipv4" as const)),
    fc.tuple(fc.ipV6(), fc.nat(128), fc.constant("ipv6" as const)),
  );
  // Addresses near to the blocks: one of them with some of its last bits changed.
  const sample = fc.record({
    blocks: fc.array(block, { minLength: 1, maxLength: 5 }),
    other: addresses,
    pick: fc.nat(),
    bits: fc.nat(0xffff),
  });
  fc.assert(
    fc.property(sample, ({ blocks, other, pick, bits }) => {
      const ours = addressList(blocks.map(([address, prefix]) => `${address}/${prefix}`));
      const [picked = ""] = blocks[pick % blocks.length] ?? [];
      const words = parseAddress(picked);
      const close = words && formatAddress([words[0], words[1], words[2], words[3] ^ bits]);
      for (const address of [other, picked, close ?? ""]) {
        const family = isIPv4Text(address) ? "ipv4" : "ipv6";
        // Node lets IPv6 blocks hold IPv4 addresses, and the other way round. Here each holds its own alone.
        const list = new BlockList();
        for (const [text, prefix, of] of blocks) if (of === family) list.addSubnet(text, prefix, of);
        const isMapped = [address, ...blocks.map(([text]) => text)].some(
          (text) => text.includes(":") && isIPv4(parseAddress(text) ?? NONE),
        );
        fc.pre(!isMapped);
        expect(ours.has(address), `${address} in ${JSON.stringify(blocks)}`).toBe(
          list.check(address, family),
        );
      }
    }),
    RUNS,
  );
});

test("the bits of an entry after its prefix do not matter", () => {
  fc.assert(
    fc.property(addresses, fc.nat(32), (address, prefix) => {
      expect(addressList([`${address}/${prefix}`]).has(address)).toBe(
        !(address.includes(":") && isIPv4(parseAddress(address) ?? NONE)),
      );
      expect(parseBlock(`${address}/${prefix}`)).not.toBeNull();
    }),
    RUNS,
  );
});

/** Texts of addresses and blocks, and now and then of neither. */
const entries = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, prefix]) => `${address}/${prefix}`),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(fc.ipV6(), fc.nat(128)).map(([address, prefix]) => `${address}/${prefix}`),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.ipV4(), fc.nat(128)).map(([address, prefix]) => `::ffff:${address}/${prefix}`),
    },
    addresses,
    nearly,
  ),
  { maxLength: 6 },
);

test("of what a list gives as JSON the same list is made", () => {
  fc.assert(
    fc.property(entries, (texts) => {
      const blocks = texts.map(parseBlock).filter((block) => block !== null);
      const list = addressList(texts);
      const given: string[] = JSON.parse(JSON.stringify(list));
      expect(given.map(parseBlock), JSON.stringify(texts)).toEqual(blocks);
      expect(addressList(given).size).toBe(list.size);
      expect(addressList(given).toJSON()).toEqual(given);
    }),
    RUNS,
  );
});

test("an address is in the list that is made of it as in the list itself", () => {
  const near = fc.record({
    texts: entries,
    other: addresses,
    pick: fc.nat(),
    bits: fc.nat(0xffff),
    word: fc.nat(3),
  });
  fc.assert(
    fc.property(near, ({ texts, other, pick, bits, word }) => {
      const list = addressList(texts);
      const again = addressList(list.toJSON());
      const [picked = ""] = texts[pick % Math.max(1, texts.length)]?.split("/") ?? [];
      const words = parseAddress(picked);
      const close = words?.map((part, i) => (i === word ? part ^ bits : part)) as Address | undefined;
      for (const address of [other, picked, close ? formatAddress(close) : ""])
        expect(again.has(address), `${address} in ${JSON.stringify(texts)}`).toBe(list.has(address));
    }),
    RUNS,
  );
});

test.each([
  ["192.0.2.7", "192.0.2.7/32"],
  ["192.0.2.7/24", "192.0.2.0/24"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["::ffff:192.0.2.7", "192.0.2.7/32"],
  ["::ffff:0:0/96", "0.0.0.0/0"],
  ["::ffff:0:0/95", "::fffe:0:0/95"],
  ["2001:DB8::7", "2001:db8::7/128"],
  ["2001:db8:ffff::/33", "2001:db8:8000::/33"],
  ["::/0", "::/0"],
])("the JSON of %s is %s", (text, given) => {
  expect(addressList([text]).toJSON()).toEqual([given]);
});
