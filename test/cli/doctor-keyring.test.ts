/** What doctor says of the keyring, what unlocks it, and its backup; and what --fix does about it. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLocalKeyring } from '../../src/keys/local/index.ts';
import { CommandLine, preparedCommandLine } from '../support/cli.ts';
import { bad, containing, doctor, like, matching } from './support/doctor.ts';

const CHEAP = { scrypt: { N: 2 ** 14, p: 1 } };
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

describe('keyring', () => {
  it('that others can use is a problem with its every file; the remedy and --fix close it', () => {
    const places = ['home/keyring', 'home/keyring/keys/default', 'home/keyring/keys/default/00000001.json'];
    for (const place of places) chmodSync(at(place), mode(place) | 0o044);
    const found = doctor(cli);
    expect(found.of('keyring-permissions')).toMatchObject({ status: 'problem', fixable: true });
    for (const place of places) expect(found.of('keyring-permissions').message).toContain(at(place));
    const fixed = doctor(cli, ['--fix']);
    expect(fixed.status).toBe(0);
    expect(fixed.of('keyring-permissions')).toMatchObject({
      status: 'warning',
      fixed: true,
      next: containing('rotate the keys'),
    });
    expect(fixed.findings).toContainEqual(like({ check: 'keys', status: 'ok' }));
    expect(places.map(mode)).toEqual([0o700, 0o700, 0o600]);
    chmodSync(at('home/keyring/keyring.json'), 0o604);
    sh(doctor(cli).of('keyring-permissions').next);
    expect(checks(doctor(cli))).toEqual(['backup']);
  });

  it('is not what a configuration names by mistake: --fix leaves that folder alone', () => {
    mkdirSync(at('plain'));
    chmodSync(at('plain'), 0o755);
    writeFileSync(at('waxseal.config.json'), '{"keyring": "plain"}');
    expect(doctor(cli, ['--fix']).status).toBe(1);
    expect(mode('plain')).toBe(0o755);
  });

  it('with a symbolic link in it is a problem', () => {
    const file = at('home/keyring/keys/default/00000001.json');
    renameSync(file, at('moved'));
    symlinkSync(at('moved'), file);
    expect(doctor(cli).of('keyring-permissions')).toMatchObject({
      status: 'problem',
      message: containing(file),
    });
  });

  it('with a damaged key names the key, and checks the others', () => {
    cli.ok('key', 'create', 'local:other');
    const file = at('home/keyring/keys/default/00000001.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"kek": "./, '"kek": "_'));
    const found = doctor(cli);
    expect(found.of('keys')).toMatchObject({ status: 'problem', next: containing('key restore') });
    expect(found.of('keys').message).toContain(file);
    expect(found.findings).toContainEqual(like({ check: 'keys', status: 'ok', message: containing('1 key wrapped') }));
  });

  it('whose key has no active version is told, and is no problem', () => {
    cli.ok('key', 'disable', 'local:default', '--key-version', '1');
    expect(doctor(cli).of('keys')).toMatchObject({ status: 'info', next: 'waxseal key show local:default' });
  });

  it('with a passphrase is unlocked when a file has it, and nothing is asked otherwise', async () => {
    const ring = await openLocalKeyring(at('home/keyring'), { keyFile: at('home/keyring.key') }, CHEAP);
    await ring.changeUnlock({ passphrase: 'correct horse' });
    ring.close();
    const locked = doctor(cli);
    expect(locked.of('unlock')).toMatchObject({
      status: 'info',
      next: containing('--passphrase-file FILE'),
    });
    expect(locked.of('backup')).toMatchObject({ status: 'warning', message: containing('never') });
    expect(locked.of('key-file')).toMatchObject({ status: 'warning', next: `rm ${at('home/keyring.key')}` });
    writeFileSync(at('secret'), 'correct horse\n');
    const open = doctor(cli, ['--passphrase-file', 'secret']);
    expect(open.findings).toContainEqual(like({ check: 'keys', status: 'ok' }));
    writeFileSync(at('wrong'), 'wrong\n');
    const byVariable = new CommandLine(cli.folder, { WAXSEAL_PASSPHRASE_FILE: 'wrong' });
    expect(doctor(byVariable).of('unlock')).toMatchObject({ status: 'problem' });
  });
});

describe('key file', () => {
  it('that others can read is a problem; the remedy and --fix close it', () => {
    for (const heal of [(): unknown => doctor(cli, ['--fix']), (): void => sh(doctor(cli).of('key-file').next)]) {
      chmodSync(at('home/keyring.key'), 0o644);
      expect(doctor(cli).of('key-file')).toMatchObject({ status: 'problem', fixable: true });
      heal();
      expect(mode('home/keyring.key')).toBe(0o600);
    }
    chmodSync(at('home/keyring.key'), 0o644);
    const fixed = doctor(cli, ['--fix']);
    expect(fixed.of('key-file')).toMatchObject({ status: 'warning', fixed: true });
    expect(fixed.status).toBe(0);
  });

  it('behind a link is told, and what it names is not touched', () => {
    renameSync(at('home/keyring.key'), at('mounted'));
    symlinkSync(at('mounted'), at('home/keyring.key'));
    chmodSync(at('mounted'), 0o644);
    const found = doctor(cli, ['--fix']);
    expect(found.of('key-file')).toMatchObject({ status: 'problem', next: containing(at('mounted')) });
    expect(mode('mounted')).toBe(0o644);
  });

  it('that is missing or wrong is a problem', () => {
    renameSync(at('home/keyring.key'), at('gone'));
    expect(doctor(cli, ['--fix']).of('unlock')).toMatchObject({
      status: 'problem',
      next: containing('key restore FILE'),
    });
    writeFileSync(at('home/keyring.key'), 'nonsense', { mode: 0o600 });
    expect(doctor(cli).of('unlock')).toMatchObject({ status: 'problem' });
  });

  it('of an interrupted change is found under its second name, and --fix puts it in its place', async () => {
    for (const missing of [false, true]) {
      const ring = await openLocalKeyring(at('home/keyring'), { keyFile: at('home/keyring.key') });
      await ring.changeUnlock({ keyFile: at('home/keyring.key.next') });
      ring.close();
      if (missing) renameSync(at('home/keyring.key'), at('old.key'));
      const found = doctor(cli);
      expect(found.of('unlock')).toMatchObject({
        status: 'problem',
        fixable: true,
        next: matching(/^mv .*next /),
      });
      expect(found.findings).toContainEqual(like({ check: 'keys', status: 'ok' }));
      const fixed = doctor(cli, ['--fix']);
      expect(fixed.of('unlock')).toMatchObject({ status: 'info', fixed: true });
      expect(existsSync(at('home/keyring.key.next'))).toBe(false);
      expect(checks(doctor(cli))).toEqual(['backup']);
    }
  });

  it('that a change left and that unlocks nothing is told, and stays', () => {
    writeFileSync(at('home/keyring.key.next'), 'nonsense', { mode: 0o600 });
    expect(doctor(cli, ['--fix']).of('unlock')).toMatchObject({ status: 'info', next: matching(/^rm /) });
    expect(existsSync(at('home/keyring.key.next'))).toBe(true);
  });
});

describe('backup', () => {
  async function backUp(at_: Date): Promise<void> {
    vi.useFakeTimers({ toFake: ['Date'], now: at_ });
    const ring = await openLocalKeyring(at('home/keyring'), { keyFile: at('home/keyring.key') }, CHEAP);
    await ring.backup(at(`copy-${String(at_.getTime())}`), 'secret');
    ring.close();
    vi.useRealTimers();
  }
  const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

  it('that lacks a version, or is older than 90 days, is a warning until a new one is made', async () => {
    expect(doctor(cli).of('backup').message).toContain('never backed up');
    await backUp(daysAgo(100));
    expect(doctor(cli).of('backup')).toMatchObject({
      status: 'warning',
      message: containing('100 days ago'),
    });
    await backUp(daysAgo(80));
    expect(checks(doctor(cli))).toEqual([]);
    cli.ok('rotate', 'local:default');
    expect(doctor(cli).of('backup')).toMatchObject({
      status: 'warning',
      message: containing('lacks key versions'),
      next: 'waxseal key backup -o keyring.backup',
    });
    await backUp(daysAgo(0));
    expect(checks(doctor(cli))).toEqual([]);
  });

  it('whose note was changed is a problem', async () => {
    await backUp(daysAgo(1));
    const note = at('home/keyring/last-backup.json');
    writeFileSync(note, readFileSync(note, 'utf8').replace(/"at": "..../, '"at": "2099'));
    expect(doctor(cli).of('backup')).toMatchObject({ status: 'problem', next: containing('new backup') });
  });
});
