// Values that belong to one request: kept in Koa's `ctx.state`, where nothing that is sent can put them.

/** A request's context, of whichever framework version made it. */
interface Stateful {
  readonly state: object;
}

export interface PerRequest<T> {
  get(ctx: Stateful | undefined): T | undefined;
  set(ctx: Stateful, value: T): void;
}

/** @param name what a debugger shows */
export function perRequest<T>(name: string): PerRequest<T> {
  const key: unique symbol = Symbol(name);
  const slotOf = ({ state }: Stateful): { [key]?: T } => state;
  return {
    get: (ctx) => ctx && slotOf(ctx)[key],
    set: (ctx, value) => {
      slotOf(ctx)[key] = value;
    },
  };
}
