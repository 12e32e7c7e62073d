// All commands and their options.
import { Command } from 'commander';
import { accountCommands } from './account.ts';
import { clientCommands } from './client.ts';
import { doctorCommand } from './doctor.ts';
import { keysCommands } from './keys.ts';
import { migrateCommand } from './migrate.ts';
import { serveCommand } from './serve.ts';

export function createProgram(): Command {
  const program = new Command('gatehouse')
    .description('An OpenID Connect identity provider on one file or many nodes.')
    .exitOverride()
    .showHelpAfterError('(try --help)');
  const commands = [
    serveCommand(),
    migrateCommand(),
    accountCommands(),
    clientCommands(),
    keysCommands(),
    doctorCommand(),
  ];
  for (const command of commands) {
    for (const each of [command, ...command.commands]) each.exitOverride();
    program.addCommand(command);
  }
  return program;
}
