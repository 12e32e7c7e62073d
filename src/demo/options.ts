// What the demo app is started with and what its starter gets back.

export interface DemoLog {
  info(o: object, msg: string): void;
  warn(o: object, msg: string): void;
  error(o: object, msg: string): void;
}

export interface DemoOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly baseUrl: string;
  readonly host: string;
  readonly port: number;
  readonly render: (view: string, data: Record<string, unknown>) => string;
  readonly log: DemoLog;
  readonly hint?: string;
}

export interface Demo {
  readonly url: string;
  stop(): Promise<void>;
}
