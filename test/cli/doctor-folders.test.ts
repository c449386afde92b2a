/** What doctor says of the folders it is given: temporary files, locks, interrupted reseals. */
import { chmodSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startFileProcess } from '../files/processes.ts';
import { type CommandLine, preparedCommandLine } from '../support/cli.ts';
import { bad, containing, doctor, giveTo, isRoot, matching, NOBODY } from './support/doctor.ts';

let cli: CommandLine;
const at = (name: string): string => join(cli.folder, name);
const temporaries = (name: string): string[] => readdirSync(at(name)).filter((entry) => entry.endsWith('.tmp'));

beforeEach(async () => {
  cli = await preparedCommandLine();
});

async function leaveDead(...folders: string[]): Promise<void> {
  for (const folder of folders) {
    const child = await startFileProcess('leave', join(at(folder), 'x'));
    await child.kill();
  }
}

describe('temporary files', () => {
  it('of dead processes are a warning in home, keyring and the folders named; --fix removes them', async () => {
    mkdirSync(at('models/deep'), { recursive: true });
    writeFileSync(at('models/one'), '');
    const folders = ['.', 'home', 'home/keyring/keys/default', 'models', 'models/deep'];
    await leaveDead(...folders);
    const here = doctor(cli).of('temporaries');
    expect(here).toMatchObject({
      status: 'warning',
      fixable: true,
      message: matching(/^3 temporary files/),
    });
    expect(here.next).toMatch(/^rm -- /);
    // A file stands for its folder, and the folders in it are walked with -r only.
    expect(doctor(cli, ['models/one']).of('temporaries').message).toMatch(/^3 /);
    expect(doctor(cli, ['models', '-r']).of('temporaries').message).toMatch(/^4 /);
    const fixed = doctor(cli, ['.', '-r', '--fix']);
    expect(fixed.of('temporaries')).toMatchObject({ status: 'info', fixed: true });
    expect(folders.flatMap(temporaries)).toEqual([]);
    expect(bad(doctor(cli, ['.', '-r'])).map(({ check }) => check)).toEqual(['backup']);
  });

  it('of living processes and of other machines are only told', async () => {
    const living = await startFileProcess('leave', at('x'));
    expect(doctor(cli, ['--fix']).of('temporaries')).toMatchObject({
      status: 'info',
      message: containing(`-${String(living.pid)}-`),
    });
    const [name = ''] = temporaries('.');
    await living.kill();
    renameSync(at(name), at(name.replace(/^\.waxseal-[0-9a-f]{12}/, '.waxseal-0123456789ab')));
    const found = doctor(cli, ['--fix']).of('temporaries');
    expect(found).toMatchObject({
      status: 'info',
      next: containing('# if no other machine writes there'),
    });
    expect(temporaries('.')).toHaveLength(1);
  });

  it.runIf(isRoot)('that cannot be removed keep their finding, and it says why', async () => {
    mkdirSync(at('closed'));
    await leaveDead('closed');
    giveTo(NOBODY, cli.folder);
    chmodSync(at('closed'), 0o555);
    expect(doctor(cli, ['closed', '--fix'], NOBODY).of('temporaries')).toMatchObject({
      status: 'warning',
      fixed: false,
      message: containing('could not'),
    });
  });
});

describe('locks', () => {
  it('that are no empty regular files are a problem', () => {
    writeFileSync(at('.waxseal.lock'), 'SQLite format 3');
    const { status, next } = doctor(cli).of('locks');
    expect(status).toBe('problem');
    expect(next).toMatch(/^mv .*\.waxseal\.lock .*\.waxseal\.lock\.moved #/);
    mkdirSync(at('linked'));
    symlinkSync('/dev/null', at('linked/.waxseal.lock'));
    expect(doctor(cli, ['linked']).of('locks').status).toBe('problem');
  });

  it('that a process holds are told as normal; those that nobody holds are good', async () => {
    const holder = await startFileProcess('lock', cli.folder);
    expect(doctor(cli).of('locks')).toMatchObject({
      status: 'info',
      message: containing('this is normal'),
    });
    await holder.kill();
    expect(doctor(cli).findings).toContainEqual({
      check: 'locks',
      status: 'ok',
      message: '1 lock file, held by nobody',
    });
  });
});

describe('an interrupted reseal', () => {
  it('of a detached object is told with its repair, and --fix leaves it', () => {
    writeFileSync(at('m.wax.next'), 'the new header');
    writeFileSync(at('other.wax.next'), 'beside nothing');
    const found = doctor(cli, ['--fix']).of('reseal');
    expect(found).toEqual({
      check: 'reseal',
      status: 'warning',
      message: containing('m.wax.next'),
      next: `waxseal repair ${at('m.wax')}`,
    });
    expect(readdirSync(cli.folder)).toContain('m.wax.next');
  });
});

describe('a path', () => {
  it('that does not exist is a problem, and the others are looked at', () => {
    writeFileSync(at('m.wax.next'), '');
    const found = doctor(cli, ['missing', '.']);
    expect(found.of('path')).toMatchObject({ status: 'problem', message: containing('missing') });
    expect(found.of('reseal').status).toBe('warning');
  });

  it.runIf(isRoot)('that may not be read is a problem', () => {
    mkdirSync(at('secret'), { mode: 0o700 });
    giveTo(NOBODY, at('home'));
    chmodSync(cli.folder, 0o755);
    expect(doctor(cli, ['secret'], NOBODY).of('path')).toMatchObject({
      status: 'problem',
      message: containing('permission denied'),
    });
  });
});
