// Whether this process is about to stop: its health says so while it still serves.

export interface Draining {
  readonly hasBegun: () => boolean;
  begin(): void;
}

export function createDraining(): Draining {
  let begun = false;
  return {
    hasBegun: () => begun,
    begin: () => {
      begun = true;
    },
  };
}
