// Whether 32 bytes are a point that an Ed25519 key may be (RFC 8032, 5.1.3).

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

const OF_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;

/** Ordinates of the eight points for which anybody could sign: they are no keys. */
const SMALL_ORDER: ReadonlySet<bigint> = new Set([0n, 1n, P - 1n, OF_ORDER_8, P - OF_ORDER_8]);

export function isEd25519Point(bytes: Uint8Array): boolean {
  const y = ordinateOf(bytes);
  if (y >= P || SMALL_ORDER.has(y)) return false;
  const square = y * y;
  // x² = (y² - 1) / (d y² + 1)
  const xSquare = (mod(square - 1n) * power(mod(D * square + 1n), P - 2n)) % P;
  return power(xSquare, (P - 1n) / 2n) === 1n;
}

function ordinateOf(bytes: Uint8Array): bigint {
  const number = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  return number & (2n ** 255n - 1n);
}

const mod = (value: bigint) => ((value % P) + P) % P;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
