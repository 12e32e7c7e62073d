// Addresses of others, which come back byte for byte: a parser would write them its own way.

/** `?/login` stays what it is: nobody else's query is read, encoded or put in order. */
export function withQuery(uri: string, parameters: Readonly<Record<string, string>>): string {
  const more = new URLSearchParams(parameters).toString();
  if (more === '') return uri;
  if (!uri.includes('?')) return `${uri}?${more}`;
  return /[?&]$/.test(uri) ? `${uri}${more}` : `${uri}&${more}`;
}

export function withFragment(uri: string, parameters: Readonly<Record<string, string>>): string {
  return `${uri}#${new URLSearchParams(parameters)}`;
}

/** What a header can hold. One that was registered long ago may hold more. */
export function forHeader(uri: string): string {
  return /^[\x21-\x7e]+$/.test(uri) ? uri : (URL.parse(uri)?.href ?? encodeURI(uri));
}
