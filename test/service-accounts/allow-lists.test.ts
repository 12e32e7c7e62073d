// What a service account may ask for: only what is configured, and said in words where it is not.
import { expect } from 'chai';
import { isGatehouseError } from '../../src/lib/errors.ts';
import { type AllowLists, readAllowLists } from '../../src/service-accounts/allow-lists.ts';

const OWN = 'https://id.example.com/api';
const FILES = 'https://files.example.com/';
const MAILS = 'https://mails.example.com/';
const api = (identifier: string, scopes: string[]) => ({
  identifier,
  scopes,
  signing_alg: 'RS256' as const,
  token_format: 'jwt' as const,
});
const APIS = {
  issuer: 'https://id.example.com',
  attributes: [],
  resources: [api(FILES, ['read', 'write']), api(MAILS, ['send', 'read'])],
};

const read = (asked: Partial<AllowLists>, apis = APIS) => readAllowLists(asked, apis);

function whyNot(asked: Partial<AllowLists>, apis = APIS): string {
  try {
    return JSON.stringify(read(asked, apis));
  } catch (error) {
    expect(isGatehouseError(error, 'invalid_input')).to.equal(true);
    return (error as Error).message;
  }
}

/** What a refusal ends with. */
const cureBy = (identifier: string, scopes: string) =>
  `To have it, put { "identifier": "${identifier}", "scopes": [${scopes}] } into "resources" of the file that GATEHOUSE_CONFIG names, for the server and for this command.`;

describe('the lists of a service account', () => {
  it('are our own API, no scope, and any address, where nothing is said', () => {
    const nothing = { resources: [OWN], scopes: [], addresses: [] };
    expect(read({})).to.deep.equal(nothing);
    expect(read({ resources: [], scopes: [], addresses: [] })).to.deep.equal(nothing);
  });

  it('hold each entry once, addresses in one spelling', () => {
    const asked = {
      resources: [FILES, MAILS, FILES],
      scopes: ['read', 'send', 'read'],
      addresses: ['10.1.2.3/8', '10.0.0.0/8', ' 192.0.2.7 ', '2001:DB8::/32'],
    };
    expect(read(asked)).to.deep.equal({
      resources: [FILES, MAILS],
      scopes: ['read', 'send'],
      addresses: ['10.0.0.0/8', '192.0.2.7/32', '2001:db8:0:0:0:0:0:0/32'],
    });
  });

  it('know our own API as it is configured', () => {
    const apis = { ...APIS, resources: [api(OWN, ['deploy'])] };
    expect(read({ scopes: ['deploy'] }, apis)).to.deep.include({ resources: [OWN] });
    expect(whyNot({ resources: [FILES] }, apis)).to.equal(
      `No resource "${FILES}" is configured. There are: "${OWN}". ${cureBy(FILES, '')}`,
    );
  });

  for (const resource of ['https://other.example.com/', FILES.slice(0, -1), `${FILES}x`, '']) {
    it(`know no resource "${resource}"`, () => {
      expect(whyNot({ resources: [FILES, resource] })).to.equal(
        `No resource "${resource}" is configured. There are: "${FILES}", "${MAILS}", "${OWN}". ${cureBy(resource, '')}`,
      );
    });
  }

  it('know only scopes of the resources that they name', () => {
    expect(whyNot({ resources: [FILES], scopes: ['read', 'send'] })).to.equal(
      `No scope "send" is configured for "${FILES}". There are: "read", "write". ${cureBy(FILES, '"read", "write", "send"')}`,
    );
    expect(whyNot({ scopes: ['read', 'send'] })).to.equal(
      `No scope "read", "send" is configured for "${OWN}". It has none. ${cureBy(OWN, '"read", "send"')}`,
    );
  });

  it('say what makes them known', () => {
    const asked = { resources: [FILES], scopes: ['send', 'read'] };
    const { identifier, scopes } = JSON.parse(/put (\{.*\}) into/.exec(whyNot(asked))?.[1] ?? '');
    const others = APIS.resources.filter((each) => each.identifier !== identifier);
    const apis = { ...APIS, resources: [...others, api(identifier, scopes)] };
    expect(read(asked, apis)).to.deep.include(asked);
  });

  for (const scope of ['openid', 'profile', 'email', 'offline_access']) {
    it(`know no scope "${scope}": a machine is no person`, () => {
      expect(whyNot({ scopes: [scope] })).to.equal(
        `The scope "${scope}" asks about a person, and a service account is none.`,
      );
      const apis = { ...APIS, resources: [api(OWN, [scope])] };
      expect(whyNot({ scopes: [scope] }, apis)).to.include('asks about a person');
    });
  }

  for (const text of ['localhost', '10.0.0.0/33', '10', '', '10.0.0.*', 'fe80::1%eth0']) {
    it(`know no address "${text}"`, () => {
      expect(whyNot({ addresses: ['10.0.0.0/8', text] })).to.equal(
        `"${text}" is no address range: try "192.0.2.0/24" or "2001:db8::/32".`,
      );
    });
  }
});
