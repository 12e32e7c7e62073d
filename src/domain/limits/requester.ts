// Who stands at a door: where the request comes from, and what its browser says of itself.

export interface Fingerprint {
  /** The client's network address. */
  readonly address: string;
  readonly userAgent: string;
}

export interface Requester extends Fingerprint {
  /** The cookie of known browsers as it was sent: anybody may have written it. */
  readonly browser: string | undefined;
  /** The cookies of trusted devices as they were sent, by the end of their names. */
  readonly devices: ReadonlyMap<string, string>;
  /** It asks in the place of a person, and keeps no cookies. */
  readonly application?: CallingApplication;
}

export interface CallingApplication {
  readonly clientId: string;
  /** The keyed hash of the `device_token` that it sent, for this application. */
  readonly device: string | undefined;
}
