// Named values that all processes share.
import { defineColumns, optional, text } from './columns.ts';
import type { Store } from './store.ts';

export interface SettingTable {
  find(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
  /** The first value of all processes stays. */
  setOnce(name: string, value: string): Promise<void>;
  /** Unless there is a value that does not sort before the text `before`. */
  setIfBefore(name: string, value: string, before: string): Promise<void>;
}

const VALUE = defineColumns({ value: optional(text('value')) });

export function createSettingTable(store: Store): SettingTable {
  const byName = store.prepare<{ name: string }>((p, sql) =>
    sql('settings').where({ name: p.name }).select('value'),
  );
  const upsert = store.prepare<{ name: string; value: string }>((p, sql) =>
    sql('settings').insert({ name: p.name, value: p.value }).onConflict('name').merge(['value']),
  );
  const find = async (name: string) => VALUE.read((await store.find(byName({ name }))) ?? {}).value;
  return {
    find,
    set: (name, value) => store.write(upsert({ name, value })),
    setIfBefore: (name, value, before) =>
      store.write(
        store.compile(
          store
            .sql('settings')
            .insert({ name, value })
            .onConflict('name')
            .merge(['value'])
            .where('settings.value', '<', before),
        ),
      ),
    setOnce: (name, value) =>
      store.write(
        store.compile(store.sql('settings').insert({ name, value }).onConflict('name').ignore()),
      ),
  };
}
