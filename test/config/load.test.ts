// The configuration: what it is without a word, and every mistake in one report.
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError, type Environment, loadConfig } from '../../src/config/load.ts';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { runCommand } from '../support/processes.ts';

const SECRET = 'a-master-key-of-more-than-32-characters';
const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://id.example.com',
  GATEHOUSE_SECRET: SECRET,
};

function mistakesOf(env: Environment): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError);
    return (error as ConfigError).mistakes;
  }
  return [];
}

describe('configuration', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-config-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const file = (text: string, name = 'extra.json'): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  describe('without a word', () => {
    it('is development: this machine only, the demo, quiet', () => {
      const config = loadConfig({});
      expect(config).to.deep.include({
        env: 'development',
        host: '127.0.0.1',
        port: 3000,
        issuer: 'http://localhost:3000',
        data_dir: 'data',
        log_level: 'warn',
        test_clock: false,
        trusted_proxies: [],
        workers: 1,
      });
      expect(config.demo).to.deep.equal({ enabled: true, port: 3001 });
      expect(config).to.not.have.any.keys(['secret', 'database_url']);
    });

    it('is itself under test, without the demo', () => {
      const config = loadConfig({ NODE_ENV: 'test' });
      expect(config).to.include({ env: 'test', host: '127.0.0.1', log_level: 'error' });
      expect(config.demo.enabled).to.equal(false);
    });

    it('in production listens to all, has no demo and reaches no private address', () => {
      const config = loadConfig(PRODUCTION);
      expect(config).to.include({ env: 'production', host: '0.0.0.0', log_level: 'info' });
      expect(config.demo.enabled).to.equal(false);
      expect(config.outgoing.allow_private).to.equal(false);
    });

    it('keeps the lifetimes of the contract', () => {
      const day = 86_400;
      expect(loadConfig(PRODUCTION).ttl).to.include({
        access_token: 15 * 60,
        id_token: 3600,
        code: 60,
        refresh_token: 7 * day,
        session: 14 * day,
        offline_family: 90 * day,
        sign_in: 15 * 60,
      });
    });

    it('takes an empty variable as none', () => {
      const empty = { NODE_ENV: '', PORT: '', ISSUER: '', DATABASE_URL: '', GATEHOUSE_CONFIG: '' };
      expect(loadConfig(empty)).to.deep.equal(loadConfig({}));
    });
  });

  it('reads every variable', () => {
    const config = loadConfig({
      ...{ HOST: '::1', PORT: '8080', DATA_DIR: '/srv/gatehouse', WORKERS: '4' },
      ...{ LOG_LEVEL: 'debug', TEST_CLOCK: '1', DEMO_PORT: '8081', GATEHOUSE_SECRET: SECRET },
      TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      DATABASE_URL: 'postgres://somebody@db.example.com/gatehouse',
    });
    expect(config).to.deep.include({
      ...{ host: '::1', port: 8080, data_dir: '/srv/gatehouse', workers: 4, log_level: 'debug' },
      ...{ test_clock: true, secret: SECRET, issuer: 'http://localhost:8080' },
      trusted_proxies: ['10.0.0.0/8', '::1'],
      database_url: 'postgres://somebody@db.example.com/gatehouse',
    });
    expect(config.demo.port).to.equal(8081);
  });

  it('gives the issuer no port where it is the usual one', () => {
    expect(loadConfig({ PORT: '80' }).issuer).to.equal('http://localhost');
  });

  it('reports five mistakes at once, each by its name', () => {
    const mistakes = mistakesOf({
      PORT: 'none',
      LOG_LEVEL: 'loud',
      TEST_CLOCK: 'maybe',
      DATABASE_URL: 'mysql://db.example.com/x',
      GATEHOUSE_CONFIG: file('{"ttl": {"code": 0}}'),
    });
    expect(mistakes).to.have.length(5);
    for (const name of ['PORT', 'LOG_LEVEL', 'TEST_CLOCK', 'DATABASE_URL', 'ttl.code']) {
      expect(
        mistakes.filter((line) => line.startsWith(name)),
        name,
      ).to.have.length(1);
    }
  });

  it('reads a setting under its old name, and refuses it under both', async () => {
    const old = file('{"password": {"refusal_floor": 700}}', 'old.json');
    const warned = once(process, 'warning');
    expect(loadConfig({ GATEHOUSE_CONFIG: old }).password.refusal_min_ms).to.equal(700);
    const [{ message }] = await warned;
    expect(message).to.match(/old\.json: password\.refusal_floor is now called .*refusal_min_ms$/);
    const both = file('{"password": {"refusal_floor": 700, "refusal_min_ms": 1}}', 'both.json');
    expect(mistakesOf({ GATEHOUSE_CONFIG: both })).to.deep.equal([
      `${both}: password.refusal_floor is now called password.refusal_min_ms; remove the old one`,
    ]);
  });

  it('is reported by a command as it stands, one mistake a line', async () => {
    const database = { dataDir: join(folder, 'never'), url: undefined, remove: () => undefined };
    const env = { PORT: '99999', WORKERS: '0', TRUSTED_PROXIES: 'everybody', LOG_LEVEL: 'loud' };
    const result = await runCommand(['serve'], { database, env });
    expect(result).to.include({ code: 1, stdout: '' });
    const [head, ...lines] = result.stderr.trimEnd().split('\n');
    expect(head).to.equal('gatehouse: The configuration has 4 mistakes:');
    const names = lines.map((line) => /^ {2}- (\w+) \(/.exec(line)?.[1]);
    expect(names).to.have.members(Object.keys(env));
    expect(readdirSync(folder)).not.to.include('never');
  });

  const wrong: ReadonlyArray<readonly [env: Environment, mistake: RegExp]> = [
    [{ NODE_ENV: 'staging' }, /^NODE_ENV \(env\): /],
    [{ ISSUER: 'nonsense' }, /^ISSUER \(issuer\): /],
    [{ ISSUER: 'ftp://id.example.com' }, /^ISSUER \(issuer\): /],
    [{ ISSUER: 'https://id.example.com/path' }, /^ISSUER \(issuer\): must be an origin/],
    [{ ISSUER: 'https://id.example.com/' }, /^ISSUER \(issuer\): must be an origin/],
    [{ ISSUER: 'https://id.example.com?x' }, /^ISSUER \(issuer\): must be an origin/],
    [{ ISSUER: 'https://somebody@id.example.com' }, /^ISSUER \(issuer\): must be an origin/],
    [{ PORT: '-1' }, /^PORT \(port\): /],
    [{ PORT: '65536' }, /^PORT \(port\): /],
    [{ PORT: '80.5' }, /^PORT \(port\): /],
    [{ PORT: '0x50' }, /^PORT \(port\): /],
    [{ WORKERS: '0' }, /^WORKERS \(workers\): /],
    [
      { DATABASE_URL: 'postgres://a:b@[c/d' },
      /^DATABASE_URL \(database_url\): the host has one bracket of two/,
    ],
    [{ DATABASE_URL: 'sqlite:' }, /^DATABASE_URL \(database_url\): /],
    [{ TRUSTED_PROXIES: '10.0.0.1, nobody' }, /^TRUSTED_PROXIES \(trusted_proxies\.1\): /],
    [{ GATEHOUSE_SECRET: 'short' }, /^GATEHOUSE_SECRET \(secret\): .*32 characters/],
    [{ SMTP_URL: 'mail.example.com' }, /^SMTP_URL \(mail\.smtp_url\): /],
    [{ SMTP_URL: 'https://mail.example.com' }, /^SMTP_URL \(mail\.smtp_url\): /],
    [{ SMS_WEBHOOK_SECRET: 'short' }, /^SMS_WEBHOOK_SECRET \(sms\.webhook_secret\): .*32/],
    [{ GATEHOUSE_CONFIG: '/nowhere.json' }, /^\/nowhere\.json: ENOENT/],
    [{ TEST_CLOCK: '1', ISSUER: 'http://id.example.com' }, /^TEST_CLOCK: .* loopback/],
    [{ TEST_CLOCK: '1', ISSUER: 'http://localhost.example.com' }, /^TEST_CLOCK: .* loopback/],
    [{ TEST_CLOCK: '1', ISSUER: 'http://127.0.0.1.example.com' }, /^TEST_CLOCK: .* loopback/],
    [{ ...PRODUCTION, GATEHOUSE_SECRET: '' }, /^GATEHOUSE_SECRET .*production/],
    [{ ...PRODUCTION, ISSUER: 'http://id.example.com' }, /^ISSUER: production needs an https/],
    [{ ...PRODUCTION, ISSUER: '' }, /^ISSUER \(issuer\): /],
    [{ ...PRODUCTION, TEST_CLOCK: '1' }, /^TEST_CLOCK: .*never .*production/],
  ];
  for (const [env, mistake] of wrong) {
    const said = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    it(`refuses ${said.join(' ')}`, () => {
      const mistakes = mistakesOf(env);
      expect(mistakes).to.have.length(1);
      expect(mistakes[0]).to.match(mistake);
    });
  }

  it('tells production all that it lacks', () => {
    const env = { NODE_ENV: 'production', TEST_CLOCK: '1', ISSUER: 'http://id.example.com' };
    expect(mistakesOf(env)).to.have.length(3);
  });

  it('takes cheap hashes in tests alone', () => {
    const cheap = file(JSON.stringify({ hashing: { memory: 19_455, passes: 1 } }));
    expect(mistakesOf({ NODE_ENV: 'test', GATEHOUSE_CONFIG: cheap })).to.deep.equal([]);
    for (const env of [{ NODE_ENV: 'development' }, PRODUCTION]) {
      expect(mistakesOf({ ...env, GATEHOUSE_CONFIG: cheap })).to.deep.equal([
        'hashing.memory: 19456 is the least outside of tests',
        'hashing.passes: 2 is the least outside of tests',
      ]);
    }
  });

  it('takes the test clock on any loopback address', () => {
    for (const ISSUER of ['http://localhost:1', 'http://127.1.2.3:1', 'http://[::1]:1']) {
      expect(loadConfig({ TEST_CLOCK: '1', ISSUER }).test_clock).to.equal(true);
    }
  });

  describe('a webhook for text messages', () => {
    const webhook = (url: string) => file(JSON.stringify({ sms: { webhook_url: url } }));

    it('wants a secret that signs its posts', () => {
      const GATEHOUSE_CONFIG = webhook('https://sms.example.com/');
      const [mistake, ...more] = mistakesOf({ GATEHOUSE_CONFIG });
      expect(mistake).to.match(/^SMS_WEBHOOK_SECRET \(or SMS_WEBHOOK_SECRET_FILE\): /);
      expect(more).to.deep.equal([]);
      expect(mistakesOf({ GATEHOUSE_CONFIG, SMS_WEBHOOK_SECRET: SECRET })).to.deep.equal([]);
    });

    it('is https in production', () => {
      const env = { GATEHOUSE_CONFIG: webhook('http://sms.example.com/') };
      const given = { ...env, SMS_WEBHOOK_SECRET: SECRET };
      expect(mistakesOf(given)).to.deep.equal([]);
      expect(mistakesOf({ ...PRODUCTION, ...given })).to.deep.equal([
        'sms.webhook_url: production needs an https address',
      ]);
    });
  });

  it('reads the other secrets from files, too', () => {
    const url = 'smtps://mailer:secret@mail.example.com';
    const config = loadConfig({
      SMTP_URL_FILE: file(`${url}\n`, 'smtp'),
      SMS_WEBHOOK_SECRET_FILE: file(`${SECRET}\n`, 'sms'),
    });
    expect(config.mail.smtp_url).to.equal(url);
    expect(config.sms.webhook_secret).to.equal(SECRET);
    const both = { SMTP_URL: url, SMTP_URL_FILE: file(url, 'smtp') };
    expect(mistakesOf(both)).to.deep.equal([
      'SMTP_URL and SMTP_URL_FILE are both set: set one of them',
    ]);
  });

  describe('the master key from a file', () => {
    it('is read without the newline behind it', () => {
      const GATEHOUSE_SECRET_FILE = file(`${SECRET}\n`, 'secret');
      const config = loadConfig({ ...PRODUCTION, GATEHOUSE_SECRET: '', GATEHOUSE_SECRET_FILE });
      expect(config.secret).to.equal(SECRET);
    });

    it('is refused beside GATEHOUSE_SECRET', () => {
      const env = { ...PRODUCTION, GATEHOUSE_SECRET_FILE: file(SECRET, 'secret') };
      expect(mistakesOf(env)).to.deep.equal([
        'GATEHOUSE_SECRET and GATEHOUSE_SECRET_FILE are both set: set one of them',
      ]);
    });

    it('is named when it is missing, empty or short', () => {
      const [missing] = mistakesOf({ GATEHOUSE_SECRET_FILE: join(folder, 'missing') });
      expect(missing).to.match(/^GATEHOUSE_SECRET_FILE: ENOENT/);
      for (const text of ['', '\n', 'short']) {
        const [short] = mistakesOf({ GATEHOUSE_SECRET_FILE: file(text, 'secret') });
        expect(short).to.match(/^GATEHOUSE_SECRET \(secret\): .*32 characters/);
      }
    });
  });

  describe("a file of one's own", () => {
    const load = (text: string, env: Environment = {}) =>
      loadConfig({ ...env, GATEHOUSE_CONFIG: file(text) });
    const mistakesIn = (text: string) => mistakesOf({ GATEHOUSE_CONFIG: file(text) });

    it('is UTF-8, with a byte order mark or without', () => {
      const text = '{ "product": { "name": "Müller" } }';
      const load8 = loadConfig({ GATEHOUSE_CONFIG: file(`\ufeff${text}`) });
      expect(load8.product.name).to.equal('Müller');
      for (const encoding of ['latin1', 'utf16le'] as const) {
        const path = file('', encoding);
        writeFileSync(path, text, encoding);
        const [mistake] = mistakesOf({ GATEHOUSE_CONFIG: path });
        expect(mistake).to.match(
          /: is (Latin-1 or similar \(line 1\)|UTF-16LE), not UTF-8\. Convert/,
        );
      }
    });

    it('changes what it names and nothing else', () => {
      const { ttl, product, ...rest } = load('{"ttl": {"code": 30}, "product": {"name": "Door"}}');
      const usual = loadConfig({});
      expect(ttl).to.deep.equal({ ...usual.ttl, code: 30 });
      expect(product).to.deep.equal({ name: 'Door' });
      const { ttl: _ttl, product: _product, ...others } = usual;
      expect(rest).to.deep.equal(others);
    });

    it('yields to the environment', () => {
      expect(load('{"port": 1}', { PORT: '2' }).port).to.equal(2);
      expect(load('{"port": 1}').port).to.equal(1);
    });

    it('holds resources, with their defaults', () => {
      const { resources } = load(
        '{"resources": [{"identifier": "https://a.b/", "scopes": ["r"]}]}',
      );
      expect(resources).to.deep.equal([
        { identifier: 'https://a.b/', scopes: ['r'], signing_alg: 'RS256', token_format: 'jwt' },
      ]);
    });

    it('is refused with every mistake in it', () => {
      const text = `{
        "prot": 1, "ttl": {"code": "long", "cod": 1}, "log_level": 3, "demo": 5,
        "resources": [{"identifier": "nonsense", "scopes": ["a b"]}]
      }`;
      const mistakes = mistakesIn(text).join('\n');
      for (const name of ['prot', 'ttl.code', 'cod', 'LOG_LEVEL', 'demo']) {
        expect(mistakes).to.include(name);
      }
      expect(mistakes).to.include('resources.0.identifier').and.include('resources.0.scopes.0');
    });

    it('describes no scope that there is not', () => {
      const more = '"scopes": ["r"], "descriptions": {"r": "Read", "w": "Write"}';
      expect(mistakesIn(`{"resources": [{"identifier": "https://a.b/", ${more}}]}`)).to.deep.equal([
        'resources.0.descriptions.w: is none of its scopes',
      ]);
    });

    it('cannot say which environment it is', () => {
      expect(mistakesIn('{"env": "production"}')).to.deep.equal([
        'env: NODE_ENV alone says it, no file',
      ]);
    });

    it('must be one JSON object', () => {
      for (const text of ['null', '[]', '[1]', '"text"', '5']) {
        expect(mistakesIn(text)).to.deep.equal([
          `${join(folder, 'extra.json')}: must hold one JSON object`,
        ]);
      }
    });

    it('is not quoted where it is broken: a secret may stand there', () => {
      const whole = '{"secret": "geheimgeheim"}';
      const broken = [whole.replace(': "', ': '), whole.replace('"}', ''), `${whole}}`, ''];
      for (const text of [...broken, whole.replace('{', '{{'), whole.replaceAll('"', "'")]) {
        const [mistake = '', ...others] = mistakesIn(text);
        expect(mistake).to.match(/extra\.json: .*not valid JSON$/);
        expect(mistake.replace(folder, '')).not.to.match(/ehe|secret|eim/);
        expect(others).to.deep.equal([]);
      }
    });

    it('reaches no prototype', () => {
      load('{"__proto__": {"polluted": true}}');
      expect({}).not.to.have.property('polluted');
      expect(mistakesIn('{"constructor": {"prototype": {"polluted": true}}}')).to.have.length(1);
      expect({}).not.to.have.property('polluted');
    });
  });

  it('has nothing in its own files that the schema does not know', () => {
    const names = readdirSync(join(PROJECT_ROOT, 'config'));
    expect(names).to.have.members([
      'default.json',
      ...['development', 'test', 'production'].map((name) => `${name}.json`),
    ]);
    for (const NODE_ENV of ['development', 'test', 'production']) {
      expect(mistakesOf({ ...PRODUCTION, NODE_ENV })).to.deep.equal([]);
    }
  });
});
