// Accounts: making and finding.
import { now } from '../../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../../lib/errors.ts';
import { accountId } from '../../lib/ids.ts';
import { walkPages } from '../../lib/pagination.ts';
import type {
  Account,
  AccountRole,
  AccountTable as AccountStore,
  AttributeValues,
} from '../../store/accounts.ts';
import type { AccountVersion } from '../../store/current-account.ts';
import type { Unit } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import type { Hashing } from '../passwords/hashing.ts';
import type { PasswordPolicy } from '../passwords/policy.ts';
import { isEmail, normalizedEmail } from './emails.ts';

export interface NewAccountRequest {
  readonly email: string;
  readonly name?: string | undefined;
  readonly role?: AccountRole;
  readonly password?: string | undefined;
  readonly emailVerified?: boolean | undefined;
  readonly attributes?: AttributeValues | undefined;
}

export interface Accounts {
  /** Throws `invalid_input`, `password_unmet` (its details are the rules) and `already_exists`. */
  /** @param also joins the unit that makes it */
  create(request: NewAccountRequest, also?: (made: AccountVersion) => Unit): Promise<Account>;
  find(id: string): Promise<Account | undefined>;
  /** By id or by e-mail address in any spelling; throws `unknown_account`. */
  get(idOrEmail: string): Promise<Account>;
  findByEmail(email: string): Promise<Account | undefined>;
  /** Those whose mailbox belongs to an older account, so that no address finds them. */
  duplicates(): Promise<Account[]>;
  /** Yields all accounts, page by page. */
  list(): AsyncGenerator<Account>;
}

const FIRST_GENERATION = 1;

interface AccountNeeds {
  readonly hashing: Hashing;
  readonly passwords: PasswordPolicy;
  readonly audit: Audit;
}

export function createAccounts(
  store: Store,
  accountTable: AccountStore,
  { hashing, passwords, audit }: AccountNeeds,
): Accounts {
  const findByEmail = (email: string) => accountTable.findByNormalizedEmail(normalizedEmail(email));

  const create: Accounts['create'] = async (request, also = () => []) => {
    const email = request.email.trim();
    if (!isEmail(email)) {
      throw new GatehouseError('invalid_input', {
        message: `"${email}" is not a valid email address.`,
      });
    }
    const id = accountId();
    const { password } = request;
    if (password !== undefined) assertMeets(passwords, password, request);
    const role = request.role ?? 'user';
    const row = accountTable.insert({
      id,
      email,
      normalizedEmail: normalizedEmail(email),
      name: request.name,
      role,
      passwordHash: password === undefined ? undefined : await hashing.hash(password),
      knownPolicyVersion: password === undefined ? undefined : passwords.newest,
      emailVerified: request.emailVerified ?? false,
      attributes: request.attributes,
      at: now(),
    });
    const recorded = audit.record({ kind: 'account.created', accountId: id, detail: { role } });
    const unit = [row, recorded, ...also({ id, generation: FIRST_GENERATION })];
    await store.write(...unit).catch((error: unknown) => {
      const message = `An account with the email address ${email} already exists.`;
      throw isGatehouseError(error, 'already_exists')
        ? new GatehouseError('already_exists', { message, cause: error })
        : error;
    });
    return getById(accountTable, id);
  };

  return {
    create,
    find: (id) => accountTable.find(id),
    findByEmail,
    duplicates: accountTable.duplicates,
    get: async (idOrEmail) => {
      const account = idOrEmail.includes('@')
        ? await findByEmail(idOrEmail)
        : await accountTable.find(idOrEmail);
      if (account) return account;
      throw new GatehouseError('unknown_account', {
        message: `No account found for "${idOrEmail}".`,
      });
    },
    list: () => walkPages(accountTable.list),
  };
}

function assertMeets(passwords: PasswordPolicy, password: string, owner: NewAccountRequest): void {
  const { met, rules } = passwords.checkPassword(password, owner);
  const details = rules.filter((each) => !each.met).map(({ rule }) => rule);
  if (!met) throw new GatehouseError('password_unmet', { details });
}

async function getById(accountTable: AccountStore, id: string): Promise<Account> {
  const account = await accountTable.find(id);
  if (!account) throw new GatehouseError('unknown_account');
  return account;
}
