// Walks through a long list, page by page.

export interface Listed {
  readonly id: string;
}

/** @param load gives at most `limit` rows in the order of their ids, those after `after` */
export async function* walkPages<T extends Listed>(
  load: (limit: number, after?: string) => Promise<T[]>,
  limit = 500,
): AsyncGenerator<T> {
  let after: string | undefined;
  for (;;) {
    const page = await load(limit, after);
    yield* page;
    if (page.length < limit) return;
    after = page.at(-1)?.id;
  }
}
