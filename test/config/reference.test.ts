// The page of all options says what the schema says, and names every variable that is read.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '../../src/config/load.ts';
import { configurationReference } from '../../src/config/reference.ts';
import { PROJECT_ROOT } from '../../src/lib/root.ts';

/** Variable → the option it sets, a text for it, and what the option is then. */
const VARIABLES: Readonly<Record<string, readonly [option: string, text: string, value: unknown]>> =
  {
    NODE_ENV: ['env', 'test', 'test'],
    ISSUER: ['issuer', 'https://id.example.com', 'https://id.example.com'],
    HOST: ['host', '192.0.2.1', '192.0.2.1'],
    PORT: ['port', '4000', 4000],
    DATA_DIR: ['data_dir', '/srv/gatehouse', '/srv/gatehouse'],
    DATABASE_URL: ['database_url', 'sqlite:one.sqlite', 'sqlite:one.sqlite'],
    GATEHOUSE_SECRET: ['secret', 's'.repeat(32), 's'.repeat(32)],
    WORKERS: ['workers', '2', 2],
    TRUSTED_PROXIES: ['trusted_proxies', '192.0.2.1', ['192.0.2.1']],
    LOG_LEVEL: ['log_level', 'debug', 'debug'],
    TEST_CLOCK: ['test_clock', '0', false],
    DEMO_PORT: ['demo.port', '4001', 4001],
    SMTP_URL: ['mail.smtp_url', 'smtp://mail.example.com:587', 'smtp://mail.example.com:587'],
    SMS_WEBHOOK_SECRET: ['sms.webhook_secret', 's'.repeat(32), 's'.repeat(32)],
  };

describe('docs/configuration.md', () => {
  it('is what `node src/config/reference.ts` writes', () => {
    const page = readFileSync(join(PROJECT_ROOT, 'docs/configuration.md'), 'utf8');
    expect(page).to.equal(configurationReference());
  });

  for (const [variable, [option, text, value]] of Object.entries(VARIABLES)) {
    it(`names ${variable}, which sets ${option}`, () => {
      const config = loadConfig({ NODE_ENV: 'test', [variable]: text });
      expect(config).to.have.nested.property(option).that.deep.equals(value);
      expect(configurationReference()).to.match(
        new RegExp(`^\\| \`${option.replace('.', '\\.')}\` \\| [^|]*\`${variable}\``, 'm'),
      );
    });
  }

  it('names no variable that nothing reads', () => {
    const named = configurationReference().matchAll(/^\| `[^|]+` \| (`[A-Z_`, ]+`) \|/gm);
    const variables = [...named].flatMap(([, cell = '']) => cell.replaceAll('`', '').split(', '));
    const files = ['GATEHOUSE_SECRET_FILE', 'SMTP_URL_FILE', 'SMS_WEBHOOK_SECRET_FILE'];
    expect(variables).to.have.members([...Object.keys(VARIABLES), ...files]);
  });
});
