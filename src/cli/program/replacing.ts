import type { Command } from 'commander';
import { type Add, collect, examples, PAYLOAD, SHARE, TRY } from './command.ts';

/** Commands that make another object of the same plaintext, or end one. */
export function addReplacingCommands(program: Command, add: Add): void {
  add(
    program,
    'reseal <path...>',
    'seal anew under a new data key, in place: for a data key that may have leaked',
    () => import('../commands/reseal.ts'),
    `
The payload is encrypted again and needs as much room beside the old one. The object gets a new id. Old copies of it,
and whoever opened them before, keep what they have.
${examples('reseal model.onnx.wax', 'reseal model.onnx.wax -k local:default --drop-others')}`,
  )
    .option('-k, --key <uri>', 'exactly these recipients (by default those of your keys that are recipients)', collect)
    .option('--open-with <uri>', TRY, collect)
    .option('--share <file>', SHARE, collect)
    .option('--drop-others', 'leave out recipients that are not yours or not named, instead of refusing')
    .option('--expect-id <id>', 'refuse any other object')
    .option('--payload <file>', PAYLOAD)
    .option('--dry-run', 'say what would be done, and write nothing')
    .option('--allow-network-fs', 'work on a network file system too');
  add(
    program,
    'shred <path...>',
    'destroy every wrap of the data key: nobody opens this file again',
    () => import('../commands/shred.ts'),
    `
This cannot be undone. It needs no key, and it reaches the named files only: copies, backups, snapshots and older
versions still open until the version of the master key that wrapped them is destroyed.
${examples('shred --dry-run model.onnx.wax', 'shred --yes --delete model.onnx.wax')}`,
  )
    .option('--yes', 'do not ask')
    .option('--delete', 'then delete the file, too (header and payload of a detached object)')
    .option('--expect-id <id>', 'refuse any other object')
    .option('--payload <file>', 'payload to delete, where it does not lie beside its header')
    .option('--dry-run', 'say what would be done, and write nothing')
    .option('--allow-network-fs', 'work on a network file system too');
  add(
    program,
    'detach <path...>',
    'split a sealed file into header x.wax and payload x.floe; no key needed, nothing is encrypted again',
    async () => ({ run: (await import('../commands/convert.ts')).detach }),
    examples('detach model.onnx.wax', 'detach model.onnx.wax -o headers/model.wax --payload bucket/model.floe'),
  )
    .option('-o, --output <file>', 'where the header goes; the file stays as it is then')
    .option('--payload <file>', 'where the payload goes')
    .option('--force', 'replace existing output')
    .option('--dry-run', 'say what would be done, and write nothing');
  add(
    program,
    'attach <path...>',
    'join header and payload into one file that is rewrapped in place; no key needed, nothing is encrypted again',
    async () => ({ run: (await import('../commands/convert.ts')).attach }),
    examples('attach model.onnx.wax', 'attach small.json.wax --compact'),
  )
    .option('--compact', 'one short piece without room for rewrapping in place')
    .option('-o, --output <file>', 'where it goes; header and payload stay as they are then')
    .option('--payload <file>', PAYLOAD)
    .option('--force', 'replace existing output')
    .option('--dry-run', 'say what would be done, and write nothing');
}
