// Whether this machine and those of the nodes have the time of the database.
import { CURE, describeSkew, TOLERATED } from '../domain/nodes/clock-skew.ts';
import { machineTime } from '../lib/clock.ts';
import type { Look } from '../look.ts';
import { isHeard } from '../store/nodes.ts';

export async function checkClocks({ store, nodeTable, clockSkew }: Look): Promise<string> {
  if (store.dialect !== 'pg') return 'one machine, one clock';
  const all = (await nodeTable.list()).filter((node) => isHeard(node, machineTime()));
  const off = [
    ...(Math.abs(clockSkew()) > TOLERATED ? [describeSkew(clockSkew())] : []),
    ...all
      .filter((node) => Math.abs(node.clockSkew) > TOLERATED)
      .map(({ id, clockSkew: skew }) => describeSkew(skew, `the clock of ${id}`)),
  ];
  if (off.length > 0) throw new Error(`${off.join('; ')}. ${CURE}.`);
  return `${all.length} nodes and this machine are within ${TOLERATED / 1000} s of the database`;
}
