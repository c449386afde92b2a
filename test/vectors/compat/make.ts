/**
 * Makes the fixtures of one release, with the command line of that release: `node test/vectors/compat/make.ts VERSION
 * [FOLDER]`, from a built checkout of it, once. They must open for ever, so that a folder which is there is never written again.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seal, openLocalKeyring } from '../../../src/index.ts';

const BIN = join(import.meta.dirname, '../../../dist/src/cli/bin.js');
const version = process.argv[2] ?? '';
const folder = process.argv[3] ?? join(import.meta.dirname, version);
if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error('usage: make.ts VERSION [FOLDER], the release whose fixtures are made');
if (existsSync(folder)) throw new Error(`${folder} exists: fixtures of a release are never made again`);

const PASSPHRASE = 'correct horse ö battery';
const BACKUP_PASSPHRASE = 'the backup has its own';
const work = mkdtempSync(join(tmpdir(), 'waxseal-compat-'));
const objects: unknown[] = [];

type Home = 'key-file' | 'passphrase';

/** Byte i is (7i + ⌊i / 256⌋) mod 256, as in the vectors. */
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

/** Runs the command line in the folder of the objects. */
function waxseal(home: Home, args: readonly string[], input?: Uint8Array): string {
  const unlock = home === 'passphrase' ? ['--passphrase-file', join(work, 'passphrase/passphrase')] : [];
  const env = { ...process.env, WAXSEAL_HOME: join(work, home), NO_COLOR: '1' };
  const cwd = join(work, 'objects');
  return execFileSync(process.execPath, [BIN, ...unlock, ...args], { cwd, env, input, encoding: 'utf8' });
}

interface Fixture {
  readonly home?: Home;
  readonly about: string;
  readonly size: number;
  /** Options of `seal`. */
  readonly options?: readonly string[];
  readonly fromStdin?: boolean;
  readonly context?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly code?: string;
}

function record(name: string, { home = 'key-file', about, size, context = {}, metadata, code }: Fixture): void {
  objects.push({
    name,
    about,
    home,
    ...(code === undefined
      ? { sha256: createHash('sha256').update(pattern(size)).digest('hex'), size, context, metadata: metadata ?? null }
      : { code }),
  });
}

/** Seals `NAME.wax`, then does to it what else the fixture is about. */
function make(name: string, fixture: Fixture): void {
  const { home = 'key-file', size, options = [], fromStdin = false, context = {} } = fixture;
  const plaintext = pattern(size);
  const plain = join(work, 'objects', name);
  const facts = Object.entries(context).flatMap(([key, value]) => ['--context', `${key}=${value}`]);
  if (fromStdin) {
    waxseal(home, ['seal', '-', '-o', `${name}.wax`, ...facts, ...options], plaintext);
  } else {
    writeFileSync(plain, plaintext);
    waxseal(home, ['seal', name, ...facts, ...options]);
    rmSync(plain);
  }
  record(name, fixture);
}

for (const part of ['objects', 'passphrase']) mkdirSync(join(work, part), { mode: 0o700 });
writeFileSync(join(work, 'passphrase/passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
writeFileSync(join(work, 'passphrase/backup-passphrase'), `${BACKUP_PASSPHRASE}\n`, { mode: 0o600 });

waxseal('key-file', ['init', '--key-file']);
waxseal('key-file', ['key', 'create', 'local:recovery']);
waxseal('key-file', ['key', 'create', 'inbox', '--x25519']);
const inbox = waxseal('key-file', ['key', 'export-public', 'inbox']).trim();
waxseal('passphrase', ['init']);
waxseal('passphrase', ['key', 'create', 'outbox', '--x25519']);
const outbox = waxseal('passphrase', ['key', 'export-public', 'outbox']).trim();

const SEVERAL = 270_000; // one segment of the default length and a part of the next
const LAYOUTS = { attached: [], compact: ['--compact'], detached: ['--detached'] } as const;
const context = { team: 'vision', größe: 'klein' };

for (const [layout, options] of Object.entries(LAYOUTS)) {
  make(`${layout}-empty`, { about: 'no plaintext', size: 0, options });
  make(`${layout}-context`, { about: 'a few bytes, with an encryption context', size: 11, options, context });
  make(`${layout}-stdin`, { about: 'from standard input, no size in the core', size: 5000, options, fromStdin: true });
  make(`${layout}-two-keys`, { about: 'two local keys', size: 11, options: [...options, '-k', 'local:recovery', '-k', 'local:default'] });
  make(`${layout}-x25519`, { about: 'to a public key', size: 11, options: [...options, '-k', inbox] });
  make(`${layout}-passphrase`, { home: 'passphrase', about: 'under a keyring with a passphrase', size: 11, options });
  make(`${layout}-passphrase-x25519`, {
    home: 'passphrase',
    about: 'to a public key of a keyring with a passphrase',
    size: 11,
    options: [...options, '-k', outbox, '-k', inbox],
  });
  make(`${layout}-rewrapped`, { about: 'rewrapped to version 2 of the key', size: 11, options });
  make(`${layout}-recipient-added`, { about: 'opens with a recipient that was added, the first being removed', size: 11, options });
  make(`${layout}-resealed`, { about: 'resealed in place', size: 11, options, context });
  make(`${layout}-shredded`, { about: 'shredded', size: 11, options, code: 'ERR_SHREDDED' });
  make(`${layout}-old-version`, { about: 'under version 1 of a key whose version 2 is current', size: 11, options });
}
make('attached-segments', { about: 'several segments', size: SEVERAL });
make('detached-segments', { about: 'several segments', size: SEVERAL, options: ['--detached'] });
make('converted-to-detached', { about: 'sealed attached, then detached', size: 5000 });
make('converted-to-attached', { about: 'sealed detached, then attached', size: 5000, options: ['--detached'] });

waxseal('key-file', ['rotate', 'local:default']);
for (const layout of Object.keys(LAYOUTS)) {
  waxseal('key-file', ['rewrap', `${layout}-rewrapped.wax`]);
  waxseal('key-file', ['recipients', 'add', `${layout}-recipient-added.wax`, '-k', 'local:recovery']);
  waxseal('key-file', ['recipients', 'remove', `${layout}-recipient-added.wax`, '-k', 'local:default']);
  waxseal('key-file', ['reseal', `${layout}-resealed.wax`]);
  waxseal('key-file', ['shred', '--yes', `${layout}-shredded.wax`]);
}
waxseal('key-file', ['detach', 'converted-to-detached.wax']);
waxseal('key-file', ['attach', 'converted-to-attached.wax']);

// The command line writes no private metadata yet: this one comes from the library.
const keyring = await openLocalKeyring(join(work, 'key-file/keyring'), { keyFile: join(work, 'key-file/keyring.key') });
const metadata = { name: 'größe.bin', mediaType: 'application/octet-stream' };
writeFileSync(join(work, 'objects/compact-metadata.wax'), await seal(pattern(11), keyring.key('default'), { layout: 'compact', metadata }));
keyring.close();
record('compact-metadata', { about: 'private metadata, sealed by the library', size: 11, metadata });

for (const home of ['key-file', 'passphrase'] as const) {
  const secret = join(work, 'passphrase/backup-passphrase');
  waxseal(home, ['key', 'backup', '-o', join(work, home, 'keyring.backup'), '--backup-passphrase-file', secret]);
}
cpSync(work, folder, { recursive: true, filter: (path) => !/\.waxseal\.lock/.test(path) });
rmSync(work, { recursive: true });
writeFileSync(join(folder, 'fixtures.json'), `${JSON.stringify({ version, objects }, undefined, 2)}\n`);
writeFileSync(
  join(folder, 'README.md'),
  `# What Waxseal ${version} wrote

These objects and keyrings were made by the command line of Waxseal ${version}. Every later version must open them, for ever: \`test/spec/compat.test.ts\` does. They are never changed and never made again; \`../make.ts\` refuses to.

- \`objects/NAME.wax\`, of a detached object with \`NAME.floe\`. \`fixtures.json\` says what each is, which home opens it, and the digest of its plaintext or the error.
- \`key-file/\` and \`passphrase/\` are homes (\`WAXSEAL_HOME\`): the first is unlocked by its \`keyring.key\`, the second by the passphrase in its \`passphrase\`. Each has a backup, \`keyring.backup\`, under the passphrase in \`passphrase/backup-passphrase\`.

The keys are public, for they are here: seal nothing with them. Git does not keep permissions, and a keyring that others can read is refused: copy a home and \`chmod -R go-rwx\` it.
`,
);
console.log(`${folder}: ${String(readdirSync(join(folder, 'objects')).length)} files of objects`);
