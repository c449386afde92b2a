/** Public-key recipients, from the command line: who can seal, who can open, and what people are told. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { CommandLine, preparedCommandLine } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';

let cli: CommandLine;
const at = (name: string): string => join(cli.folder, name);
const URI = /^x25519:[\w-]{43}$/;

beforeEach(async () => {
  cli = await preparedCommandLine();
});

function makePair(name = 'inbox'): string {
  cli.ok('key', 'create', name, '--x25519');
  return cli.ok('key', 'export-public', name).trimEnd();
}

describe('a key pair', () => {
  it('is made, and told with its public key and what is private about it', () => {
    const told = cli.ok('key', 'create', 'inbox', '--x25519');
    const uri = cli.ok('key', 'export-public', 'inbox');
    expect(uri).toMatch(/^x25519:[\w-]{43}\n$/);
    expect(told).toContain(uri.trimEnd());
    expect(told).toMatch(/private key never leaves this keyring/);
    expect(told).toMatch(/key backup/);
    expect(cli.ok('--quiet', 'key', 'export-public', 'inbox')).toBe(uri);
    expect(cli.ok('key', 'export-public', uri.trimEnd())).toBe(uri);
    expect(cli.ok('key', 'list')).toMatch(new RegExp(`inbox +\\d{4}-\\d\\d-\\d\\d +${uri}`));
    expect(cli.ok('key', 'show', 'inbox')).toContain(uri.trimEnd());
    const { results } = JSON.parse(cli.ok('key', 'list', '--json')) as { results: Record<string, unknown>[] };
    expect(results).toMatchObject([
      { uri: 'local:default' },
      { name: 'inbox', uri: uri.trimEnd(), currentVersion: '1' },
    ]);
  });

  it('is refused under a name with a scheme, twice, and where versions are asked for', () => {
    const uri = makePair();
    expect(cli.run(['key', 'create', 'inbox', '--x25519'])).toMatchObject({ status: 2 });
    expect(cli.run(['key', 'create', 'local:x', '--x25519']).stderr).toContain('ERR_INVALID_KEY_URI');
    expect(cli.run(['rotate', uri]).stderr).toMatch(/a key pair has no versions/);
    expect(cli.run(['key', 'show', 'default']).stderr).toMatch(/key show local:default/);
    expect(cli.run(['key', 'export-public', 'nobody'])).toMatchObject({ status: 4, stdout: '' });
  });

  it('is in a backup, and opens after the restore', () => {
    const uri = makePair();
    writeFileSync(at('pass'), 'backup\n');
    cli.ok('key', 'backup', '-o', 'ring.backup', '--backup-passphrase-file', 'pass');
    cli.ok('seal', 'm', '-o', 'x.wax', '-k', uri);
    const other = new CommandLine(cli.folder, { WAXSEAL_HOME: at('elsewhere') });
    other.ok('key', 'restore', 'ring.backup', '--backup-passphrase-file', 'pass', '--key-file');
    other.ok('open', 'x.wax', '-o', 'x');
    expect(readFileSync(at('x'))).toEqual(readFileSync(at('m')));
  });
});

describe('sealing to a public key', () => {
  it('needs no keyring, and only the private key opens', async () => {
    const uri = makePair();
    const sender = new CommandLine(await temporaryFolder());
    writeFileSync(join(sender.folder, 'm'), readFileSync(at('m')));
    expect(sender.ok('seal', 'm', '-k', uri)).toContain(uri);
    expect(existsSync(join(sender.folder, 'home'))).toBe(false);
    // The sender itself cannot open what it sealed: it has no keyring, and with one it has no matching key.
    expect(sender.run(['open', 'm.wax', '-o', 'again'])).toMatchObject({ status: 4 });
    sender.ok('init', '--key-file');
    expect(sender.run(['open', 'm.wax', '-o', 'again']).stderr).toContain('ERR_NO_MATCHING_KEY');
    writeFileSync(at('received.wax'), readFileSync(join(sender.folder, 'm.wax')));
    cli.ok('open', 'received.wax');
    expect(readFileSync(at('received'))).toEqual(readFileSync(at('m')));
  });

  it('says on standard error that it proves nothing about who sealed', () => {
    cli.ok('seal', 'm', '-o', 'x.wax', '-k', makePair());
    const warning =
      /warning: x\.wax opened through a wrap to the public key x25519:.* proves nothing about who sealed it/;
    for (const args of [
      ['open', 'x.wax', '-o', 'out'],
      ['open', 'x.wax', '-o', '-'],
      ['cat', 'x.wax', '--range', '0-3'],
      ['verify', 'x.wax'],
    ]) {
      const run = cli.run(args);
      expect(run.status, run.stderr).toBe(0);
      expect(run.stderr, args.join(' ')).toMatch(warning);
    }
    for (const args of [
      ['open', 'm.wax', '-o', 'out2'],
      ['cat', 'm.wax'],
      ['verify', 'm.wax'],
    ]) {
      expect(cli.run(args).stderr).toBe('');
    }
  });

  it('does not pass --require-symmetric-wrap; a local wrap beside it does', () => {
    const uri = makePair();
    cli.ok('seal', 'm', '-o', 'x.wax', '-k', uri);
    cli.ok('seal', 'm', '-o', 'both.wax', '-k', uri, '-k', 'local:default');
    for (const command of [
      ['open', 'x.wax', '-o', 'out'],
      ['open', 'x.wax', '-o', '-'],
      ['cat', 'x.wax'],
      ['verify', 'x.wax'],
    ]) {
      const run = cli.run([...command, '--require-symmetric-wrap']);
      expect(run, command.join(' ')).toMatchObject({ status: 3, stdout: '' });
      expect(run.stderr).toMatch(/ERR_UNEXPECTED_OBJECT/);
    }
    expect(existsSync(at('out'))).toBe(false);
    const { stderr, status } = cli.run(['open', 'both.wax', '--require-symmetric-wrap']);
    expect([status, stderr]).toEqual([0, '']);
  });

  it('works for recipients add and for rewrap, which reports how the new wrap was proven', () => {
    const uri = makePair();
    cli.ok('recipients', 'add', 'm.wax', '-k', uri);
    cli.ok('recipients', 'remove', 'm.wax', '-k', uri);
    const args = ['rewrap', 'm.wax', '--from', 'local:default', '--to', uri, '--json'] as const;
    const { results } = JSON.parse(cli.ok(...args)) as { results: { entries: object[] }[] };
    expect(results[0]?.entries).toMatchObject([{ uri: 'local:default', toUri: uri, assurance: 'recomputed' }]);
    expect(cli.ok('inspect', '--check', 'm.wax')).toMatch(new RegExp(`${uri} version 1.*, current`));
    cli.ok('open', 'm.wax', '-o', 'out');
    expect(readFileSync(at('out'))).toEqual(readFileSync(at('m')));
  });

  it('refuses what is no public key, and points of small order', () => {
    const low = `x25519:${Buffer.alloc(32).toString('base64url')}`;
    for (const uri of ['x25519:inbox', low]) {
      const run = cli.run(['seal', 'm', '-o', 'x.wax', '-k', uri]);
      expect(run.status).toBe(4);
      expect(run.stderr).toContain('ERR_INVALID_KEY_URI');
    }
    expect(existsSync(at('x.wax'))).toBe(false);
  });

  it('a damaged pair is told, and does not keep local keys from opening', () => {
    const uri = makePair();
    cli.ok('seal', 'm', '-o', 'x.wax', '-k', uri);
    truncateSync(at('home/keyring/x25519/inbox.json'), 20);
    const run = cli.run(['open', 'm.wax', '-o', 'out']);
    expect(run.status, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/inbox\.json is damaged/);
    expect(cli.run(['open', 'x.wax', '-o', 'out2'])).toMatchObject({ status: 4 });
  });

  it('a pair that is the default key is tried first, and can be sealed to without -k', () => {
    const uri = makePair();
    cli.ok('seal', 'm', '-o', 'both.wax', '-k', 'local:default', '-k', uri);
    writeFileSync(at('home/waxseal.config.json'), JSON.stringify({ defaultKey: uri }), { mode: 0o600 });
    expect(cli.run(['open', 'both.wax', '-o', 'out']).stderr).toMatch(/through a wrap to the public key/);
    expect(cli.ok('seal', 'm', '-o', 'y.wax')).toContain(uri);
  });
});

describe('key import', () => {
  const pems = generateKeyPairSync('x25519', {
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    publicKeyEncoding: { format: 'pem', type: 'spki' },
  });

  it('takes in what openssl genpkey writes, and it opens', () => {
    writeFileSync(at('private.pem'), pems.privateKey, { mode: 0o600 });
    const told = cli.ok('key', 'import', 'private.pem', '--name', 'openssl');
    expect(told).toMatch(/private\.pem still holds the private key: delete it/);
    const uri = cli.ok('key', 'export-public', 'openssl').trimEnd();
    expect(uri).toMatch(URI);
    cli.ok('seal', 'm', '-o', 'x.wax', '-k', uri);
    cli.ok('open', 'x.wax', '-o', 'out');
    expect(cli.run(['key', 'import', 'private.pem', '--name', 'again'])).toMatchObject({ status: 2 });
  });

  it('refuses a file that others can read, and names the command that helps', () => {
    writeFileSync(at('private.pem'), pems.privateKey);
    chmodSync(at('private.pem'), 0o644);
    const run = cli.run(['key', 'import', 'private.pem', '--name', 'openssl']);
    expect(run.status).toBe(4);
    expect(run.stderr).toMatch(/others may use it.*chmod 600/);
    expect(cli.run(['key', 'export-public', 'openssl'])).toMatchObject({ status: 4 });
  });

  it('tells a public key as what it is, whoever can read it', () => {
    writeFileSync(at('public.pem'), pems.publicKey);
    chmodSync(at('public.pem'), 0o644);
    const run = cli.run(['key', 'import', 'public.pem', '--name', 'openssl']);
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/public\.pem: this is a public key, x25519:[\w-]{43}/);
    expect(run.stderr).toMatch(/next: seal to it with -k x25519:/);
  });

  it('refuses what is no such file', () => {
    writeFileSync(at('junk'), 'junk', { mode: 0o600 });
    expect(cli.run(['key', 'import', 'junk', '--name', 'x']).stderr).toMatch(/junk: this is no PEM file/);
    expect(cli.run(['key', 'import', 'absent', '--name', 'x']).stderr).toContain('ERR_FILE_NOT_FOUND');
    expect(cli.run(['key', 'import', 'home', '--name', 'x'])).toMatchObject({ status: 2 });
    expect(cli.run(['key', 'import', 'junk']).stderr).toMatch(/--name/);
  });
});
