/** Compact and detached objects, conversion, reseal and shred as a user of the command line meets them. */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { pattern } from '../support/bytes.ts';
import { type CommandLine, preparedCommandLine } from '../support/cli.ts';

let cli: CommandLine;
const at = (name: string): string => join(cli.folder, name);
const plaintext = pattern(300_000);

beforeEach(async () => {
  cli = await preparedCommandLine();
});

interface Document {
  readonly ok: boolean;
  readonly results: readonly Record<string, unknown>[];
  readonly error: { readonly code: string; readonly next: string };
}

function json(...args: string[]): Document {
  return JSON.parse(cli.run([...args, '--json']).stdout) as Document;
}

function opens(...args: string[]): void {
  cli.ok('open', ...args, '-o', 'opened', '--force');
  expect(Buffer.compare(readFileSync(at('opened')), plaintext)).toBe(0);
}

describe('layouts', () => {
  it('--compact: one short piece that opens, verifies and is rewrapped', () => {
    cli.ok('seal', '--compact', 'm', '-o', 'c.wax');
    expect(statSync(at('c.wax')).size - plaintext.length).toBeLessThanOrEqual(450 + 32);
    cli.ok('rotate', 'local:default');
    expect(cli.ok('rewrap', 'c.wax')).toMatch(/version 1 → 2/);
    expect(json('inspect', '--check', 'c.wax').results[0]).toMatchObject({
      layout: 'compact',
      recipients: [{ status: 'current' }],
    });
    expect(cli.ok('verify', 'c.wax')).toMatch(/good/);
    opens('c.wax');
  });

  it('--detached: header and payload; rewrap and recipients work without the payload', () => {
    expect(cli.ok('seal', '--detached', 'm', '-o', 'd.wax')).toMatch(/d\.wax and d\.floe/);
    opens('d.wax');
    renameSync(at('d.floe'), at('elsewhere'));
    cli.ok('rotate', 'local:default');
    cli.ok('rewrap', 'd.wax');
    cli.ok('key', 'create', 'local:second');
    cli.ok('recipients', 'add', 'd.wax', '-k', 'local:second');
    expect(cli.run(['open', 'd.wax', '-o', 'x'])).toMatchObject({ status: 1 });
    expect(cli.run(['open', 'd.wax', '-o', 'x']).stderr).toMatch(/ERR_PAYLOAD_NOT_FOUND[\s\S]*--payload/);
    opens('d.wax', '--payload', 'elsewhere');
    expect(cli.ok('verify', 'd.wax', '--payload', 'elsewhere')).toMatch(/good/);
    const piped = cli.run(['open', 'd.wax', '--payload', '-', '-o', 'piped'], { input: readFileSync(at('elsewhere')) });
    expect(piped.status).toBe(0);
    expect(Buffer.compare(readFileSync(at('piped')), plaintext)).toBe(0);
    const cat = cli.run(['open', 'd.wax', '--payload', 'elsewhere', '-o', '-']);
    expect(Buffer.compare(cat.bytes, plaintext)).toBe(0);
    const part = cli.run(['cat', 'd.wax', '--payload', 'elsewhere', '--range', '100-199']);
    expect(Buffer.compare(part.bytes, plaintext.subarray(100, 200))).toBe(0);
  });

  it('another payload is refused, and nothing is written', () => {
    cli.ok('seal', '--detached', 'm', '-o', 'd.wax');
    cli.ok('seal', '--detached', 'm', '-o', 'e.wax');
    const run = cli.run(['open', 'd.wax', '--payload', 'e.floe', '-o', 'x']);
    expect(run).toMatchObject({ status: 3 });
    expect(run.stderr).toMatch(/e\.floe is not the payload of d\.wax/);
    expect(existsSync(at('x'))).toBe(false);
  });

  it('an existing payload is kept without --force', () => {
    writeFileSync(at('d.floe'), 'mine');
    expect(cli.run(['seal', '--detached', 'm', '-o', 'd.wax'])).toMatchObject({ status: 2 });
    expect(readFileSync(at('d.floe'), 'utf8')).toBe('mine');
    expect(existsSync(at('d.wax'))).toBe(false);
    cli.ok('seal', '--detached', 'm', '-o', 'd.wax', '--force');
    opens('d.wax');
  });

  it('detach and attach: there and back, in place and beside', () => {
    const before = readFileSync(at('m.wax'));
    expect(cli.ok('detach', '--dry-run', 'm.wax')).toMatch(/would become m\.wax and m\.floe/);
    expect(existsSync(at('m.floe'))).toBe(false);
    cli.ok('detach', 'm.wax');
    opens('m.wax');
    expect(cli.ok('detach', 'm.wax')).toMatch(/detached already/);
    mkdirSync(at('copies'));
    cli.ok('attach', 'm.wax', '-o', 'copies/m.wax');
    opens('copies/m.wax');
    expect(existsSync(at('m.floe'))).toBe(true);
    cli.ok('attach', 'm.wax');
    expect(existsSync(at('m.floe'))).toBe(false);
    expect(Buffer.compare(readFileSync(at('m.wax')), before)).toBe(0);
    cli.ok('attach', '--compact', 'm.wax');
    opens('m.wax');
  });

  it('--remove deletes the plaintext after a detached object was verified', () => {
    cli.ok('seal', '--detached', '--payload', 'p', 'm', '-o', 'd.wax', '--remove');
    expect(existsSync(at('m'))).toBe(false);
    opens('d.wax', '--payload', 'p');
  });
});

describe('private metadata', () => {
  it('is shown when opening, never before, and never used as a path', () => {
    cli.ok('seal', 'm', '-o', 'p.wax', '--name', '../../secret name', '--media-type', 'text/plain');
    expect(readFileSync(at('p.wax')).includes('secret name')).toBe(false);
    expect(cli.ok('inspect', 'p.wax')).not.toMatch(/secret name/);
    expect(cli.ok('open', 'p.wax')).toMatch(/private metadata: name \.\.\/\.\.\/secret name, media type text\/plain/);
    expect(existsSync(at('p'))).toBe(true);
    expect(json('open', 'p.wax', '--force').results[0]).toMatchObject({
      metadata: { name: '../../secret name', mediaType: 'text/plain' },
    });
  });
});

describe('reseal', () => {
  it('gives a new id and data key; keeps context, metadata and recipients; old copies still open', () => {
    cli.ok('key', 'create', 'local:second');
    cli.ok('seal', 'm', '-o', 'r.wax', '-k', 'local:default', '-k', 'local:second', '--context', 'a=b', '--name', 'n');
    const old = readFileSync(at('r.wax'));
    const { id } = json('inspect', 'r.wax').results[0] ?? {};
    expect(cli.ok('reseal', 'r.wax', '--dry-run')).toMatch(/would be resealed to local:default, local:second/);
    expect(Buffer.compare(readFileSync(at('r.wax')), old)).toBe(0);
    expect(cli.ok('reseal', 'r.wax')).toMatch(/Copies of 1 object made before still open/);
    const now = json('open', 'r.wax', '--force', '-o', 'x').results[0] ?? {};
    expect(now).toMatchObject({ context: { a: 'b' }, metadata: { name: 'n' } });
    expect(now.id).not.toBe(id);
    expect(cli.run(['open', 'r.wax', '--force', '-o', 'x', '--expect-id', String(id)])).toMatchObject({ status: 3 });
    opens('r.wax');
    writeFileSync(at('copy.wax'), old);
    opens('copy.wax');
  });

  it('refuses a recipient that it was not told to keep, until told to drop it', () => {
    cli.ok('key', 'create', 'escrow', '--x25519');
    const uri = cli.ok('key', 'export-public', 'escrow').trim();
    cli.ok('recipients', 'add', 'm.wax', '-k', uri);
    const refused = cli.run(['reseal', 'm.wax', '-k', 'local:default']);
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toMatch(/ERR_RECIPIENT_NOT_ALLOWED[\s\S]*--drop-others/);
    cli.ok('reseal', 'm.wax', '-k', 'local:default', '-k', uri);
    expect(cli.ok('reseal', 'm.wax', '-k', 'local:default', '--drop-others')).toMatch(/no longer to x25519:/);
    expect(json('inspect', 'm.wax').results[0]).toMatchObject({ recipients: [{ uri: 'local:default' }] });
    opens('m.wax');
  });

  it('of a detached object replaces header and payload', () => {
    cli.ok('seal', '--detached', 'm', '-o', 'd.wax');
    const payload = readFileSync(at('d.floe'));
    cli.ok('reseal', 'd.wax');
    expect(Buffer.compare(readFileSync(at('d.floe')), payload)).not.toBe(0);
    opens('d.wax');
    expect(existsSync(at('d.wax.next'))).toBe(false);
  });
});

describe('shred', () => {
  it('asks where nobody can answer: exit 2, nothing touched; --dry-run touches nothing either', () => {
    const before = readFileSync(at('m.wax'));
    const run = cli.run(['shred', 'm.wax']);
    expect(run).toMatchObject({ status: 2 });
    expect(run.stderr).toMatch(/--yes/);
    expect(cli.ok('shred', '--dry-run', 'm.wax')).toMatch(/slot A, slot B would be erased/);
    expect(Buffer.compare(readFileSync(at('m.wax')), before)).toBe(0);
  });

  it('erases, says what it cannot reach, and the object says that it was shredded', () => {
    expect(cli.run(['shred', '--yes', 'm.wax', '--expect-id', '0'.repeat(32)])).toMatchObject({ status: 3 });
    opens('m.wax');
    expect(cli.ok('shred', '--yes', 'm.wax')).toMatch(/Out of reach are copies, backups, snapshots/);
    const run = cli.run(['open', 'm.wax', '-o', 'x']);
    expect(run).toMatchObject({ status: 3 });
    expect(run.stderr).toMatch(/ERR_SHREDDED/);
    expect(json('inspect', 'm.wax').results[0]).toMatchObject({ lists: 'erased', recipients: [] });
    expect(cli.run(['rewrap', 'm.wax'])).toMatchObject({ status: 3 });
  });

  it('--delete removes header and payload', () => {
    cli.ok('seal', '--detached', 'm', '-o', 'd.wax');
    cli.ok('shred', '--yes', '--delete', 'd.wax');
    expect([existsSync(at('d.wax')), existsSync(at('d.floe'))]).toEqual([false, false]);
  });

  it('needs no key', () => {
    renameSync(at('home'), at('home-away'));
    cli.ok('shred', '--yes', 'm.wax');
  });
});
