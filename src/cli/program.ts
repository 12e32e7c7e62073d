// All commands and their options.
import { Command } from 'commander';
import { release } from '../lib/release.ts';
import { accountCommands } from './account.ts';
import { auditCommands } from './audit.ts';
import { clientCommands } from './client.ts';
import { doctorCommand } from './doctor.ts';
import { exemplify } from './examples.ts';
import { explainCommand } from './explain/explain.ts';
import { keysCommands } from './keys.ts';
import { migrateCommand } from './migrate.ts';
import { serveCommand } from './serve.ts';
import { serviceAccountCommands } from './service-account/service-account.ts';

export function createProgram(): Command {
  const program = new Command('gatehouse')
    .description('An OpenID Connect identity provider on one file or many nodes.')
    .version(release(), '--version', 'print the version')
    .exitOverride()
    .showHelpAfterError('(try --help)');
  const commands = [
    serveCommand(),
    migrateCommand(),
    accountCommands(),
    clientCommands(),
    serviceAccountCommands(),
    keysCommands(),
    auditCommands(),
    explainCommand(),
    doctorCommand(),
  ];
  for (const command of commands) {
    for (const each of [command, ...command.commands]) each.exitOverride();
    program.addCommand(command);
  }
  exemplify(program);
  return program;
}
