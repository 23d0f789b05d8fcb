/** Numbers of [0, 1), the same for the same seed: mulberry32. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * From a number of [0, 1) to a rank from 0, the most used first.
 *
 * @param exponent - The n-th most used of `count` gets a share in proportion to 1/n to the power of it.
 */
export function zipf(count: number, exponent = 1): (chance: number) => number {
  const upTo = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += (rank + 1) ** -exponent;
    upTo[rank] = sum;
  }
  return (chance) => {
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((upTo[middle] ?? 0) <= chance * sum) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Milliseconds to the next of `perSecond` events that do not know of each other. */
export function pause(perSecond: number, chance: () => number): number {
  return (-Math.log(1 - chance()) / perSecond) * 1000;
}

/** Numbers whose share up to each of `quantiles` is theirs, evenly in between; both rise, from 0 to 1. */
export function fromQuantiles(quantiles: readonly (readonly [share: number, value: number])[]) {
  return (chance: number): number => {
    const next = quantiles.findIndex(([share]) => share > chance);
    const [[fromShare, from] = [0, 0], [toShare, to] = [1, 0]] = quantiles.slice(next - 1, next + 1);
    return from + ((to - from) * (chance - fromShare)) / (toShare - fromShare);
  };
}
