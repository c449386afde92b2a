import type { Command } from 'commander';
import { type Add, examples } from './command.ts';

/** Commands of the home as a whole. */
export function addHomeCommands(program: Command, add: Add): void {
  add(
    program,
    'doctor [path|key...]',
    'examine home, keyring, backup, clock, disk and folders, or keys of providers, and say what to do',
    () => import('../commands/doctor.ts'),
    `
KEY is a key URI: configuration, credentials, reachability, every permission, state, clock and latency are tried, with a
secret made for that; nothing is rotated or changed. With keys alone, the home is left aside.
PATH is a folder, or a file whose folder is meant; the working folder otherwise. Nothing is asked and nothing is changed.
A keyring with a passphrase is unlocked and checked when --passphrase-file or WAXSEAL_PASSPHRASE_FILE is given.
--fix does this and no more: it takes the permissions of others away from home, keyring and key file, removes temporary
files of dead processes, and finishes an interrupted change of the key file.
Exit 0 without problems (there may be warnings), 1 with problems.
${examples('doctor', 'doctor models -r', 'doctor --fix', 'doctor --quiet --passphrase-file secret.txt', 'doctor awskms:///alias/models')}`,
  )
    .option('--fix', 'mend what is safe to mend')
    .option('-r, --recursive', 'walk folders');
}
