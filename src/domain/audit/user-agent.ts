// What a browser says of itself, as one line that nothing in it can break out of.

const LONGEST = 256;

/** Control characters and the like are escaped; what is longer is cut and ends in `…`. */
export function describeUserAgent(text: string): string {
  const line = text.slice(0, LONGEST + 1).replace(/[\\\p{C}\p{Zl}\p{Zp}]/gu, escapeOne);
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

function escapeOne(character: string): string {
  if (character === '\\') return '\\\\';
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
