// What is doubtful about a JSON text although JSON.parse takes it.

export type JsonFlaw =
  | { readonly kind: 'sent-twice'; readonly name: string }
  | { readonly kind: 'too-deep' };

/** A text without an end goes to the end: else each quote in it would begin another search. */
const TOKEN = /"(?:[^"\\]|\\.)*(?:"|\\?$)|[{}[\],:]/gs;
const DEEPEST = 8;

/**
 * Of two members with one name parsers take either: what was checked need not be what is used. The
 * text may still be no JSON; `JSON.parse` finds that out.
 */
export function findJsonFlaw(source: string): JsonFlaw | undefined {
  const open: Array<Set<string> | undefined> = [];
  let token = '';
  for (const [next] of source.matchAll(TOKEN)) {
    if (next === ':') {
      const name = nameOf(token);
      if (open.at(-1)?.has(name)) return { kind: 'sent-twice', name };
      open.at(-1)?.add(name);
    } else if (next === '}' || next === ']') open.pop();
    else if (next === '{' || next === '[') open.push(next === '{' ? new Set() : undefined);
    else if (next !== ',') token = next;
    if (open.length > DEEPEST) return { kind: 'too-deep' };
  }
  return undefined;
}

/** As a parser reads it: escapes spell the same name in many ways. */
function nameOf(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}
