// Whom a client's assertions may name: the issuer, or the token endpoint, too.

export const CLIENT_ASSERTION_AUDIENCES = ['issuer', 'token_endpoint'] as const;
export type ClientAssertionAudience = (typeof CLIENT_ASSERTION_AUDIENCES)[number];
