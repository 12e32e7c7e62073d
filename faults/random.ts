// Chance that can be had again: everything that an experiment draws comes from its seed.

export interface Random {
  /** From 0 up to, and without, `below`; a whole number. */
  below(below: number): number;
  between(least: number, most: number): number;
  pick<T>(of: readonly T[]): T;
  chance(share: number): boolean;
}

/** mulberry32: 32 bits of state are plenty for the order of a few thousand acts. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    pick: <T>(of: readonly T[]) => of[below(of.length)] as T,
    chance: (share) => next() < share,
  };
}
