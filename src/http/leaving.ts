// Whether this process is about to stop: its health says so while it still serves.

export interface Leaving {
  readonly hasBegun: () => boolean;
  begin(): void;
}

export function createLeaving(): Leaving {
  let begun = false;
  return {
    hasBegun: () => begun,
    begin: () => {
      begun = true;
    },
  };
}
