// Reads the Cookie header the way browsers write it, without taking other names for ours.

/** Everything that was sent under a name, in the order in which it came. */
export function cookieValues(header: string, name: string): readonly string[] {
  return cookiePairs(header)
    .filter(([each]) => each === name)
    .map(([, value]) => value);
}

/**
 * Only spaces are cut off. Browsers let any host of a domain set a cookie whose name begins with
 * another kind of white space; cut that off, and it would read like one with the prefix `__Host-`.
 */
export function cookiePairs(header: string): ReadonlyArray<readonly [name: string, value: string]> {
  return header.split(';').map((pair) => {
    const text = pair.replace(/^ +| +$/g, '');
    const equals = text.indexOf('=');
    return [text.slice(0, Math.max(equals, 0)), text.slice(equals + 1)] as const;
  });
}
