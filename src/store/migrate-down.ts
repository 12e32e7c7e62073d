// Takes changes of the tables back, one by one, and says before what is lost with them.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { machineTime } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import { migrating, settings } from './migrate.ts';
import {
  appliedIn,
  type DatabaseAddress,
  load,
  type Migration,
  ownMigrations,
  reading,
} from './migrations.ts';
import { BEAT, isHeard, NODES, type NodeRow, toNode } from './nodes.ts';

/** A table, or a column of one that stays, with the rows that have something there. */
export interface Loss {
  readonly table: string;
  readonly column?: string;
  readonly rows: number;
}

export interface DownPlan {
  /** The newest first. */
  readonly taken_back: readonly string[];
  readonly lost: readonly Loss[];
}

/** In the place of a name: nothing stays. */
export const NOTHING = 'nothing';

/**
 * What `migrateDown` would do. Changes nothing.
 * @param to the newest migration that stays; the one before the last when undefined
 */
export async function planDown(address: DatabaseAddress, to?: string): Promise<DownPlan> {
  const plan = await reading(address, async (knex) => {
    const back = chosen(await appliedIn(knex), to);
    return { taken_back: back.map(({ name }) => name), lost: await lossOf(knex, back) };
  });
  return plan ?? { taken_back: [], lost: [] };
}

/** Each in a transaction of its own. @returns the names of what was taken back */
export async function migrateDown(address: DatabaseAddress, to?: string): Promise<string[]> {
  return migrating(address, async (knex) => {
    const done: string[] = [];
    for (const { name } of chosen(await appliedIn(knex), to)) {
      await knex.migrate.down({ ...settings(), name } as Knex.MigratorConfig);
      done.push(name);
    }
    return done;
  });
}

/** The newest first. */
function chosen(applied: readonly string[], to: string | undefined): Migration[] {
  const stays = to === undefined ? applied.length - 2 : placeOf(to, applied);
  const own = new Map(ownMigrations().map((each) => [each.name, each]));
  return applied
    .slice(stays + 1)
    .toReversed()
    .map((name) => own.get(name) ?? refuseUnknown(name));
}

function placeOf(to: string, applied: readonly string[]): number {
  if (to === NOTHING) return -1;
  const place = applied.findIndex((name) => name === to || name.startsWith(`${to}-`));
  if (place !== -1) return place;
  const message = `No migration "${to}" is applied: name one of ${applied.join(', ')}, or ${NOTHING}.`;
  throw new GatehouseError('invalid_input', { message });
}

function refuseUnknown(name: string): never {
  const message = `The migration ${name} is of a newer release: take it back with that one.`;
  throw new GatehouseError('store_newer', { message });
}

/** Tables and their columns. */
type Shape = ReadonlyMap<string, ReadonlySet<string>>;

/** Tried in a transaction that is rolled back: the migrations alone know what they remove. */
async function lossOf(knex: Knex, back: readonly Migration[]): Promise<Loss[]> {
  if (back.length === 0) return [];
  const before = await shapeOf(knex);
  const after = await shapeAfter(knex, back);
  const lost: Loss[] = [];
  for (const [table, columns] of before) {
    const left = after.get(table);
    if (!left) lost.push({ table, rows: await count(knex(table)) });
    for (const column of left ? columns : []) {
      if (left?.has(column)) continue;
      lost.push({ table, column, rows: await count(knex(table).whereNotNull(column)) });
    }
  }
  return lost;
}

async function count(query: Knex.QueryBuilder): Promise<number> {
  const [row] = await query.count({ n: '*' });
  return Number(row?.n);
}

async function shapeAfter(knex: Knex, back: readonly Migration[]): Promise<Shape> {
  const trial = await knex.transaction();
  try {
    for (const migration of back) await (await load(migration)).down(trial);
    return await shapeOf(trial);
  } finally {
    await trial.rollback();
  }
}

const ON_SQLITE = `select t.name as "table", c.name as "column"
  from sqlite_schema t, pragma_table_info(t.name) c
  where t.type = 'table' and t.name not like 'sqlite_%' order by t.name, c.cid`;
const ON_POSTGRES = `select table_name as "table", column_name as "column"
  from information_schema.columns where table_schema = current_schema()
  order by table_name, ordinal_position`;

async function shapeOf(knex: Knex): Promise<Shape> {
  const isPostgres = knex.client.dialect === 'postgresql';
  const found = await knex.raw(isPostgres ? ON_POSTGRES : ON_SQLITE);
  const shape = new Map<string, Set<string>>();
  for (const { table, column } of isPostgres ? found.rows : found) {
    if (/^migrations(_lock)?$/.test(table)) continue;
    shape.set(table, (shape.get(table) ?? new Set()).add(column));
  }
  return shape;
}

/** Servers that use this database now. One that was killed a moment ago takes seconds to tell. */
export async function serversOf(address: DatabaseAddress): Promise<NodeRow[]> {
  const nodes = await readNodes(address);
  const heard = nodes.filter((node) => isHeard(node, machineTime()));
  if (heard.length > 0 || nodes.length === 0) return heard;
  // Clocks may differ: whoever renews its row lives, whatever its time.
  await sleep(BEAT + 500);
  const before = new Map(nodes.map(({ id, seenAt }) => [id, seenAt]));
  return (await readNodes(address)).filter(({ id, seenAt }) => before.get(id) !== seenAt);
}

async function readNodes(address: DatabaseAddress): Promise<NodeRow[]> {
  const rows = await reading(address, async (knex) =>
    (await knex.schema.hasTable(NODES)) ? knex(NODES).orderBy('id') : [],
  );
  return (rows ?? []).map(toNode);
}
