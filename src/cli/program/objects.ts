import type { Command } from 'commander';
import { type Add, collect, examples, NOT_REVOCATION, PAYLOAD, SHARE, TRY } from './command.ts';

/** Commands of sealed objects. */
export function addObjectCommands(program: Command, add: Add): void {
  add(
    program,
    'seal <path...>',
    'seal files: x becomes x.wax',
    () => import('../commands/seal.ts'),
    examples(
      'seal model.onnx',
      'seal -k local:datasets data.parquet --context team=vision',
      'seal -k local:default -k x25519:PUBLIC-KEY model.onnx',
      "seal -k 'quorum:2(local:a,x25519:BOB,x25519:CAROL)' model.onnx",
      'seal --detached model.onnx',
      'tar c folder | waxseal seal - -o folder.tar.wax',
    ),
  )
    .option('-k, --key <uri>', 'key to seal to (the default key otherwise); repeat it for several', collect)
    .option('--preset <name>', 'seal to the recipients of that name in the configuration')
    .option('-o, --output <file>', 'output, - for standard output')
    .option('--context <name=value>', 'public, authenticated fact about the object; repeatable', collect)
    .option('--size <bytes>', 'exact size of what comes from standard input')
    .option('--force', 'replace existing output')
    .option('--remove', 'delete the plaintext after the sealed object has been verified')
    .option('--compact', 'one short piece, replaced whole by a rewrap: for small files, messages, database values')
    .option('--detached', 'two files, header x.wax and payload x.floe: the payload never changes')
    .option('--payload <file>', 'where the payload of a detached object goes')
    .option('--name <text>', 'private metadata: a name, which opening shows and never uses as a path')
    .option('--media-type <type>', 'private metadata: a media type, such as application/json');
  add(
    program,
    'open <path...>',
    'open sealed files: x.wax becomes x',
    () => import('../commands/open.ts'),
    examples(
      'open model.onnx.wax',
      'open model.onnx.wax -o /run/model.onnx',
      'open - -o - < model.onnx.wax > model.onnx',
      'open model.onnx.wax --payload /mnt/bucket/model.onnx.floe',
    ),
  )
    .option('-k, --key <uri>', TRY, collect)
    .option('--share <file>', SHARE, collect)
    .option('-o, --output <file>', 'output, - for standard output')
    .option('--force', 'replace existing output')
    .option('--payload <file>', PAYLOAD)
    .option('--expect-id <id>', 'refuse any other object')
    .option('--expect-context <name=value>', 'refuse an object whose context does not say so; repeatable', collect)
    .option('--require-symmetric-wrap', 'refuse an object that only a public-key wrap opens: anybody can make those');
  add(
    program,
    'cat <path>',
    'write the plaintext, or a range of it, to standard output',
    () => import('../commands/cat.ts'),
    examples('cat config.json.wax', 'cat data.parquet.wax --range 0-3'),
  )
    .option('-k, --key <uri>', TRY, collect)
    .option('--payload <file>', PAYLOAD)
    .option('--range <first-last>', 'bytes first to last, both included, as in HTTP')
    .option('--expect-id <id>', 'refuse any other object')
    .option('--expect-context <name=value>', 'refuse an object whose context does not say so; repeatable', collect)
    .option('--require-symmetric-wrap', 'refuse an object that only a public-key wrap opens: anybody can make those');
  add(
    program,
    'inspect <path...>',
    'show what the head of a sealed object says; no key needed',
    () => import('../commands/inspect.ts'),
    examples('inspect model.onnx.wax', 'inspect --check model.onnx.wax'),
  )
    .option('--check', 'ask keyring and providers whether the recipients are on the current versions')
    .option('-k, --key <uri>', 'with --check: ask about this key alone; repeatable', collect);
  add(
    program,
    'verify <path...>',
    'authenticate everything in sealed objects; nothing is written',
    () => import('../commands/verify.ts'),
    examples('verify model.onnx.wax', 'verify model.onnx.wax --json'),
  )
    .option('-k, --key <uri>', TRY, collect)
    .option('--share <file>', SHARE, collect)
    .option('--payload <file>', PAYLOAD)
    .option('--expect-id <id>', 'refuse any other object')
    .option('--expect-context <name=value>', 'refuse an object whose context does not say so; repeatable', collect)
    .option('--require-symmetric-wrap', 'refuse an object that only a public-key wrap opens: anybody can make those');
  add(
    program,
    'rotate <key>',
    'make a new version of a key current',
    () => import('../commands/rotate.ts'),
    `${NOT_REVOCATION}
${examples('rotate local:default', 'rotate local:default --rewrap models -r')}`,
  )
    .option('--rewrap <path...>', 'then rewrap these')
    .option('-r, --recursive', 'walk folders for *.wax')
    .option('--dry-run', 'say what would be done');
  add(
    program,
    'rewrap <path...>',
    'bring recipients to the current versions of their keys, in place',
    () => import('../commands/rewrap.ts'),
    `${NOT_REVOCATION}
${examples('rewrap model.onnx.wax', 'rewrap -r models', 'rewrap model.onnx.wax --from local:old --to local:new', 'rewrap -r models --blind -k awskms:///alias/models')}`,
  )
    .option('-r, --recursive', 'walk folders for *.wax')
    .option('-k, --key <uri>', TRY, collect)
    .option('--share <file>', SHARE, collect)
    .option('--blind', 'let the provider rewrap: needs no permission to decrypt; keeps the old wraps until confirmed')
    .option('--from <uri>', 'replace exactly this recipient; goes with --to')
    .option('--to <uri>', 'the key that takes its place')
    .option('--dry-run', 'say what would be done, and write nothing')
    .option('--allow-network-fs', 'rewrite in place on a network file system too');
  const recipients = program.command('recipients').description('who can open a sealed object').exitOverride();
  recipients.addHelpText('after', examples('recipients add model.onnx.wax -k local:recovery'));
  for (const name of ['add', 'remove'] as const) {
    add(
      recipients,
      `${name} <path...>`,
      `${name} a recipient, in place`,
      async () => ({ run: (await import('../commands/recipients.ts'))[name] }),
      `${name === 'remove' ? NOT_REVOCATION : ''}
${examples(`recipients ${name} model.onnx.wax -k local:recovery`)}`,
    )
      .requiredOption('-k, --key <uri>', 'the key')
      .option('--open-with <uri>', TRY, collect)
      .option('--share <file>', SHARE, collect)
      .option('--dry-run', 'say what would be done, and write nothing');
  }
  add(
    recipients,
    'set <path...>',
    'make the recipients exactly these, in place and at once',
    async () => ({ run: (await import('../commands/recipients.ts')).set }),
    `${NOT_REVOCATION}
${examples('recipients set model.onnx.wax --preset production', 'recipients set *.wax -k local:default -k x25519:ESCROW')}`,
  )
    .option('--preset <name>', 'the recipients of that name in the configuration')
    .option('-k, --key <uri>', 'a recipient; repeatable', collect)
    .option('--open-with <uri>', TRY, collect)
    .option('--share <file>', SHARE, collect)
    .option('--dry-run', 'say what would be done, and write nothing');
  add(
    program,
    'repair <path>',
    'restore a damaged head or slot from what survived',
    () => import('../commands/repair.ts'),
    examples('repair model.onnx.wax', 'repair model.onnx.wax --from backup/model.onnx.wax'),
  )
    .option('-k, --key <uri>', TRY, collect)
    .option('--from <copy>', 'another copy of the same object, or its detached header; an old one will do')
    .option('--payload <file>', PAYLOAD)
    .option('--dry-run', 'say what would be done, and write nothing');
}
