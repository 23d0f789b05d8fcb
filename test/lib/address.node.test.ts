import { BlockList, isIP, isIPv4 as isIPv4Text } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { addressList, formatAddress, isIPv4, parseAddress, parseBlock } from "../../src/lib/address.ts";

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
