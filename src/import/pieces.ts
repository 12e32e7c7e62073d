// Splits an import into its records: the lines of NDJSON, or the elements of one JSON array.

/** What stands for one account. `line` counts from 1 and is where it begins. */
export type Piece =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly problem: string };

interface Splitter {
  push(chunk: Uint8Array): Generator<Piece>;
  end(): Generator<Piece>;
}

/** Bytes of one record. */
const LONGEST = 64 * 1024;

const [TAB, LF, CR, BLANK, QUOTE, COMMA, BACKSLASH] = [0x09, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const BLANKS: readonly number[] = [TAB, LF, CR, BLANK];
const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** Holds one record at a time, and never more of it than {@link LONGEST}. */
export async function* piecesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  let line = 1;
  let splitter: Splitter | undefined;
  for await (const chunk of chunks) {
    if (splitter) {
      yield* splitter.push(chunk);
      continue;
    }
    const start = chunk.findIndex((byte) => ![...BLANKS, ...BYTE_ORDER_MARK].includes(byte));
    const before = start === -1 ? chunk : chunk.subarray(0, start);
    line += before.filter((byte) => byte === LF).length;
    if (start === -1) continue;
    const isList = chunk[start] === OPEN_LIST;
    splitter = isList ? createElements(line) : createLines(line);
    yield* splitter.push(chunk.subarray(isList ? start + 1 : start));
  }
  if (splitter) yield* splitter.end();
}

function createLines(first: number): Splitter {
  let line = first;
  const record = createRecord();
  return {
    push: function* (chunk) {
      let from = 0;
      for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
        record.add(chunk.subarray(from, at));
        yield record.take(line);
        line += 1;
        from = at + 1;
      }
      record.add(chunk.subarray(from));
    },
    end: function* () {
      yield record.take(line);
    },
  };
}

/** Knows no more of JSON than what ends an element: `JSON.parse` judges the rest. */
function createElements(first: number): Splitter {
  const record = createRecord();
  let line = first;
  let begins = first;
  let depth = 0;
  let isText = false;
  let isEscaped = false;
  let state: 'open' | 'closed' | 'over' = 'open';

  const follow = (byte: number) => {
    if (isEscaped) isEscaped = false;
    else if (isText) {
      isEscaped = byte === BACKSLASH;
      isText = byte !== QUOTE;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth += 1;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth = Math.max(0, depth - 1);
  };
  /** @returns whether the byte ends an element */
  const isEnd = (byte: number) => !isText && depth === 0 && (byte === COMMA || byte === CLOSE_LIST);

  return {
    push: function* (chunk) {
      let from = 0;
      for (const [at, byte] of chunk.entries()) {
        const isBlank = BLANKS.includes(byte);
        if (state === 'closed' && !isBlank) {
          state = 'over';
          yield { line, problem: 'follows the end of the array: remove it' };
        }
        if (state === 'over') return;
        if (state === 'open' && isEnd(byte)) {
          record.add(chunk.subarray(from, at));
          yield record.take(begins);
          from = at + 1;
          if (byte === CLOSE_LIST) state = 'closed';
        } else if (state === 'open') {
          if (isBlank && record.isEmpty() && from === at) from = at + 1;
          else if (record.isEmpty() && from === at) begins = line;
          follow(byte);
        }
        if (byte === LF) line += 1;
      }
      if (state === 'open') record.add(chunk.subarray(from));
    },
    end: function* () {
      if (state === 'open')
        yield { line: begins, problem: 'belongs to an array without an end: "]" is missing' };
    },
  };
}

function createRecord() {
  let parts: Uint8Array[] = [];
  let size = 0;
  return {
    isEmpty: () => size === 0,
    add: (part: Uint8Array) => {
      size += part.length;
      if (size <= LONGEST) parts.push(part);
      else parts = [];
    },
    take: (line: number): Piece => {
      const bytes = Buffer.concat(parts);
      const isTooLong = size > LONGEST;
      parts = [];
      size = 0;
      if (isTooLong) return { line, problem: `is longer than ${LONGEST / 1024} KiB` };
      try {
        // Takes a byte order mark away.
        return { line, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
      } catch {
        return { line, problem: 'is not UTF-8' };
      }
    },
  };
}
