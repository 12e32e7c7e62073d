// The URL of a PostgreSQL database, read as libpq reads it.
import { expect } from 'chai';
import { parsePostgresUrl } from '../../src/lib/postgres-url.ts';

const hosts = (url: string) =>
  parsePostgresUrl(url).hosts.map(({ host, port }) => `${host} ${port}`);
const why = (url: string): string => {
  try {
    parsePostgresUrl(url);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`${url} was read`);
};

describe('the URL of a PostgreSQL database', () => {
  for (const [url, expected] of [
    ['postgres://db.example.com/gatehouse', ['db.example.com 5432']],
    ['postgresql://u:p@db.example.com:6432', ['db.example.com 6432']],
    ['postgres://a:1,b,[::1]:3/db', ['a 1', 'b 5432', '::1 3']],
    ['postgres://%2Fvar%2Frun%2Fpostgresql/db', ['/var/run/postgresql 5432']],
    ['postgres:///db?host=/var/run/postgresql', ['/var/run/postgresql 5432']],
    ['postgres:///db?host=/tmp&port=5433', ['/tmp 5433']],
    ['postgres://u@/db', ['localhost 5432']],
    ['postgres:///db?host=a,b&port=1,2', ['a 1', 'b 2']],
    ['postgres:///db?host=a,b&port=7', ['a 7', 'b 7']],
  ] as const) {
    it(`leads to ${expected.join(' and ')}: ${url}`, () => {
      expect(hosts(url)).to.deep.equal(expected);
    });
  }

  for (const [typed, meant] of [
    ['p%40ss', 'p@ss'],
    ['p@ss', 'p@ss'],
    ['p/w?x#y', 'p/w?x#y'],
    ['a:b%c', 'a:b%c'],
    ['1/2@3', '1/2@3'],
    ['100%25', '100%'],
    ['päß wort', 'päß wort'],
    ['a,b@[c]', 'a,b@[c]'],
  ] as const) {
    it(`takes the password ${typed}`, () => {
      const read = parsePostgresUrl(
        `postgres://me:${typed}@db.example.com:5433/gate?sslmode=disable`,
      );
      expect(read).to.include({
        user: 'me',
        password: meant,
        database: 'gate',
        sslmode: 'disable',
      });
      expect(read.hosts).to.deep.equal([{ host: 'db.example.com', port: 5433 }]);
    });
  }

  for (const [query, mode] of [
    ['', 'prefer'],
    ...['disable', 'allow', 'prefer', 'require', 'verify-full'].map(
      (m) => [`sslmode=${m}`, m] as const,
    ),
    ['sslmode=verify-ca&sslrootcert=/ca.pem', 'verify-ca'],
    ['sslrootcert=system', 'verify-full'],
    ['sslmode=no-verify', 'require'],
    ['ssl=true', 'verify-full'],
  ] as const) {
    it(`means sslmode ${mode}: ?${query}`, () => {
      expect(parsePostgresUrl(`postgres://u:p@h/db?${query}`).sslmode).to.equal(mode);
    });
  }

  for (const [url, says] of [
    ['postgres://u:hidden@h:x1/db', /port isn't a number/],
    ['postgres://u:hidden@h:99999/db', /port must be a number from 1 to 65535/],
    ['postgres://u:hidden@[c/db', /one bracket of two/],
    ['postgres://u:hidden@h/db?sslmode=maybe', /sslmode must be one of disable, allow, prefer/],
    ['postgres://u:hidden@h/db?sslmode=verify-ca', /needs sslrootcert/],
    ['postgres://u:hidden@h/db?sslmode=require&sslrootcert=system', /needs sslmode=verify-full/],
    ['postgres://u:hidden@h/db?sslmod=require', /does not know the parameter "sslmod"/],
    ['postgres://u:hidden@h/db?target_session_attrs=standby', /target_session_attrs must be/],
    ['postgres://u:hidden@a,b/db?port=1,2,3', /2 hosts and 3 ports/],
  ] as const) {
    it(`names the part that is wrong: ${url}`, () => {
      expect(why(url)).to.match(says).and.not.include('hidden');
    });
  }
});
