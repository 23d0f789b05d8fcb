/**
 * An IP address as four 32-bit words, the most significant first. IPv4 is what IPv6 has for it, `::ffff:a.b.c.d`
 * (RFC 4291 §2.5.5.2), so that both forms are one address.
 */
export type Address = readonly [number, number, number, number];

/** Addresses that begin with the same bits. */
export interface AddressBlock {
  network: Address;
  mask: Address;
  isIPv4: boolean;
}

/** Addresses and blocks that were read once, to be looked through often. */
export interface AddressList {
  /** How many. */
  size: number;
  /** Whether one of them holds `address`. What is no address is in none. */
  has(address: string): boolean;
  /** Texts of which the same list can be made. */
  toJSON(): string[];
}

const GROUPS = 8;
const MAPPED = 0xffff;
/** Bits before an IPv4 address. */
const MAPPED_BITS = 96;
const GROUP_DIGITS = 4;
const PREFIX = /^(?:0|[1-9]\d{0,2})$/;

/** `null`: no address in the text forms of RFC 4291 §2.2, nor four decimal numbers without leading zeros. No zone. */
export function parseAddress(text: string): Address | null {
  if (!text.includes(":")) {
    const word = parseIPv4(text);
    return word === null ? null : [0, 0, MAPPED, word];
  }
  const groups = parseGroups(text);
  if (groups === null) return null;
  const word = (i: number) => ((groups[i] ?? 0) << 16) | (groups[i + 1] ?? 0);
  return [word(0), word(2), word(4), word(6)];
}

export function isIPv4([a, b, c]: Address): boolean {
  return a === 0 && b === 0 && c === MAPPED;
}

/** An address, or a block in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), whose bits after the prefix do not matter. */
export function parseBlock(text: string): AddressBlock | null {
  const [address = "", prefix, ...rest] = text.split("/");
  const words = parseAddress(address);
  if (words === null || rest.length > 0) return null;
  const isDecimal = !address.includes(":");
  if (prefix !== undefined && (!PREFIX.test(prefix) || Number(prefix) > (isDecimal ? 32 : 128))) return null;
  const bits = prefix === undefined ? 128 : Number(prefix) + (isDecimal ? MAPPED_BITS : 0);
  const mask: Address = [maskOf(bits), maskOf(bits - 32), maskOf(bits - 64), maskOf(bits - 96)];
  const network: Address = [words[0] & mask[0], words[1] & mask[1], words[2] & mask[2], words[3] & mask[3]];
  return { network, mask, isIPv4: isIPv4(network) && bits >= MAPPED_BITS };
}

/** Whether an address is in both blocks: then one of them is in the other. */
export function doOverlap(a: AddressBlock, b: AddressBlock): boolean {
  const common = (i: 0 | 1 | 2 | 3) => a.mask[i] & b.mask[i];
  const isSame = (i: 0 | 1 | 2 | 3) => (a.network[i] & common(i)) === (b.network[i] & common(i));
  return a.isIPv4 === b.isIPv4 && isSame(0) && isSame(1) && isSame(2) && isSame(3);
}

/** @param texts - Addresses and blocks. What is neither holds nothing. */
export function addressList(texts: readonly string[]): AddressList {
  const blocks = texts.map(parseBlock).filter((block) => block !== null);
  return {
    size: blocks.length,
    toJSON: () => blocks.map(formatBlock),
    has(text) {
      const address = parseAddress(text);
      if (address === null) return false;
      const [a, b, c, d] = address;
      const isMapped = isIPv4(address);
      for (const { network, mask, isIPv4 } of blocks) {
        if (
          isMapped === isIPv4 &&
          (d & mask[3]) === network[3] &&
          (c & mask[2]) === network[2] &&
          (b & mask[1]) === network[1] &&
          (a & mask[0]) === network[0]
        )
          return true;
      }
      return false;
    },
  };
}

/** What one caller has of addresses: an IPv4 address, or the /64 of an IPv6 one (RFC 6177, RFC 4291 §2.5.4). */
export function networkOf(text: string): string {
  const address = parseAddress(text);
  if (address === null) return text;
  if (isIPv4(address)) return dotted(address[3]);
  return `${groupsOf(address).slice(0, 4).join(":")}::/64`;
}

/** The one text of an address: four decimal numbers, or what RFC 5952 has for IPv6. */
export function formatAddress(address: Address): string {
  if (isIPv4(address)) return dotted(address[3]);
  return new URL(`http://[${groupsOf(address).join(":")}]`).hostname.slice(1, -1);
}

/** A block in CIDR notation, of which `parseBlock` makes the same. */
function formatBlock({ network, mask, isIPv4 }: AddressBlock): string {
  const bits = mask.reduce<number>((sum, word) => sum + Math.clz32(~word), 0);
  return `${formatAddress(network)}/${isIPv4 ? bits - MAPPED_BITS : bits}`;
}

/** One word, the address alone: each call reads it anew, so without regular expressions. */
function parseIPv4(text: string): number | null {
  let word = 0;
  let parts = 0;
  let part = -1;
  for (let i = 0; i <= text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      // No leading zero: some read such a number as octal.
      if (part === 0) return null;
      part = part === -1 ? digit : part * 10 + digit;
      if (part > 255) return null;
    } else {
      if (part === -1 || (i < text.length && text.charAt(i) !== ".")) return null;
      word = (word << 8) | part;
      parts += 1;
      part = -1;
    }
  }
  return parts === 4 ? word : null;
}

/** The eight groups of 16 bits, `::` filled in. */
function parseGroups(text: string): number[] | null {
  const groups: number[] = [];
  /** How many groups stand before `::`; -1: there is none. */
  let gap = text.startsWith("::") ? 0 : -1;
  let start = gap === 0 ? 2 : 0;
  while (start < text.length) {
    let end = start;
    let group = 0;
    for (let digit = hexDigit(text, end); digit >= 0; digit = hexDigit(text, ++end))
      group = group * 16 + digit;
    if (text.charAt(end) === ".") {
      const word = parseIPv4(text.slice(start));
      if (word === null) return null;
      groups.push(word >>> 16, word & 0xffff);
      break;
    }
    if (end === start || end - start > GROUP_DIGITS) return null;
    groups.push(group);
    if (end === text.length) break;
    start = end + 1;
    if (text.charAt(end) !== ":" || start === text.length) return null;
    if (text.charAt(start) !== ":") continue;
    if (gap >= 0) return null;
    gap = groups.length;
    start += 1;
  }
  const missing = GROUPS - groups.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return null;
  const all = [0, 0, 0, 0, 0, 0, 0, 0];
  for (const [i, group] of groups.entries()) all[i < gap ? i : i + missing] = group;
  return all;
}

/** The value of a hexadecimal digit; -1: it is none. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** A word of which the first `bits` are set: none for less than 1, all for more than 31. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

function groupsOf(address: Address): string[] {
  return address.flatMap((word) => [(word >>> 16).toString(16), (word & 0xffff).toString(16)]);
}

function dotted(word: number): string {
  return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join(".");
}
