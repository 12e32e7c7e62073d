// What pages say about an application.
import type { ClientModel } from '../types.ts';

export interface ClientOnPage {
  readonly name: string;
  readonly uri: string | undefined;
}

export function clientOnPage(client: ClientModel): ClientOnPage;
export function clientOnPage(client: ClientModel | undefined): ClientOnPage | undefined;
export function clientOnPage(client: ClientModel | undefined): ClientOnPage | undefined {
  return client && { name: client.clientName ?? client.clientId, uri: client.clientUri };
}

/** Where people can start a new sign-in at this application. */
export function startUrlOf(client: ClientModel | undefined): string | undefined {
  return client?.initiateLoginUri ?? client?.clientUri;
}
