import type { Command } from 'commander';
import { type Add, examples } from './command.ts';

/** Commands of the keyring. */
export function addKeyCommands(program: Command, add: Add): void {
  const key = program.command('key').description('keys of the local keyring, and of providers').exitOverride();
  key.addHelpText('after', examples('key list', 'key show local:default', 'key backup -o keyring.backup'));
  add(
    key,
    'create <key>',
    'make a key, or with --x25519 a key pair',
    async () => ({ run: (await import('../commands/keys.ts')).create }),
    examples('key create local:datasets', 'key create partners --x25519'),
  ).option('--x25519', 'make a key pair: everybody may know its public key and seal to it, only this keyring opens');
  add(
    key,
    'export-public <name>',
    'print the URI of the public key of a pair',
    async () => ({ run: (await import('../commands/keys.ts')).exportPublic }),
    examples('key export-public partners', 'seal model.onnx -k $(waxseal key export-public partners)'),
  );
  add(
    key,
    'import <file>',
    'take in an X25519 private key (PEM, PKCS#8)',
    async () => ({ run: (await import('../commands/keys.ts')).importPair }),
    `
The file must be readable by you alone. It still holds the key afterwards: delete it.
${examples('key import private.pem --name partners')}`,
  ).requiredOption('--name <name>', 'the name of the pair in the keyring');
  add(
    key,
    'list',
    'list the keys',
    async () => ({ run: (await import('../commands/keys.ts')).list }),
    examples('key list', 'key list --json'),
  );
  add(
    key,
    'show <key>',
    'show the versions of a key and their states',
    async () => ({ run: (await import('../commands/keys.ts')).show }),
    examples('key show local:default', 'key show partners', 'key show awskms:///alias/models'),
  );
  add(
    key,
    'policy <key>',
    'print the least permissions for a role, in the language of the provider',
    async () => ({ run: (await import('../commands/remote-keys.ts')).policy }),
    examples(
      'key policy awskms:///arn:aws:kms:eu-central-1:111122223333:key/ID --role sealer',
      'key policy hashivault://transit/models --role blind-rewrapper > rewrapper.hcl',
    ),
  ).requiredOption('--role <role>', 'sealer, opener, blind-rewrapper or rotator');
  for (const [name, what] of [
    ['disable', 'suspend a version: it neither wraps nor unwraps until it is enabled again'],
    ['enable', 'enable a suspended version again'],
  ] as const) {
    add(
      key,
      `${name} <key>`,
      what,
      async () => ({ run: (await import('../commands/keys.ts'))[name] }),
      examples(`key ${name} local:default --key-version 1`),
    ).requiredOption('--key-version <version>', 'the version, as key show names it');
  }
  add(
    key,
    'rotate-passphrase',
    'change what unlocks the keyring',
    async () => ({ run: (await import('../commands/unlocking.ts')).rotatePassphrase }),
    `
Backups made before keep the passphrase that they were made with.
${examples('key rotate-passphrase', 'key rotate-passphrase --new-passphrase-file new.txt', 'key rotate-passphrase --to-key-file')}`,
  )
    .option('--new-passphrase-file <file>', 'read the new passphrase from a file')
    .option('--to-key-file', 'unlock with a key file in the home from now on');
  add(
    key,
    'backup',
    'write everything needed to restore the keyring into one file, under a passphrase',
    async () => ({ run: (await import('../commands/unlocking.ts')).backup }),
    examples('key backup -o keyring.backup', 'key backup -o keyring.backup --backup-passphrase-file secret.txt'),
  )
    .requiredOption('-o, --output <file>', 'where the backup goes')
    .option('--backup-passphrase-file <file>', 'read the passphrase of the backup from a file');
  add(
    key,
    'restore <file>',
    'restore a keyring from its backup, or add what it lacks',
    async () => ({ run: (await import('../commands/unlocking.ts')).restore }),
    examples('key restore keyring.backup', 'key restore keyring.backup --key-file'),
  )
    .option('--backup-passphrase-file <file>', 'read the passphrase of the backup from a file')
    .option('--key-file', 'unlock the restored keyring with a key file in the home');
}
