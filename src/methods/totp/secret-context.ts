// What a sealed secret is bound to: in the row of another account it cannot be opened.

export function secretContext(accountId: string): string {
  return `authenticator ${accountId}`;
}
