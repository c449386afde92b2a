/** What doctor says of the home and of whose it is; and what --fix does about it. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stored } from '../../src/cli/doctor/home.ts';
import { tighten } from '../../src/cli/doctor/private.ts';
import { withFault } from '../files/faults.ts';
import { type CommandLine, preparedCommandLine } from '../support/cli.ts';
import { bad, containing, doctor, giveTo, isRoot, NOBODY } from './support/doctor.ts';

let cli: CommandLine;
const at = (name: string): string => join(cli.folder, name);
const mode = (name: string): number => statSync(at(name)).mode & 0o777;
const sh = (command = ''): void => void execFileSync('sh', ['-ec', command], { cwd: cli.folder });
const checks = (found: ReturnType<typeof doctor>): string[] => bad(found).map(({ check }) => check);

beforeEach(async () => {
  cli = await preparedCommandLine();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('home', () => {
  it('that others can read is a warning, one that others can write is a problem; the remedy and --fix close it', () => {
    chmodSync(at('home'), 0o755);
    expect(doctor(cli).of('home-permissions')).toMatchObject({ status: 'warning', fixable: true });
    sh(doctor(cli).of('home-permissions').next);
    expect(mode('home')).toBe(0o700);
    chmodSync(at('home'), 0o770);
    expect(doctor(cli).of('home-permissions')).toMatchObject({ status: 'problem', fixable: true });
    expect(mode('home')).toBe(0o770);
    const fixed = doctor(cli, ['--fix']);
    expect(fixed.status).toBe(0);
    expect(fixed.of('home-permissions')).toMatchObject({ status: 'info', fixed: true });
    expect(mode('home')).toBe(0o700);
    expect(checks(doctor(cli))).toEqual(['backup']);
  });

  it('that is no home, or that everybody uses, is not closed by --fix', () => {
    mkdirSync(at('shared'));
    chmodSync(at('shared'), 0o777);
    expect(doctor(cli, ['--fix', '--home', 'shared']).of('home-permissions')).not.toHaveProperty('fixed');
    expect(mode('shared')).toBe(0o777);
    chmodSync(at('home'), 0o1777);
    expect(doctor(cli, ['--fix']).of('home-permissions')).not.toHaveProperty('fixed');
    expect(mode('home')).toBe(0o777);
  });

  it('that its owner cannot write is a warning', () => {
    chmodSync(at('home'), 0o500);
    const { status, next } = doctor(cli).of('home-permissions');
    expect(status).toBe('warning');
    sh(next);
    expect(mode('home')).toBe(0o700);
  });

  it('that is a symbolic link is told, with the folder itself', () => {
    renameSync(at('home'), at('elsewhere'));
    symlinkSync('elsewhere', at('home'));
    const found = doctor(cli);
    expect(found.of('home-link')).toMatchObject({ status: 'info', next: containing(at('elsewhere')) });
    expect(checks(found)).toEqual(['backup']);
  });

  it('that is a file is a problem', () => {
    writeFileSync(at('file'), '');
    expect(doctor(cli, ['--home', 'file']).of('home')).toMatchObject({ status: 'problem' });
  });

  it.runIf(process.platform === 'linux')('on a network file system is a warning', async () => {
    const found = await withFault(
      'promises',
      'statfs',
      () => () => Promise.resolve({ type: 0x6969 }),
      () => stored('home-file-system', at('home')),
    );
    expect(found).toMatchObject({ status: 'warning', message: containing('NFS') });
    expect(found.next).toContain('WAXSEAL_HOME');
  });
});

describe.runIf(isRoot)('owners', () => {
  it('a home of somebody else is a problem for a user, and a warning for root', () => {
    chmodSync(cli.folder, 0o755);
    chmodSync(at('home'), 0o755);
    expect(doctor(cli, [], NOBODY).of('home')).toMatchObject({
      status: 'problem',
      next: containing(`chown -R ${String(NOBODY)} `),
    });
    giveTo(NOBODY, cli.folder);
    expect(doctor(cli).of('home')).toMatchObject({ status: 'warning', next: containing('sudo -u') });
    expect(doctor(cli, ['--fix']).of('home-permissions')).toMatchObject({ status: 'warning', fixed: false });
    expect(checks(doctor(cli, ['--fix'], NOBODY))).toEqual(['backup']);
  });

  it('a file that sudo left in the keyring of a user is a problem for both, and chown heals it', () => {
    giveTo(NOBODY, cli.folder);
    expect(cli.run(['rotate', 'local:default']).status).toBe(0);
    const next = doctor(cli).of('keyring-permissions').next ?? '';
    const found = doctor(cli, [], NOBODY);
    expect(found.of('keyring-permissions')).toMatchObject({ status: 'problem', next });
    expect(found.of('keys')).toMatchObject({ status: 'problem' });
    sh(next.replace('sudo ', ''));
    expect(checks(doctor(cli, [], NOBODY))).toEqual(['backup']);
  });

  it('a keyring that belongs to somebody else is a problem, and the other checks go on', () => {
    giveTo(NOBODY, cli.folder);
    chownSync(at('home/keyring'), 0, 0);
    const found = doctor(cli, [], NOBODY);
    expect(found.of('keyring')).toMatchObject({ status: 'problem', next: containing('chown 65534') });
    expect(found.findings.at(-1)).toMatchObject({ check: 'disk' });
  });
});

describe('closing a file to others', () => {
  it('changes only what was looked at, and follows no link', async () => {
    writeFileSync(at('file'), '');
    chmodSync(at('file'), 0o664);
    symlinkSync('file', at('link'));
    const { dev, ino } = statSync(at('file'));
    await expect(tighten(at('link'), { dev, ino })).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(tighten(at('file'), { dev, ino: ino + 1 })).rejects.toMatchObject({ code: 'ERR_INPUT_CHANGED' });
    expect(mode('file')).toBe(0o664);
    await tighten(at('file'), { dev, ino });
    expect(mode('file')).toBe(0o600);
  });
});
