// The table at the end.
import type { Result } from './bench.ts';
import type { Figures } from './experiment.ts';

export function report(results: readonly Result[]): string {
  const head = ['experiment', 'store', 'figures', 'acts', 'unknown', 's', 'seed', 'verdict'];
  const lines = results.map((each) => [
    each.experiment,
    each.store,
    figuresText(each.figures),
    String(each.operations),
    String(each.unknown),
    String(each.seconds),
    String(each.seed),
    each.broken.length === 0 ? 'holds' : 'BROKEN',
  ]);
  const broken = results.flatMap(({ experiment, store, broken: lines }) =>
    lines.map((line) => `${experiment}, ${store}: ${line}`),
  );
  return [table(head, lines), ...broken].join('\n');
}

export function figuresText(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? rounded(value) : value}`)
    .join(', ');
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function table(head: readonly string[], lines: ReadonlyArray<readonly string[]>): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n');
}
