/** What a user does and sees: a session with every command, pipes, JSON, interruption, help. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program/program.ts';
import { pattern } from '../support/bytes.ts';
import { CommandLine, preparedCommandLine } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';

let cli: CommandLine;
const at = (name: string): string => join(cli.folder, name);
const plaintext = Buffer.from(pattern(300_000));

beforeEach(async () => {
  cli = await preparedCommandLine();
  rmSync(at('m.wax'));
});

/** The only document on standard output. */
function json(...args: string[]): { ok: boolean; command: string; results: Record<string, unknown>[] } {
  return JSON.parse(cli.ok(...args, '--json')) as ReturnType<typeof json>;
}

describe('a session', () => {
  it('init, seal, inspect, rotate, rewrap, verify, open: says what it did and what comes next', () => {
    expect(cli.ok('seal', 'm')).toMatch(/Sealed m → m\.wax \(293 KiB, .*\) to local:default version 1\./);
    expect(cli.ok('inspect', 'm.wax')).toMatch(
      /nothing of this has been authenticated[\s\S]*recipient +local:default version 1/,
    );
    expect(cli.ok('rotate', 'local:default')).toMatch(/version 2 now[\s\S]*key backup[\s\S]*waxseal rewrap/);
    expect(cli.ok('inspect', '--check', 'm.wax')).toMatch(/version 1.*stale[\s\S]*next: waxseal rewrap m\.wax/);
    expect(cli.ok('rewrap', 'm.wax')).toMatch(/version 1 → 2[\s\S]*not revocation/);
    expect(cli.ok('rewrap', 'm.wax')).toMatch(/nothing to do/);
    expect(cli.ok('inspect', '--check', 'm.wax')).toMatch(/version 2.*current/);
    expect(cli.ok('verify', 'm.wax')).toMatch(/m\.wax: good\. 293 KiB authenticated.*1 recipient unwrapped/);
    rmSync(at('m'));
    expect(cli.ok('open', 'm.wax')).toMatch(/Opened m\.wax → m/);
    expect(readFileSync(at('m'))).toEqual(plaintext);
  });

  it('init says plainly that losing the keyring loses the data, and how to back it up', async () => {
    const fresh = new CommandLine(await temporaryFolder());
    expect(fresh.ok('init', '--key-file')).toMatch(
      /If the keyring is lost, everything sealed under it is lost, for ever[\s\S]*key backup -o/,
    );
    expect(fresh.ok('key', 'list')).toMatch(/never been backed up/);
  });

  it('rewrap changes nothing but the slots, --dry-run nothing at all', () => {
    cli.ok('seal', 'm');
    cli.ok('rotate', 'local:default');
    const before = readFileSync(at('m.wax'));
    expect(cli.ok('rewrap', 'm.wax', '--dry-run')).toMatch(/would be rewrapped/);
    expect(cli.ok('rotate', 'local:default', '--dry-run')).toMatch(/would get version 3/);
    expect(readFileSync(at('m.wax'))).toEqual(before);
    cli.ok('rewrap', 'm.wax');
    const after = readFileSync(at('m.wax'));
    const changed = [...after.keys()].filter((i) => after[i] !== before[i]);
    expect(Math.min(...changed)).toBeGreaterThanOrEqual(4096);
    expect(Math.max(...changed)).toBeLessThan(12_288);
  });

  it('rotate --rewrap walks folders with -r; context and expectations; -k repeats', () => {
    cli.ok('key', 'create', 'local:b');
    cli.ok(
      'seal',
      'm',
      '-k',
      'local:default',
      '-k',
      'local:b',
      '--context',
      'team=vision',
      '--context',
      'env=prod',
      '-o',
      'a.wax',
    );
    cli.ok('seal', '-o', 'b.wax', 'm');
    expect(cli.ok('rotate', 'local:default', '--rewrap', '.', '-r')).toMatch(/2 of 2 objects rewrapped/);
    const [a] = json('inspect', 'a.wax').results;
    expect(a).toMatchObject({ context: { team: 'vision', env: 'prod' }, authenticated: false });
    cli.ok('open', 'a.wax', '-o', 'x', '--expect-context', 'team=vision', '--expect-id', String(a?.['id']));
    expect(cli.run(['open', 'a.wax', '-o', 'y', '--expect-context', 'team=audio'])).toMatchObject({ status: 3 });
    expect(existsSync(at('y'))).toBe(false);
  });

  it('recipients: add another key, take the first away, and only the new one opens', () => {
    cli.ok('seal', 'm');
    cli.ok('key', 'create', 'local:recovery');
    cli.ok('recipients', 'add', 'm.wax', '-k', 'local:recovery');
    expect(cli.run(['recipients', 'add', 'm.wax', '-k', 'local:recovery']).stderr).toContain('ERR_RECIPIENT_EXISTS');
    expect(cli.ok('recipients', 'remove', 'm.wax', '-k', 'local:default')).toMatch(/not revocation/);
    expect(json('open', 'm.wax', '-o', 'x').results[0]).toMatchObject({ openedBy: { uri: 'local:recovery' } });
    cli.ok('rewrap', 'm.wax', '--from', 'local:recovery', '--to', 'local:default');
    expect(json('inspect', 'm.wax').results[0]).toMatchObject({ recipients: [{ uri: 'local:default' }] });
  });

  it('seal --remove deletes the plaintext after the sealed object was verified', () => {
    expect(cli.ok('seal', 'm', '--remove')).toMatch(/Verified it and deleted m/);
    expect(existsSync(at('m'))).toBe(false);
    cli.ok('open', 'm.wax');
    expect(readFileSync(at('m'))).toEqual(plaintext);
  });

  it('damage: open warns and works, verify says which part, repair mends it', () => {
    cli.ok('seal', 'm');
    const sealed = readFileSync(at('m.wax'));
    const broken = Buffer.from(sealed);
    broken.fill(0, 0, 100);
    broken.fill(0, 4096, 4200);
    writeFileSync(at('m.wax'), broken);
    const opened = cli.run(['open', 'm.wax', '-o', 'x']);
    expect(opened).toMatchObject({ status: 0 });
    expect(opened.stderr).toMatch(/warning: .*first head.*damaged.*repair/);
    expect(cli.run(['verify', 'm.wax'])).toMatchObject({ status: 3 });
    expect(cli.ok('repair', 'm.wax', '--dry-run')).toMatch(/would be rewritten/);
    expect(readFileSync(at('m.wax'))).toEqual(broken);
    expect(cli.ok('repair', 'm.wax')).toMatch(/slot A.*first head/);
    expect(cli.ok('verify', 'm.wax')).toMatch(/good/);
    writeFileSync(at('copy.wax'), sealed);
    broken.fill(0, 0, 16_384);
    writeFileSync(at('m.wax'), broken);
    expect(cli.run(['open', 'm.wax', '-o', 'y'])).toMatchObject({ status: 3 });
    cli.ok('repair', 'm.wax', '--from', 'copy.wax');
    expect(cli.ok('verify', 'm.wax')).toMatch(/good/);
  });

  it('key backup and restore: a new home on another machine opens everything', async () => {
    cli.ok('seal', 'm');
    writeFileSync(at('secret'), 'correct horse battery staple\n');
    cli.ok('key', 'backup', '-o', 'ring.backup', '--backup-passphrase-file', 'secret');
    expect(cli.ok('key', 'list')).not.toMatch(/never been backed up/);
    const other = new CommandLine(await temporaryFolder());
    other.ok('key', 'restore', at('ring.backup'), '--backup-passphrase-file', at('secret'), '--key-file');
    other.ok('open', at('m.wax'), '-o', 'm');
    expect(readFileSync(join(other.folder, 'm'))).toEqual(plaintext);
  });

  it('key rotate-passphrase: from key file to passphrase, and the old way is gone', () => {
    cli.ok('seal', 'm');
    writeFileSync(at('secret'), 'correct horse\n');
    cli.ok('key', 'rotate-passphrase', '--new-passphrase-file', 'secret');
    expect(cli.run(['open', 'm.wax', '-o', 'x'])).toMatchObject({ status: 2 });
    cli.ok('open', 'm.wax', '-o', 'x', '--passphrase-file', 'secret');
    cli.ok('key', 'rotate-passphrase', '--to-key-file', '--passphrase-file', 'secret');
    cli.ok('open', 'm.wax', '-o', 'y');
  });
});

describe('pipes', () => {
  it('seal and open from standard input to standard output; documents go to standard error', () => {
    const sealed = cli.run(['seal', '-', '-o', '-', '--json'], { input: plaintext });
    expect(sealed.status).toBe(0);
    const opened = cli.run(['open', '-', '-o', '-'], { input: sealed.bytes });
    expect(opened.bytes.equals(plaintext)).toBe(true);
    const bad = cli.run(['open', '-', '-o', '-', '--json'], { input: plaintext });
    expect(bad).toMatchObject({ status: 3, stdout: '' });
    expect(JSON.parse(bad.stderr)).toMatchObject({ ok: false, error: { code: 'ERR_NOT_SEALED' } });
  });

  it('standard input to a file, and cat with a range, as in HTTP', () => {
    expect(cli.run(['seal', '-', '-o', 'p.wax'], { input: plaintext })).toMatchObject({ status: 0 });
    expect(cli.run(['cat', 'p.wax', '--range', '10-19']).bytes).toEqual(plaintext.subarray(10, 20));
    expect(cli.run(['cat', 'p.wax', '--range', '299990-']).bytes).toEqual(plaintext.subarray(299_990));
    expect(cli.run(['cat', 'p.wax']).bytes.equals(plaintext)).toBe(true);
    expect(cli.run(['cat', 'p.wax', '--range', '300000-300001']).stderr).toContain('ERR_RANGE_NOT_SATISFIABLE');
  });

  it('a reader that stops early is no error', async () => {
    cli.ok('seal', 'm');
    const child = cli.start(['cat', 'm.wax']);
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout?.once('data', () => child.stdout?.destroy());
    await once(child, 'close');
    expect(stderr).toBe('');
    expect(child.exitCode).toBe(0);
  });
});

describe('machines', () => {
  it('every command prints one document: ok, command, results', () => {
    const documents = [
      ['seal', 'm'],
      ['inspect', 'm.wax'],
      ['verify', 'm.wax'],
      ['rotate', 'local:default'],
      ['rewrap', 'm.wax'],
      ['open', 'm.wax', '-o', 'x'],
      ['repair', 'm.wax'],
      ['key', 'create', 'local:b'],
      ['key', 'list'],
      ['key', 'show', 'local:b'],
      ['recipients', 'add', 'm.wax', '-k', 'local:b'],
    ];
    for (const args of documents) {
      const document = json(...args);
      expect(document, args.join(' ')).toMatchObject({ ok: true, results: expect.any(Array) as unknown[] });
      expect(args.join(' ')).toMatch(new RegExp(`^${document.command}`));
      expect(document.results.length).toBeGreaterThan(0);
    }
  });

  it('--quiet says nothing, and the exit code says it all', () => {
    expect(cli.run(['seal', 'm', '--quiet'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(cli.run(['rotate', 'local:default', '--quiet'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in the middle of a seal: exit %i, nothing left', async (signal, status) => {
    writeFileSync(at('large'), Buffer.alloc(256 << 20));
    const child = cli.start(['seal', 'large']);
    while (!readdirSync(cli.folder).some((name) => name.endsWith('.tmp'))) {
      if (child.exitCode !== null) break;
      await sleep(1);
    }
    child.kill(signal);
    await once(child, 'close');
    expect(child.exitCode).toBe(status);
    expect(readdirSync(cli.folder).sort()).toEqual(['home', 'large', 'm']);
  });
});

describe('help', () => {
  const { commands } = buildProgram({ context: () => undefined as never, ended: () => undefined });
  const paths = commands.flatMap((c) =>
    c.commands.length > 0 ? c.commands.map((s) => `${c.name()} ${s.name()}`) : [c.name()],
  );

  it('knows the commands', () => {
    expect(paths).toContain('rewrap');
    expect(paths).toContain('key backup');
  });

  it.each(paths)('%s --help has examples', (path) => {
    const command = path
      .split(' ')
      .reduce<(typeof commands)[number] | undefined>(
        (found, name, i) => (i === 0 ? commands : (found?.commands ?? [])).find((c) => c.name() === name),
        undefined,
      );
    let text = '';
    command?.configureOutput({ writeOut: (out) => (text += out) }).outputHelp();
    expect(text).toMatch(/Examples:\n {2}\$ .*waxseal/);
  });
});
