// UTF-8 and what is mistaken for it: text in another encoding is named, never guessed at.

const LF = 0x0a;

/** Longest first: the mark of UTF-32 LE begins with that of UTF-16 LE. */
const MARKS: ReadonlyArray<readonly [bytes: readonly (number | 'any')[], encoding: string]> = [
  [[0xff, 0xfe, 0, 0], 'UTF-32LE'],
  [[0, 0, 0xfe, 0xff], 'UTF-32BE'],
  [['any', 0, 0, 0], 'UTF-32LE'],
  [[0, 0, 0, 'any'], 'UTF-32BE'],
  [[0xff, 0xfe], 'UTF-16LE'],
  [[0xfe, 0xff], 'UTF-16BE'],
  // Without a mark: the texts that are read here begin with a character of ASCII.
  [['any', 0], 'UTF-16LE'],
  [[0, 'any'], 'UTF-16BE'],
];
const LONGEST_MARK = 4;

function isMarkedBy(bytes: Uint8Array, mark: readonly (number | 'any')[]): boolean {
  const isLongEnough = bytes.length >= mark.length;
  return (
    isLongEnough &&
    mark.every((each, at) => (each === 'any' ? bytes[at] !== 0 : each === bytes[at]))
  );
}

function findMark(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'is compressed by gzip. Unpack it first';
  const encoding = MARKS.find(([mark]) => isMarkedBy(bytes, mark))?.[1];
  return encoding && otherEncoding(`is ${encoding}`, encoding);
}

const otherEncoding = (is: string, name: string) =>
  `${is}, not UTF-8. Convert it first: iconv -f ${name} -t UTF-8`;

/** Of bytes that are no UTF-8: Windows-1252 is Latin-1 with characters at 80 to 9F. */
function nameBytes(bytes: Uint8Array, line: number): string {
  const rest = new TextDecoder().decode(bytes).replaceAll('\ufffd', '');
  if (/[^\p{ASCII}]/u.test(rest)) return `has broken UTF-8 on line ${line}. Export it again`;
  const isWindows = bytes.some((byte) => byte >= 0x80 && byte <= 0x9f);
  const [is, name] = isWindows ? ['Windows-1252', 'WINDOWS-1252'] : ['Latin-1', 'ISO-8859-1'];
  return otherEncoding(`is ${is} or similar (line ${line})`, name);
}

export interface EncodingCheck {
  /** Why the bytes so far are no UTF-8, to be read after "the file". */
  push(chunk: Uint8Array): string | undefined;
  end(): string | undefined;
}

export function createEncodingCheck(): EncodingCheck {
  let start: Uint8Array = new Uint8Array();
  let line = 1;
  let decoder = strict();
  let unfinished: Uint8Array = new Uint8Array();
  const findFlaw = (part: Uint8Array, isWhole: boolean) =>
    isDecoded(decoder, part, isWhole)
      ? undefined
      : nameBytes(part.length === 0 ? unfinished : part, line);
  return {
    push: (chunk) => {
      if (start.length < LONGEST_MARK) {
        start = Buffer.concat([start, chunk.subarray(0, LONGEST_MARK)]);
      }
      let flaw = findMark(start);
      for (const part of linesIn(chunk)) {
        const isWhole = part.at(-1) === LF;
        flaw ??= findFlaw(part, isWhole);
        if (flaw) return flaw;
        unfinished = part;
        if (!isWhole) continue;
        line += 1;
        decoder = strict();
      }
      return flaw;
    },
    end: () => findFlaw(new Uint8Array(), true),
  };
}

const strict = () => new TextDecoder('utf-8', { fatal: true });

function isDecoded(
  decoder: ReturnType<typeof strict>,
  bytes: Uint8Array,
  isWhole: boolean,
): boolean {
  try {
    decoder.decode(bytes, { stream: !isWhole });
    return true;
  } catch {
    return false;
  }
}

/** Each with the LF at its end; the last one may go on in the next chunk. */
function* linesIn(chunk: Uint8Array): Generator<Uint8Array> {
  let from = 0;
  while (from < chunk.length) {
    const end = chunk.indexOf(LF, from);
    const next = end === -1 ? chunk.length : end + 1;
    yield chunk.subarray(from, next);
    from = next;
  }
}

/** Without a byte order mark. @throws where it is no UTF-8, to be read after the file's name */
export function decodeUtf8(bytes: Uint8Array): string {
  const check = createEncodingCheck();
  const flaw = check.push(bytes) ?? check.end();
  if (flaw) throw new Error(flaw);
  return strict().decode(bytes);
}
