// What an account may say about its person: OpenID Connect Core 1.0, 5.1, and lists for applications.

export const ATTRIBUTE_TYPES = ['string', 'number', 'boolean', 'list', 'date'] as const;
export type AttributeType = (typeof ATTRIBUTE_TYPES)[number] | 'url' | 'address';

export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  /** Applications that are granted this scope read it. */
  readonly scope: string;
  /** How applications call it. */
  readonly claim: string;
  /** What people read; standard ones stand in the catalogue. */
  readonly label?: string | undefined;
  readonly editable_by: 'person' | 'operator';
}

const person = (scope: string, type: AttributeType, ...names: readonly string[]): Attribute[] =>
  names.map((name) => ({ name, type, scope, claim: name, editable_by: 'person' }));

/** `name`, `email` and `email_verified` are columns of the account, not attributes. */
export const STANDARD_ATTRIBUTES: readonly Attribute[] = [
  ...person('profile', 'string', 'given_name', 'family_name', 'middle_name', 'nickname'),
  ...person('profile', 'string', 'preferred_username', 'gender', 'zoneinfo', 'locale'),
  ...person('profile', 'url', 'profile', 'picture', 'website'),
  ...person('profile', 'date', 'birthdate'),
  ...person('phone', 'string', 'phone_number'),
  ...person('address', 'address', 'address'),
  { name: 'roles', type: 'list', scope: 'roles', claim: 'roles', editable_by: 'operator' },
  { name: 'groups', type: 'list', scope: 'groups', claim: 'groups', editable_by: 'operator' },
];

/** Scope → claims that are no attributes. Every ID token says when, how and where somebody signed in. */
export const FIXED_CLAIMS: Readonly<Record<string, readonly string[]>> = {
  openid: ['sub', 'sid', 'auth_time', 'acr', 'amr'],
  profile: ['name', 'updated_at'],
  email: ['email', 'email_verified'],
};
