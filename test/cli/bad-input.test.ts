/** Bad input, each with message, next step and exit code (CLI.md), and nothing lost: neither input nor earlier output. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { pattern } from '../support/bytes.ts';
import { CommandLine, preparedCommandLine, type Run } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let cli: CommandLine;
const at = (name: string): string => join(cli.folder, name);

beforeEach(async () => {
  cli = await preparedCommandLine();
});

function refused(run: Pick<Run, 'status' | 'stderr'>, exit: number, code: string, message: RegExp): void {
  expect(run.stderr).toContain(`[${code}]`);
  expect(run.stderr).toMatch(message);
  expect(run.stderr).toMatch(/^\s*next: \S/m);
  expect(run.status).toBe(exit);
}

/** The same in JSON: one document on standard output and nothing else. */
function refusedJson(args: readonly string[], exit: number, code: string): void {
  const run = cli.run([...args, '--json']);
  const document = JSON.parse(run.stdout) as { ok: boolean; command: string; error: Record<string, string> };
  expect(document).toMatchObject({ ok: false, error: { code } });
  expect(document.error['message']).toBeTruthy();
  expect(document.error['next']).toBeTruthy();
  expect(run.stderr).toBe('');
  expect(run.status).toBe(exit);
}

function nothingLeft(...names: string[]): void {
  for (const name of names) expect(existsSync(at(name)), name).toBe(false);
  expect(readdirSync(cli.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
}

describe('data', () => {
  it('not sealed: exit 3', () => {
    refused(cli.run(['open', 'm', '-o', 'x']), 3, 'ERR_NOT_SEALED', /m is not a sealed object/);
    refusedJson(['open', 'm', '-o', 'x'], 3, 'ERR_NOT_SEALED');
    writeFileSync(at('empty.wax'), '');
    refused(cli.run(['open', 'empty.wax']), 3, 'ERR_NOT_SEALED', /empty\.wax/);
    nothingLeft('x', 'empty');
  });

  it('truncated: exit 3', () => {
    const sealed = readFileSync(at('m.wax'));
    for (const length of [20, 5000, 16_384, 20_000, sealed.length - 1]) {
      writeFileSync(at('cut.wax'), sealed.subarray(0, length));
      const run = cli.run(['open', 'cut.wax']);
      expect(run.stderr).toMatch(/\[ERR_(TRUNCATED|HEADER_DAMAGED)\]/);
      expect(run.stderr).toMatch(/next: /);
      expect(run.status).toBe(3);
    }
    nothingLeft('cut');
  });

  it('newer version: exit 3, and it says to upgrade', () => {
    const sealed = readFileSync(at('m.wax'));
    for (const offset of [0, 12_288]) sealed[offset + 8] = 2;
    writeFileSync(at('new.wax'), sealed);
    refused(cli.run(['open', 'new.wax']), 3, 'ERR_UNSUPPORTED_VERSION', /version 2[\s\S]*next: upgrade/);
  });

  it('tampered: exit 3, and the existing output stays as it was', () => {
    const sealed = readFileSync(at('m.wax'));
    sealed[sealed.length - 40] = (sealed.at(-40) ?? 0) ^ 1;
    writeFileSync(at('bad.wax'), sealed);
    writeFileSync(at('bad'), 'earlier');
    refused(cli.run(['open', 'bad.wax', '--force']), 3, 'ERR_AUTHENTICATION', /bad\.wax/);
    expect(readFileSync(at('bad'), 'utf8')).toBe('earlier');
    refused(cli.run(['verify', 'bad.wax']), 3, 'ERR_AUTHENTICATION', /bad\.wax/);
  });

  it('several objects: those that can be done are done, exit 5; all bad for one reason: that reason', () => {
    writeFileSync(at('junk.wax'), 'junk');
    const run = cli.run(['verify', 'm.wax', 'junk.wax']);
    expect(run.status).toBe(5);
    expect(run.stdout).toContain('m.wax: good');
    expect(run.stderr).toContain('ERR_NOT_SEALED');
    const document = JSON.parse(cli.run(['verify', 'm.wax', 'junk.wax', '--json']).stdout) as {
      ok: boolean;
      results: unknown[];
    };
    expect(document).toMatchObject({
      ok: false,
      results: [
        { ok: true, path: 'm.wax' },
        { ok: false, error: { code: 'ERR_NOT_SEALED' } },
      ],
    });
    expect(cli.run(['verify', 'junk.wax', 'm']).status).toBe(3);
  });
});

describe('keys', () => {
  it('wrong key (another keyring with a key of the same name) and missing key: exit 4', async () => {
    const other = new CommandLine(await temporaryFolder());
    other.ok('init', '--key-file');
    refused(other.run(['open', at('m.wax'), '-o', 'x']), 4, 'ERR_KEY_NOT_FOUND', /local:default has no version/);
    cli.ok('key', 'create', 'local:team');
    cli.ok('seal', 'm', '-k', 'local:team', '-o', 'team.wax');
    refused(
      other.run(['open', at('team.wax'), '-o', 'x']),
      4,
      'ERR_NO_MATCHING_KEY',
      /sealed to local:team; the keys at hand are local:default/,
    );
    refused(cli.run(['seal', 'm', '-k', 'local:nobody', '-o', 'x']), 4, 'ERR_KEY_NOT_FOUND', /local:nobody/);
    refused(cli.run(['seal', 'm', '-k', 'default', '-o', 'x']), 4, 'ERR_INVALID_KEY_URI', /did you mean local:default/);
    refused(
      cli.run(['seal', 'm', '-k', 'azurekms://vault.example/keys/k', '-o', 'x']),
      4,
      'ERR_PROVIDER_UNSUPPORTED',
      /not in this version/,
    );
    const noFile = new CommandLine(cli.folder, { GOOGLE_APPLICATION_CREDENTIALS: '/nowhere' });
    refused(
      noFile.run(['seal', 'm', '-k', 'gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k', '-o', 'x']),
      4,
      'ERR_PROVIDER_CREDENTIALS',
      /does not accept the credentials/,
    );
    const nowhere = new CommandLine(cli.folder, {
      AWS_REGION: '',
      AWS_CONFIG_FILE: '/nowhere',
      AWS_EC2_METADATA_DISABLED: 'true',
    });
    refused(nowhere.run(['seal', 'm', '-k', 'awskms:///alias/x', '-o', 'x']), 2, 'ERR_CONFIG', /no region is known/);
    refused(nowhere.run(['seal', 'm', '-k', 'awskms:///alias x', '-o', 'x']), 4, 'ERR_INVALID_KEY_URI', /no key ARN/);
    nothingLeft('x');
  });

  it('wrong passphrase: exit 4; no terminal to ask on: exit 2', async () => {
    const home = new CommandLine(await temporaryFolder());
    writeFileSync(join(home.folder, 'right'), 'correct horse\n');
    writeFileSync(join(home.folder, 'wrong'), 'incorrect horse\n');
    home.ok('init', '--passphrase-file', 'right');
    refused(home.run(['key', 'list', '--passphrase-file', 'wrong']), 4, 'ERR_WRONG_PASSPHRASE', /./);
    refused(home.run(['key', 'list']), 2, 'ERR_USAGE', /no terminal[\s\S]*--passphrase-file/);
    expect(home.ok('key', 'list', '--passphrase-file', 'right')).toContain('local:default');
  });

  it('loose permissions: exit 4 with the chmod to run', () => {
    chmodSync(at('home/keyring'), 0o750);
    refused(cli.run(['open', 'm.wax', '-o', 'x']), 4, 'ERR_KEYRING_PERMISSIONS', /chmod 700 .*home\/keyring/);
    chmodSync(at('home/keyring'), 0o700);
    chmodSync(at('home/keyring.key'), 0o644);
    refused(cli.run(['open', 'm.wax', '-o', 'x']), 4, 'ERR_KEYRING_PERMISSIONS', /chmod 600 .*keyring\.key/);
    nothingLeft('x');
  });

  it('no keyring: exit 4, and it says init', async () => {
    const empty = new CommandLine(await temporaryFolder());
    refused(empty.run(['open', at('m.wax'), '-o', 'x']), 4, 'ERR_KEYRING_NOT_FOUND', /next: run waxseal init/);
  });

  it('a disabled version: exit 4; enabled again it opens', () => {
    cli.ok('key', 'disable', 'local:default', '--key-version', '1');
    const message = /version 1 of local:default is suspended[\s\S]*next: .*key enable local:default --key-version 1/;
    refused(cli.run(['open', 'm.wax', '-o', 'x']), 4, 'ERR_KEY_DISABLED', message);
    cli.ok('key', 'enable', 'local:default', '--key-version', '1');
    cli.ok('open', 'm.wax', '-o', 'x');
  });
});

describe('files', () => {
  it('existing output: exit 2, kept; --force replaces it', () => {
    writeFileSync(at('x'), 'earlier');
    refused(cli.run(['open', 'm.wax', '-o', 'x']), 2, 'ERR_OUTPUT_EXISTS', /x exists already[\s\S]*--force/);
    refused(cli.run(['seal', 'm']), 2, 'ERR_OUTPUT_EXISTS', /m\.wax exists already/);
    expect(readFileSync(at('x'), 'utf8')).toBe('earlier');
    cli.ok('open', 'm.wax', '-o', 'x', '--force');
    expect(readFileSync(at('x'))).toEqual(Buffer.from(pattern(300_000)));
    refused(cli.run(['init', '--key-file']), 2, 'ERR_KEY_EXISTS', /already/);
  });

  it('missing file: exit 1', () => {
    refused(cli.run(['seal', 'absent']), 1, 'ERR_FILE_NOT_FOUND', /absent/);
    refused(cli.run(['rewrap', 'absent.wax']), 1, 'ERR_FILE_NOT_FOUND', /absent\.wax/);
  });

  it('unwritable folder: exit 1, as an unprivileged user', (context) => {
    if (!isRoot) {
      context.skip('needs root, to become another user');
      return;
    }
    for (const path of ['home', 'home/keyring', 'home/keyring/keys', 'home/keyring/keys/default', '.'])
      chownTree(at(path));
    mkdirSync(at('closed'));
    chmodSync(at('closed'), 0o555);
    const nobody = { uid: NOBODY, gid: NOBODY };
    refused(
      cli.run(['seal', 'm', '-o', 'closed/m.wax'], nobody),
      1,
      'ERR_NOT_WRITABLE',
      /closed[\s\S]*permission denied/,
    );
    execFileSync('cp', [at('m.wax'), at('closed/m.wax')]);
    chmodSync(at('closed/m.wax'), 0o444);
    cli.run(['rotate', 'local:default'], nobody);
    refused(cli.run(['rewrap', 'closed/m.wax'], nobody), 1, 'ERR_NOT_WRITABLE', /closed\/m\.wax/);
    expect(readdirSync(at('closed'))).toEqual(['m.wax']);
  });

  it('full disk: exit 1 on a small tmpfs, nothing left, the plaintext kept', (context) => {
    mkdirSync(at('small'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', at('small')], { stdio: 'pipe' });
    } catch {
      context.skip('needs the permission to mount a tmpfs');
      return;
    }
    try {
      writeFileSync(at('large'), pattern(1_000_000));
      refused(cli.run(['seal', 'large', '-o', 'small/large.wax']), 1, 'ERR_DISK_FULL', /no space left/);
      cli.ok('seal', 'large');
      refused(cli.run(['open', 'large.wax', '-o', 'small/large']), 1, 'ERR_DISK_FULL', /no space left/);
      refused(cli.run(['seal', 'large', '-o', 'small/large.wax', '--remove']), 1, 'ERR_DISK_FULL', /no space left/);
      expect(readdirSync(at('small'))).toEqual([]);
      expect(readFileSync(at('large'))).toHaveLength(1_000_000);
    } finally {
      execFileSync('umount', [at('small')]);
    }
  });

  it('input changing while being sealed: exit 1, no output', async () => {
    writeFileSync(at('growing'), Buffer.alloc(64 << 20));
    const child = cli.start(['seal', 'growing']);
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const handle = await open(at('growing'), 'r+');
    let running = true;
    void ended.then(() => (running = false));
    while (running) {
      await handle.write(pattern(16), 0, 16, 1000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await handle.close();
    refused({ status: await ended, stderr }, 1, 'ERR_INPUT_CHANGED', /growing changed while it was being sealed/);
    nothingLeft('growing.wax');
  });

  it('plaintext larger or smaller than promised: exit 1, no output', () => {
    for (const size of ['999', '1001']) {
      const run = cli.run(['seal', '-', '-o', 'x.wax', '--size', size], { input: pattern(1000) });
      refused(run, 1, 'ERR_SIZE_MISMATCH', /promised/);
    }
    nothingLeft('x.wax');
  });
});

describe('usage: exit 2', () => {
  it.each([
    [['sael', 'x'], /unknown command/],
    [['seal', 'm', '--frce'], /unknown option '--frce'/],
    [['seal'], /missing required argument/],
    [['seal', 'm', 'm2', '-o', 'x'], /-o names one output/],
    [['seal', '--compact', '--detached', 'm', '-o', 'x'], /--compact and --detached exclude each other/],
    [['seal', '--payload', 'p', 'm', '-o', 'x'], /--payload goes with --detached/],
    [['seal', '--detached', 'm', '-o', '-'], /--detached writes two files/],
    [['shred', 'm.wax'], /no terminal to ask on/],
    [['detach', 'm.wax', 'm2.wax', '-o', 'x'], /name one file/],
    [['reseal', 'm.wax', 'm2.wax', '--payload', 'x'], /goes with one header/],
    [['seal', 'home'], /home is a folder; sealed trees are not in this version/],
    [['seal', 'm', '--context', 'novalue', '-o', 'x'], /name=value/],
    [['open', 'm'], /does not end in \.wax/],
    [['cat', 'm.wax', '--range', '9-3'], /--range takes/],
    [['rewrap', 'home'], /home is a folder[\s\S]*-r/],
    [['rewrap', 'm.wax', '--from', 'local:default'], /--from goes with --to/],
  ])('waxseal %j', (args, message) => {
    const run = cli.run(args);
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toMatch(/next: /);
    expect(run.status).toBe(2);
    const json = cli.run([...args, '--json']);
    // On standard error where standard output carries the payload.
    const document = JSON.parse(args[0] === 'cat' ? json.stderr : json.stdout) as object;
    expect(document).toMatchObject({
      ok: false,
      error: { code: expect.any(String) as string, message: expect.any(String) as string },
    });
  });

  it('--to without --from where there are several recipients', () => {
    cli.ok('key', 'create', 'local:b');
    cli.ok('recipients', 'add', 'm.wax', '-k', 'local:b');
    const before = readFileSync(at('m.wax'));
    refused(cli.run(['rewrap', 'm.wax', '--to', 'local:b']), 2, 'ERR_USAGE', /2 recipients[\s\S]*--from/);
    expect(readFileSync(at('m.wax'))).toEqual(before);
  });

  it('the last recipient stays', () => {
    refused(
      cli.run(['recipients', 'remove', 'm.wax', '-k', 'local:default']),
      2,
      'ERR_LAST_RECIPIENT',
      /only recipient/,
    );
  });

  it('a configuration with unknown, later or misplaced fields, or one that others can write', () => {
    const config = at('waxseal.config.json');
    writeFileSync(config, '{"defaultKye":"local:x"}');
    refused(cli.run(['seal', 'm', '-o', 'x']), 2, 'ERR_CONFIG', /waxseal\.config\.json.*defaultKye/);
    writeFileSync(config, '{"catalog":"x"}');
    refused(cli.run(['seal', 'm', '-o', 'x']), 2, 'ERR_CONFIG', /catalog is not in this version/);
    writeFileSync(config, '{');
    refused(cli.run(['seal', 'm', '-o', 'x']), 2, 'ERR_CONFIG', /cannot be read/);
    writeFileSync(config, '{}');
    chmodSync(config, 0o666);
    refused(cli.run(['seal', 'm', '-o', 'x']), 2, 'ERR_CONFIG', /can be written by others[\s\S]*chmod/);
    nothingLeft('x');
  });
});

function chownTree(path: string): void {
  chownSync(path, NOBODY, NOBODY);
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    chownSync(join(entry.parentPath, entry.name), NOBODY, NOBODY);
  }
}
