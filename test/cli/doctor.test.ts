/** doctor as a whole, and what it says of Node.js, configuration, clock and disk. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { RELEASED } from '../../src/cli/doctor/clock.ts';
import { judgeRoom } from '../../src/cli/doctor/disk.ts';
import { Examination } from '../../src/cli/doctor/examination.ts';
import { runChecks } from '../../src/cli/doctor/runner.ts';
import { checkNode, checkPlatform } from '../../src/cli/doctor/runtime.ts';
import { Context } from '../../src/cli/context.ts';
import { Output } from '../../src/cli/output.ts';
import { CommandLine, preparedCommandLine } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { bad, containing, doctor, isRoot, matching, shifted, snapshot } from './support/doctor.ts';

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'dist/src/cli/bin.js');
let cli: CommandLine;
const at = (name: string): string => join(cli.folder, name);

beforeEach(async () => {
  cli = await preparedCommandLine();
});

function backUp(): void {
  writeFileSync(at('secret'), 'backup\n');
  cli.ok('key', 'backup', '-o', 'copy', '--backup-passphrase-file', 'secret');
}

describe('doctor', () => {
  it('has nothing to say against a healthy home with a backup', () => {
    backUp();
    const found = doctor(cli);
    expect(bad(found)).toEqual([]);
    for (const check of ['node', 'home', 'keyring', 'unlock', 'keys', 'backup', 'temporaries', 'locks', 'clock']) {
      expect(found.findings.filter((finding) => finding.check === check)).toMatchObject([{ status: 'ok' }]);
    }
  });

  it('gives every finding one shape in JSON', () => {
    const names = new Set(['check', 'status', 'message', 'next', 'fixable', 'fixed']);
    const { findings } = doctor(cli);
    expect(findings.length).toBeGreaterThan(10);
    for (const finding of findings) {
      expect(Object.keys(finding).filter((name) => !names.has(name))).toEqual([]);
      expect(['ok', 'info', 'warning', 'problem']).toContain(finding.status);
    }
  });

  it('tells people one line for each finding, remedies only where something is to be done, and the counts', () => {
    const { status, stdout } = cli.run(['doctor']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^✓ keyring: .* 1 key and is unlocked by a key file$/m);
    expect(stdout).toMatch(/^! backup: .*lost for ever\n {4}waxseal key backup -o keyring.backup # /m);
    expect(stdout).toMatch(/\n0 problems, \d+ warnings?, \d+ ok\.\n$/);
    expect(stdout).not.toMatch(/^✓.*\n {4}/m);
    const quiet = cli.run(['doctor', '--quiet']).stdout;
    expect(quiet).toMatch(/^! backup: /m);
    expect(quiet).not.toMatch(/✓|problems,/);
  });

  it('names the home in its remedies when the home was named', () => {
    const { of } = doctor(cli, ['--home', at('home')]);
    expect(of('backup').next).toContain(`waxseal --home ${at('home')} key backup -o keyring.backup`);
  });

  it('changes nothing, with a keyring and without, with --fix and without', async () => {
    const before = snapshot(cli.folder);
    for (const args of [[], ['--fix'], ['-r']]) doctor(cli, args);
    expect(snapshot(cli.folder)).toEqual(before);
    const empty = new CommandLine(await temporaryFolder());
    const found = doctor(empty, ['--fix']);
    expect(found.of('home')).toMatchObject({ status: 'warning', next: containing('waxseal init') });
    expect(found.of('keyring')).toMatchObject({ status: 'problem', next: containing('waxseal init') });
    expect(readdirSync(empty.folder)).toEqual([]);
  });

  it('goes on when a check fails, and tells the error', async () => {
    const context = new Context(
      { home: at('home') },
      new Output({ json: true, quiet: false }),
      new AbortController().signal,
    );
    const examination = new Examination(context, { fix: false, home: undefined, roots: [], folders: [] });
    const ok = { check: 'after', status: 'ok', message: 'fine' } as const;
    const findings = await runChecks(
      [
        { name: 'broken', run: () => Promise.reject(new RangeError('it broke')) },
        { name: 'after', run: () => [ok] },
      ],
      examination,
    );
    expect(findings).toEqual([
      { check: 'broken', status: 'problem', message: containing('it broke'), next: matching(/./) },
      ok,
    ]);
  });

  it('knows the lines of Node.js and the platforms', () => {
    for (const good of ['22.18.0', '24.1.0', '26.10.0']) expect(checkNode(good)).toMatchObject({ status: 'ok' });
    for (const odd of ['23.1.0', '25.0.0', '27.0.0']) {
      expect(checkNode(odd)).toMatchObject({ status: 'warning', next: containing('24 or 26') });
    }
    for (const old of ['20.20.2', '22.17.9']) expect(checkNode(old)).toMatchObject({ status: 'problem' });
    expect(checkPlatform('win32')).toMatchObject({ status: 'problem', next: containing('Linux') });
    expect(checkPlatform('linux')).toMatchObject({ status: 'ok' });
  });
});

describe('configuration', () => {
  it('that is not valid, or that others can write, is a problem; the keyring it may name is not guessed', () => {
    const file = at('waxseal.config.json');
    writeFileSync(file, '{"defaultKy": "local:default"}');
    const found = doctor(cli);
    expect(found.of('configuration')).toMatchObject({
      status: 'problem',
      message: containing('defaultKy'),
    });
    expect(found.of('keyring')).toMatchObject({ status: 'info' });
    writeFileSync(file, '{"defaultKey": "local:default"}');
    execFileSync('chmod', ['666', file]);
    expect(doctor(cli).of('configuration').next).toBe(`chmod go-w '${file}'`);
    execFileSync('chmod', ['600', file]);
    expect(doctor(cli).findings).toContainEqual({ check: 'configuration', status: 'ok', message: `${file} is good` });
  });

  it('with the ending .yml is not read, and doctor says so', () => {
    writeFileSync(at('home/waxseal.config.yml'), 'defaultKey: local:default\n');
    const { status, next = '' } = doctor(cli).of('configuration');
    expect(status).toBe('warning');
    execFileSync('sh', ['-c', next]);
    expect(existsSync(at('home/waxseal.config.yaml'))).toBe(true);
    expect(bad(doctor(cli)).map(({ check }) => check)).toEqual(['backup']);
  });
});

describe('clock', () => {
  it('before the newest record of the keyring is a problem', () => {
    shifted(cli, 3_600_000).ok('key', 'create', 'local:later');
    const { status, message, next } = doctor(cli).of('clock');
    expect(status).toBe('problem');
    expect(message).toContain('newest record of the keyring');
    expect(next).toContain('timedatectl');
  });

  it('that differs from that of the file system by more than 2 s is a warning', () => {
    expect(doctor(shifted(cli, 10_000)).of('clock')).toMatchObject({
      status: 'warning',
      message: matching(/differ by (9\.9|10\.\d) s/),
    });
    expect(bad(doctor(shifted(cli, 1000))).map(({ check }) => check)).not.toContain('clock');
    expect(readdirSync(at('home')).sort()).toEqual(['keyring', 'keyring.key']);
  });

  it('before the release is a problem', () => {
    const messages = bad(doctor(shifted(cli, -5 * 365 * 86_400_000))).map(({ message }) => message);
    expect(messages.join('\n')).toContain('before this waxseal was released');
  });

  it('is compared with the day that the changelog gives the release', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const heading = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')
      .split('\n')
      .find((line) => line.startsWith(`## [${version}]`));
    const [day] = /\d{4}-\d{2}-\d{2}/.exec(heading ?? '') ?? [];
    expect(heading).toBeDefined();
    if (day !== undefined) expect(RELEASED.toISOString().slice(0, 10)).toBe(day);
    expect(RELEASED.getTime()).toBeLessThan(Date.now());
  });
});

describe('disk', () => {
  const roomy = { freeBytes: 2 ** 35, totalBytes: 2 ** 36, freeInodes: 500, totalInodes: 1000 };
  const verdict = (room: Partial<typeof roomy>): string[] =>
    judgeRoom('/x', { ...roomy, ...room }).map(({ status }) => status);

  it('warns under 1 GiB or 5 %, and sees a problem under 50 MiB or without inodes', () => {
    expect(verdict({})).toEqual(['ok']);
    expect(verdict({ freeBytes: 2 ** 30, totalBytes: 2 ** 31 })).toEqual(['ok']);
    expect(verdict({ freeBytes: 2 ** 30 - 1, totalBytes: 2 ** 31 })).toEqual(['warning']);
    expect(verdict({ freeBytes: 2 ** 36 * 0.049 })).toEqual(['warning']);
    expect(verdict({ freeBytes: 50 * 2 ** 20 - 1 })).toEqual(['problem']);
    expect(verdict({ freeInodes: 49 })).toEqual(['warning']);
    expect(verdict({ freeInodes: 0 })).toEqual(['problem']);
    // File systems that count neither.
    expect(verdict({ freeBytes: 0, totalBytes: 0, freeInodes: 0, totalInodes: 0 })).toEqual(['ok']);
  });

  const mount = isRoot && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

  /** What doctor says of a small disk. */
  function onDisk(options: string): { status: number | null; stdout: string } {
    mkdirSync(at('disk'));
    const script = `mount -t tmpfs -o ${options} none disk && exec "$0" "$1" doctor disk`;
    return spawnSync('unshare', ['-m', 'sh', '-c', script, process.execPath, BIN], {
      cwd: cli.folder,
      env: cli.env,
      encoding: 'utf8',
    });
  }

  it.runIf(mount)('that is nearly full is a problem', () => {
    const { status, stdout } = onDisk('size=10m');
    expect(stdout).toMatch(/^✗ disk: .*disk is full or nearly so \(10 MiB of 10 MiB free\).*\n {4}df -h /m);
    expect(status).toBe(1);
  });

  it.runIf(mount)('that is read-only is a warning, and its room does not matter', () => {
    const { status, stdout } = onDisk('size=10m,ro');
    expect(stdout).toMatch(/^! disk: .*read-only.*\n {4}findmnt -T /m);
    expect(status).toBe(0);
  });

  it.runIf(mount)('without free inodes is a problem', () => {
    expect(onDisk('size=4g,nr_inodes=1').stdout).toMatch(/^✗ disk: .*no inodes left/m);
  });
});
