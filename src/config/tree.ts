// Configuration as it is read: nested objects, addressed by paths such as `mail.smtp_url`.

export type Tree = { [key: string]: unknown };

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Copies `source` into `target`, key by key; lists and values replace, objects merge. */
export function merge(target: Tree, source: Tree): void {
  for (const [key, value] of Object.entries(source)) {
    if (key === '__proto__') continue;
    const here = target[key];
    if (isTree(here) && isTree(value)) merge(here, value);
    else target[key] = structuredClone(value);
  }
}

export function setAt(tree: Tree, path: string, value: unknown): void {
  const [head = '', ...rest] = path.split('.');
  if (rest.length === 0) {
    tree[head] = value;
    return;
  }
  const inner = tree[head];
  const next = isTree(inner) ? inner : {};
  tree[head] = next;
  setAt(next, rest.join('.'), value);
}

/** Removes the value at a path. @returns it; undefined where there was none */
export function takeAt(tree: Tree, path: string): unknown {
  const [head = '', ...rest] = path.split('.');
  const inner = tree[head];
  if (rest.length > 0) return isTree(inner) ? takeAt(inner, rest.join('.')) : undefined;
  delete tree[head];
  return inner;
}
