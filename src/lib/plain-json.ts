// What is doubtful about a JSON text although JSON.parse takes it.

export type JsonFlaw =
  | { readonly kind: 'sent-twice'; readonly name: string }
  | { readonly kind: 'too-deep' };

const DEEPEST = 8;

/**
 * Of two members with one name parsers take either: what was checked need not be what is used. The
 * text may still be no JSON; `JSON.parse` finds that out. Each character is looked at once, and a
 * name read once: strangers send what is worst.
 */
export function findJsonFlaw(source: string): JsonFlaw | undefined {
  const open: Array<Set<string> | undefined> = [];
  let text = '';
  for (let at = 0; at < source.length; at += 1) {
    const sign = source[at];
    if (sign === '"') {
      const end = endOfText(source, at);
      text = source.slice(at, end);
      at = end - 1;
    } else if (sign === '{' || sign === '[') {
      if (open.length === DEEPEST) return { kind: 'too-deep' };
      open.push(sign === '{' ? new Set() : undefined);
    } else if (sign === '}' || sign === ']') open.pop();
    else if (sign === ':' && text !== '') {
      const name = nameOf(text);
      if (name === undefined) return undefined;
      if (open.at(-1)?.has(name)) return { kind: 'sent-twice', name };
      open.at(-1)?.add(name);
      text = '';
    }
  }
  return undefined;
}

/** Behind its closing quote; a text without one goes to the end. */
function endOfText(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at += 1) {
    const sign = source[at];
    if (sign === '\\') at += 1;
    else if (sign === '"') return at + 1;
  }
  return source.length;
}

/** As a parser reads it: escapes spell the same name in many ways. Undefined: it is no JSON. */
function nameOf(text: string): string | undefined {
  if (!text.includes('\\')) return text.slice(1, -1);
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined;
  }
}
