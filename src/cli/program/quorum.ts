import type { Command } from 'commander';
import { type Add, collect, examples, PAYLOAD, TRY } from './command.ts';

const HOW = `
Seal to a quorum with -k 'quorum:2(URI,URI,URI)', in quotes: any 2 of these keys open together, and one of them nothing.
Where the keys of enough custodians are on one machine, open needs no more. Where they are not, each custodian sends a
share, wrapped for the key of whoever opens:

  opener:      waxseal key create opener --x25519        (prints x25519:…)
  custodians:  waxseal quorum share model.onnx.wax --to x25519:…
  opener:      waxseal quorum combine model.onnx.wax alice.share bob.share
`;

/** Commands of quorums. */
export function addQuorumCommands(program: Command, add: Add): void {
  const quorum = program.command('quorum').description('several custodians open together').exitOverride();
  quorum.addHelpText('after', HOW);
  add(
    quorum,
    'share <path>',
    'write your share of an object, wrapped for the key of whoever opens it',
    async () => ({ run: (await import('../commands/quorum.ts')).share }),
    examples('quorum share model.onnx.wax --to x25519:OPENER -o alice.share'),
  )
    .requiredOption('--to <uri>', 'the key of whoever collects the shares')
    .option('-o, --output <file>', 'where the share goes, - for standard output (PATH.share otherwise)')
    .option('-k, --key <uri>', 'use this custodian key alone', collect)
    .option('--force', 'replace existing output');
  add(
    quorum,
    'combine <path> <share...>',
    'open an object with the shares that custodians sent, and with what keys are here',
    async () => ({ run: (await import('../commands/quorum.ts')).combine }),
    examples('quorum combine model.onnx.wax alice.share bob.share', 'quorum combine model.onnx.wax alice.share -o -'),
  )
    .option('-k, --key <uri>', TRY, collect)
    .option('-o, --output <file>', 'output, - for standard output')
    .option('--force', 'replace existing output')
    .option('--payload <file>', PAYLOAD)
    .option('--expect-id <id>', 'refuse any other object')
    .option('--expect-context <name=value>', 'refuse an object whose context does not say so; repeatable', collect);
}
